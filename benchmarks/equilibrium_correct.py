"""Ten thousand random markets against cvxpy and Clarabel: objective, certificate and prices.

python -m benchmarks.equilibrium_correct [--count 10000] [--seed 0]

Markets are solved here one at a time through `cx.equilibrium`, and by the peer in its own Python.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

import catallax as cx
from benchmarks import equilibrium_markets as em
from benchmarks.deep import environment

HERE = Path(__file__).parent
TOLERANCE = 1e-6
PRICES = 1e-4
"""The largest difference of prices, relative to the dearest good, where they are unique."""

MEMBER = 1e-4
"""The largest violation of the peer's prices with our bundles, where prices are not unique."""

UNIQUE = {"linear", "ces", "cobb"}
"""With these kinds and a budget or all spent, prices are unique where goods are wanted."""

KINDS = {
    "linear": cx.valuations.Linear,
    "ces": cx.valuations.CES,
    "complements": cx.valuations.CES,
    "cobb": cx.valuations.CobbDouglas,
    "leontief": cx.valuations.Leontief,
    "quadratic": cx.valuations.Quadratic,
    "log": cx.valuations.Logarithmic,
    "pieces": cx.valuations.PiecewiseLinear,
    "coupled": cx.valuations.CoupledQuadratic,
}


@dataclass
class Tally:
    """What a comparison found.

    Attributes:
        markets: How many were compared.
        failures: What went wrong, each with the words that make the market again.
        inexact: Markets whose reference is not as close as it must be, by its own certificate.
        unsolved: Markets that the peer did not solve.
        worst: The largest of each difference.
        largest: The same in each cell, by kinds and money.
        seconds: Of both sides, compilation included.
    """

    markets: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    inexact: list[str] = field(default_factory=list)
    unsolved: list[str] = field(default_factory=list)
    worst: Counter = field(default_factory=Counter)
    largest: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Compares, and prints what failed with what makes it again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    tally = compared(chosen.count, chosen.seed)
    for failure in tally.failures:
        print(json.dumps(failure))
    print(summary(tally))


def compared(count: int, seed: int = 0, python: str | None = None) -> Tally:
    """Solves so many markets here and by the peer, and compares them."""
    drawn = em.draw(count, seed)
    tally = Tally()
    start = time.perf_counter()
    references = reference([plain for _, plain, _ in drawn], python or environment("equilibrium"))
    tally.seconds["peer"] = time.perf_counter() - start
    start = time.perf_counter()
    for (cell, plain, words), theirs in zip(drawn, references, strict=True):
        judge(tally, cell, plain, words, theirs)
    tally.seconds["ours"] = time.perf_counter() - start
    return tally


def reference(markets: list[em.Plain], python: str, *arguments: str) -> list[dict[str, Any]]:
    """Returns the peer's answers; what it cannot solve tightly, at the tolerances it ships."""
    answers = asked(markets, python, *arguments)
    again = [i for i, answer in enumerate(answers) if "prices" not in answer]
    if again:
        loose = asked([markets[i] for i in again], python, *arguments, "--loose")
        for i, answer in zip(again, loose, strict=True):
            answers[i] = answer
    return answers


def asked(markets: list[em.Plain], python: str, *arguments: str) -> list[dict[str, Any]]:
    """Runs the peer's script on markets and reads its answers."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "markets.npz", Path(folder) / "answers.npz"
        em.save(given, markets)
        script = str(HERE / "peers" / "run_clarabel.py")
        subprocess.run([python, script, str(given), str(found), *arguments], check=True)
        answers: list[dict[str, Any]] = [{} for _ in markets]
        with np.load(found) as file:
            for name in file.files:
                index, what = name.split("/")
                answers[int(index)][what] = file[name]
    return answers


def valuations_of(plain: em.Plain) -> Any:
    """Returns a market's valuations as the library takes them."""
    made = []
    for kind, fields in plain["families"]:
        if kind == "root":
            made.append(cx.valuations.Concave(_root, fields["values"], len(plain["supply"])))
        else:
            made.append(KINDS[kind](**fields))
    return made[0] if len(made) == 1 else cx.valuations.Mixed(tuple(made))


def _root(values: Any, bundle: Any) -> Any:
    return jnp.sqrt(1 + jnp.sum(values * bundle)) - 1


def solved(plain: em.Plain, tol: float) -> Any:
    """Solves a market here."""
    return cx.equilibrium(
        valuations_of(plain),
        plain["supply"],
        plain["wealth"],
        money=plain["money"],
        tol=tol,
        throw=False,
    )


