"""Equilibria: right against cvxpy and Clarabel, and how many times faster.

python -m benchmarks.equilibrium [--count 10000] [--markets 256] [--rounds 3] [--only WORD]

Peers run in an environment of their own, made from benchmarks/peers/equilibrium.txt. Sides take
turns, BLAS has one thread everywhere, and what counts is the ratio within one run. Compiling is not
in the figures; it stands beside. It prints a Markdown table of each part and replaces that part in
benchmarks/results/equilibrium.json.
"""

import argparse
import itertools
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import jax
import numpy as np

import catallax as cx
from benchmarks import equilibrium_large
from benchmarks import equilibrium_markets as em
from benchmarks.deep import Row, environment, markdown
from benchmarks.equilibrium_correct import asked, compared, summary, valuations_of
from catallax.clearing.equilibrium._padding import bucket

RESULTS = Path(__file__).parent / "results" / "equilibrium.json"
BATCHES = ((10, 8, 600), (100, 8, 150), (100, 64, 80))
"""Agents, goods, and the ratio to reach."""

SAMPLE = 16
"""The peer solves so many of a batch in a round; its time for one is their median."""

CALLS = 7
"""Our side is called so many times in its turn, and the median counts, as it does for the peer."""

NOISE, FEW_STEPS = 0.01, 6
OVERHEAD_MS = 0.3
WIDTHS = (1.0, 2.0, 5.0)
"""Caps in all, as a share of what goods are worth at equal shares; at 1 all can be met."""

SIZES = 1000


def main() -> None:
    """Measures what was asked for, prints the table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--count", type=int, default=10_000, help="markets compared for correctness"
    )
    parser.add_argument("--markets", type=int, default=256, help="markets in a batch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=PARTS, nargs="*", default=list(PARTS))
    chosen = parser.parse_args()
    python = environment("equilibrium")
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for part in chosen.only:
        rows = PARTS[part](chosen, python)
        print(markdown(rows), flush=True)
        about = {"machine": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()}
        named = [dict(zip(("what", "figure", "target", "met"), row, strict=True)) for row in rows]
        results[part] = {"about": about, "table": named}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


def correct(chosen: Any, python: str) -> list[Row]:
    """Compares objectives, certificates and prices on random markets."""
    tally = compared(chosen.count, python=python)
    print(summary(tally), *map(json.dumps, tally.failures), sep="\n")
    good = not tally.failures
    what = f"failures in {tally.markets:,} random markets"
    rows = [(what, f"{len(tally.failures)}", "0", good)]
    for name, amount in sorted(tally.worst.items()):
        rows.append((f"largest: {name}", f"{amount:.0e}", "", True))
    unsure = f"{len(tally.inexact)} and {len(tally.unsolved)}"
    return [*rows, ("inexact and missing answers of the peer", unsure, "", True)]


# --- times


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Returns seconds and what was returned."""
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def peer_seconds(plains: list[em.Plain], python: str, form: str, *more: str) -> tuple[float, Any]:
    """Returns the peer's median seconds for a market, and its answers."""
    answers = asked(plains, python, "--form", form, "--loose", *more)
    return float(np.nanmedian([np.min(answer["seconds"]) for answer in answers])), answers


def versus(
    ours: Callable[[], Any], theirs: dict[str, Callable[[], float]], rounds: int
) -> tuple[float, float, float, float, str]:
    """Lets both sides take turns; the peer counts in its faster form.

    Returns:
        The median ratio, our median seconds, the peer's, seconds to compile, and the peer's form.
    """
    compiling, _ = timed(ours)
    mine, other = [], {form: [] for form in theirs}
    for _ in range(rounds):
        mine.append(median(timed(ours)[0] for _ in range(CALLS)))
        for form, call in theirs.items():
            other[form].append(call())
    best = min(other, key=lambda form: median(other[form]))
    ratios = [slow / fast for slow, fast in zip(other[best], mine, strict=True)]
    return median(ratios), median(mine), median(other[best]), max(compiling - median(mine), 0), best


