"""What is attempted without a guarantee: the share of random markets that end certified.

python -m benchmarks.equilibrium_tier2 [--each 25] [--seed 0]

Budgets (and all money spent) with values that are not of degree 1, and exchange. Markets come from
`equilibrium_markets`, of three laws, from starved to rich; every result is certified to 1e-6 or
counted as missed. It prints a table and writes `results/equilibrium_tier2.json`.
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import catallax as cx
from benchmarks import equilibrium_markets as em
from benchmarks.equilibrium_correct import valuations_of
from catallax.clearing.equilibrium import exchange

RESULTS = Path(__file__).parent / "results" / "equilibrium_tier2.json"
TOLERANCE = 1e-6
AGENTS, GOODS = 10, 8
KINDS = [(kind,) for kind in em.CURVED] + [("linear", "log"), ("pieces", "cobb")]


def budgets(each: int, seed: int) -> Iterator[dict[str, Any]]:
    """Solves markets with money; yields one row for each."""
    for kinds, money in itertools.product(KINDS, ("budget", "fisher")):
        cell = em.Cell(kinds, money, AGENTS, GOODS)
        for law, theta, number in itertools.product(em.LAWS, em.THETAS, range(each)):
            plain = em.market(seed * 1_000_003 + number, cell, law, theta)
            eq = cx.equilibrium(
                valuations_of(plain),
                plain["supply"],
                plain["wealth"],
                money=money,
                tol=TOLERANCE,
                throw=False,
            )
            yield row_of("+".join(kinds), money, law, theta, number, eq)


def exchanges(each: int, seed: int) -> Iterator[dict[str, Any]]:
    """Solves exchanges, with endowments of all goods and of one good each."""
    for kind in em.DEGREE_ONE:
        cell = em.Cell((kind,), "fisher", AGENTS, GOODS)
        for law, spread, number in itertools.product(em.LAWS, (True, False), range(4 * each)):
            plain = em.market(seed * 1_000_003 + number, cell, law, 1.0)
            rng = np.random.default_rng([seed, number])
            one = np.eye(GOODS)[rng.permutation(np.arange(AGENTS) % GOODS)]
            owned = rng.uniform(0, 1, (AGENTS, GOODS)) if spread else one
            eq = exchange(valuations_of(plain), owned, tol=TOLERANCE, throw=False)
            yield row_of(kind, "exchange", law, float(spread), number, eq)


def row_of(kind: str, money: str, law: str, rich: float, number: int, eq: Any) -> dict[str, Any]:
    """Returns what is kept of a result."""
    return {
        "kind": kind,
        "money": money,
        "law": law,
        "rich": rich,
        "number": number,
        "certified": eq.result is cx.Result.CERTIFIED,
        "violation": float(eq.certificate.violation),
        "steps": int(eq.steps),
    }


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns one line for each kind and meaning of money."""
    lines = []
    for (money, kind), group in itertools.groupby(rows, key=lambda r: (r["money"], r["kind"])):
        own = list(group)
        good = [row["certified"] for row in own]
        steps = [row["steps"] for row in own]
        lines.append(
            {
                "money": money,
                "kind": kind,
                "markets": len(own),
                "certified": sum(good),
                "share": sum(good) / len(own),
                "median steps": int(np.median(steps)),
                "95 % of steps": int(np.quantile(steps, 0.95)),
                "worst certified": max(
                    (r["violation"] for r in own if r["certified"]), default=0.0
                ),
            }
        )
    return lines


def main() -> None:
    """Runs, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    started = time.perf_counter()
    rows = []
    for row in itertools.chain(budgets(given.each, given.seed), exchanges(given.each, given.seed)):
        rows.append(row)
    lines = sorted(summary(rows), key=lambda line: line["money"])
    print("| money | values | markets | certified | share | median steps | 95 % |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for line in lines:
        print(
            f"| {line['money']} | {line['kind']} | {line['markets']} | {line['certified']} "
            f"| {line['share']:.4f} | {line['median steps']} | {line['95 % of steps']} |"
        )
    report = {
        "agents": AGENTS,
        "goods": GOODS,
        "tolerance": TOLERANCE,
        "seed": given.seed,
        "seconds": round(time.perf_counter() - started, 1),
        "lines": lines,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