def certified(plain: em.Plain, prices: np.ndarray, bundles: np.ndarray) -> Any:
    """Returns a certificate of anyone's prices and bundles."""
    return cx.certify(
        valuations_of(plain),
        plain["supply"],
        plain["wealth"],
        np.maximum(prices, 0.0),
        em.within_supply(plain, bundles),
        money=plain["money"],
    )


def answer(theirs: dict[str, Any]) -> dict[str, np.ndarray]:
    """Returns the prices and bundles of an answer."""
    return {"prices": theirs["prices"], "bundles": theirs["bundles"]}


def judge(tally: Tally, cell: em.Cell, plain: em.Plain, words: str, theirs: dict[str, Any]) -> None:
    """Solves one market and enters what differs."""
    tally.markets += 1
    where = f"{'+'.join(cell.kinds)}, {cell.money}"

    def enter(what: str, amount: float, limit: float) -> None:
        amount = float(amount)
        tally.worst[what] = max(tally.worst[what], amount)
        tally.largest[where][what] = max(tally.largest[where][what], amount)
        if not amount <= limit:
            tally.failures.append({"what": what, "amount": amount, "market": words, **about})

    about: dict[str, Any] = {}
    try:
        ours = solved(plain, TOLERANCE)
    except Exception as error:
        tally.failures.append({"what": repr(error)[:200], "amount": None, "market": words})
        return
    about |= {"steps": int(ours.steps), "result": ours.result.name}
    enter("violation", ours.certificate.violation, TOLERANCE)
    if "bundles" not in theirs:
        tally.unsolved.append(words)
        return
    compare_objectives(tally, plain, words, ours, theirs, enter)
    compare_prices(tally, cell, plain, words, ours, theirs, enter)


def compare_objectives(
    tally: Tally, plain: em.Plain, words: str, ours: Any, theirs: dict[str, Any], enter: Any
) -> None:
    """Compares the values of the convex programme; neither side may give out more than there is."""
    mine, other = em.within_supply(plain, ours.bundles), em.within_supply(plain, theirs["bundles"])
    scale = em.stake(plain, mine)
    above = (em.objective(plain, mine) - em.objective(plain, other)) / scale
    enter("objective below the peer's", max(-above, 0.0), TOLERANCE)
    if above <= TOLERANCE:
        enter("objective above the peer's", max(above, 0.0), TOLERANCE)
    elif certified(plain, **answer(theirs)).violation > TOLERANCE:
        tally.inexact.append(words)
    else:
        enter("objective above the peer's", above, TOLERANCE)


def compare_prices(
    tally: Tally,
    cell: em.Cell,
    plain: em.Plain,
    words: str,
    ours: Any,
    theirs: dict[str, Any],
    enter: Any,
) -> None:
    """Compares prices where they are unique; elsewhere asks whether theirs suit our bundles."""
    if str(theirs["status"]) != "optimal":
        return
    ours = solved(plain, 1e-9)
    if cell.money in ("budget", "fisher") and set(cell.kinds) <= UNIQUE:
        what, limit = "prices, where unique", PRICES
        apart = np.abs(ours.prices - theirs["prices"]).max() / theirs["prices"].max()
    else:
        what, limit = "the peer's prices, our bundles", MEMBER
        apart = certified(plain, theirs["prices"], ours.bundles).violation
    if apart > limit and _only_theirs_is_doubtful(plain, ours, theirs):
        tally.inexact.append(words)
    else:
        enter(what, apart, limit)


def _only_theirs_is_doubtful(plain: em.Plain, ours: Any, theirs: dict[str, Any]) -> bool:
    """Returns whether the peer's answer is no equilibrium to 1e-6 where ours is one to 1e-8."""
    missed = certified(plain, **answer(theirs)).violation
    return ours.certificate.violation <= TOLERANCE / 100 and missed > TOLERANCE


def summary(tally: Tally) -> str:
    """Returns a table of the largest differences, by kinds and money."""
    columns = sorted(tally.worst)
    lines = [
        f"{tally.markets} markets, {len(tally.failures)} failures, "
        f"{len(tally.inexact)} inexact references, {len(tally.unsolved)} unsolved by the peer; "
        f"seconds {', '.join(f'{k} {v:.0f}' for k, v in tally.seconds.items())}",
        "",
        f"| kinds, money | {' | '.join(columns)} |",
        "| --- " * (len(columns) + 1) + "|",
    ]
    rows = {**dict(sorted(tally.largest.items())), "all": tally.worst}
    for where, found in rows.items():
        cells = (f"{found[what]:.0e}" if what in found else "" for what in columns)
        lines.append(f"| {where} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