def linear_market(seed: int, agents: int, goods: int, money: str, law: str = "uniform") -> em.Plain:
    """Returns a market of linear agents."""
    theta = 0.2 if money == "budget" else 1.0
    return em.market(seed, em.Cell(("linear",), money, agents, goods), law, theta)


def batches(chosen: Any, python: str) -> list[Row]:
    """Measures whole batches to 1e-6 against cvxpy and Clarabel in either form."""
    return [batch(chosen, python, *shape) for shape in BATCHES]


def batch(chosen: Any, python: str, agents: int, goods: int, target: int) -> Row:
    """Measures a batch of one shape; the peer solves some of its markets, one after the other."""
    plains = [linear_market(seed, agents, goods, "budget") for seed in range(chosen.markets)]
    many = cx.valuations.Linear(np.stack([plain["families"][0][1]["values"] for plain in plains]))
    supply = np.stack([plain["supply"] for plain in plains])
    wealth = np.stack([plain["wealth"] for plain in plains])

    def peer(form: str) -> Callable[[], float]:
        return lambda: len(plains) * peer_seconds(plains[:SAMPLE], python, form)[0]

    def ours() -> Any:
        return cx.equilibria(many, supply, wealth, money="budget", throw=False)

    ratio, mine, other, compiling, form = versus(
        ours,
        {form: peer(form) for form in ("primal", "dual")},
        chosen.rounds,
    )
    figures = (ratio, mine / len(plains), other / len(plains), compiling)
    what = f"batch of {len(plains)}, {agents}×{goods}, 1e-6, each"
    *row, met = against(what, f"cvxpy + Clarabel ({form})", figures, target)
    missing = int(np.sum(np.asarray(ours().result) != cx.Result.CERTIFIED))
    if missing:
        row[0] += f" ({missing} not certified)"
    return (*row, met and not missing)


def single(plain: em.Plain, tol: float) -> Callable[[], Any]:
    """Returns a call that solves one market here."""
    values = valuations_of(plain)
    return lambda: cx.equilibrium(
        values, plain["supply"], plain["wealth"], money=plain["money"], tol=tol
    )


def singles(chosen: Any, python: str) -> list[Row]:
    """Measures 1000×64 to 1e-8, and under caps, from tight to wide, against the better of HiGHS."""
    plain = linear_market(0, 1000, 64, "budget")
    forms = ("primal", "dual")
    rows = [
        alone(plain, 1e-8, "1000×64, budget, 1e-8", forms, "cvxpy + Clarabel", 60, chosen, python)
    ]
    for theta in WIDTHS:
        plain = em.market(0, em.Cell(("linear",), "cap", 1000, 64), "uniform", theta)
        what = f"1000×64, cap, θ = {theta:g}, 1e-6"
        forms = ("highs", "highs-interior")
        rows.append(alone(plain, 1e-6, what, forms, "HiGHS", 30, chosen, python))
    return rows


def alone(
    plain: em.Plain,
    tol: float,
    what: str,
    forms: tuple[str, ...],
    name: str,
    target: int,
    chosen: Any,
    python: str,
) -> Row:
    """Measures one market against the faster of a peer's forms."""
    theirs = {form: peer_call(plain, python, form) for form in forms}
    *figures, form = versus(single(plain, tol), theirs, chosen.rounds)
    ratio, mine, other, compiling = figures
    return against(what, f"{name} ({form})", (ratio, mine, other, compiling), target)


def peer_call(plain: em.Plain, python: str, form: str) -> Callable[[], float]:
    """Returns a call that has the peer solve one market and says how long it took."""
    return lambda: peer_seconds([plain], python, form)[0]


def large(chosen: Any, python: str) -> list[Row]:
    """Measures 10,000×100 to 1e-6 against Clarabel's own interface, which solves it once."""
    plain = linear_market(0, 10_000, 100, "budget")
    values = plain["families"][0][1]["values"]

    def streamed() -> Any:
        market = values, plain["supply"], plain["wealth"]
        return cx.equilibrium_streamed(*market, money="budget", tol=1e-6)

    rows, (other, _) = [], peer_seconds([plain], python, "direct")
    for name, call in (("equilibrium", single(plain, 1e-6)), ("equilibrium_streamed", streamed)):
        compiling, _ = timed(call)
        mine = median(timed(call)[0] for _ in range(5))
        figures = other / mine, mine, other, max(compiling - mine, 0)
        rows.append(against(f"10,000×100, 1e-6, {name}", "Clarabel", figures, 500))
    return rows


# --- what needs no peer


def growth(chosen: Any, python: str) -> list[Row]:
    """Measures streamed markets of up to a million agents."""
    return equilibrium_large.rows(equilibrium_large.growth())


def warm(chosen: Any, python: str) -> list[Row]:
    """Counts steps from the equilibrium of a market to that of its neighbour, 1 % away."""
    rows = []
    for (agents, goods), law in itertools.product(((10, 8), (100, 64)), em.LAWS):
        steps = [neighbour_steps(seed, agents, goods, law) for seed in range(10)]
        cold, short = (max(column) for column in zip(*steps, strict=True))
        what = f"steps after 1 % noise, {agents}×{goods}, {law}, most of 10 (cold {cold})"
        rows.append((what, f"{short}", f"≤ {FEW_STEPS}", short <= FEW_STEPS))
    return rows


def neighbour_steps(seed: int, agents: int, goods: int, law: str) -> tuple[int, int]:
    """Returns the steps to a market's neighbour from nowhere, and from the market."""
    plain = linear_market(seed, agents, goods, "budget", law)
    rng = np.random.default_rng(seed)
    values = plain["families"][0][1]["values"]
    first = single(plain, 1e-6)()
    noisy = values * (1 + NOISE * rng.normal(size=values.shape))
    wealth = plain["wealth"] * (1 + NOISE * rng.normal(size=plain["wealth"].shape))
    call = (cx.valuations.Linear(noisy), plain["supply"], wealth)
    again = cx.equilibrium(*call, money="budget", start=first.warm)
    return int(cx.equilibrium(*call, money="budget").steps), int(again.steps)


def overhead(chosen: Any, python: str) -> list[Row]:
    """Measures a single call at 10×8, and counts programs over markets of a thousand sizes."""
    call = single(linear_market(0, 10, 8, "budget"), 1e-6)
    call()
    ms = 1e3 * median(timed(call)[0] for _ in range(300))
    rows = [("a single call, 10×8", f"{ms:.2f} ms", f"< {OVERHEAD_MS} ms", ms < OVERHEAD_MS)]
    rng = np.random.default_rng(0)
    sizes = [(int(n), int(m)) for n, m in rng.integers(2, 33, (SIZES, 2))]
    buckets = {(bucket(n), bucket(m + 1)) for n, m in sizes}
    with counted() as programs:
        for seed, (n, m) in enumerate(sizes):
            single(linear_market(seed, n, m, "budget"), 1e-6)()
    what = f"programs compiled for {SIZES} markets in {len(set(sizes))} sizes"
    limit = 2 * len(buckets)  # one to solve and one to certify
    rows.append((what, f"{len(programs)}", f"≤ {limit}", len(programs) <= limit))
    return rows


@contextmanager
def counted() -> Iterator[list[float]]:
    """Lists the seconds of every program that is compiled meanwhile."""
    programs: list[float] = []

    def heard(event: str, seconds: float, **_: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            programs.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(heard)
    yield programs
    jax.monitoring.unregister_event_duration_listener(heard)


def against(what: str, peer: str, figures: tuple[float, float, float, float], target: float) -> Row:
    """Returns a row about a ratio."""
    ratio, mine, other, compiling = figures
    times = f"{1e3 * mine:.3g} ms, {peer} {1e3 * other:.3g} ms; compiling {compiling:.1f} s"
    return (f"{what}: {times}: ratio", f"{ratio:.0f}", f"≥ {target:.0f}", ratio >= target)


PARTS: dict[str, Callable[[Any, str], list[Row]]] = {
    "correct": correct,
    "batches": batches,
    "singles": singles,
    "large": large,
    "growth": growth,
    "warm": warm,
    "overhead": overhead,
}

if __name__ == "__main__":
    main()
