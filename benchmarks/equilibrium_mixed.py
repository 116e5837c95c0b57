"""Random markets in which money means several things: how many are certified, in how many steps.

python -m benchmarks.equilibrium_mixed [--count 500] [--seed 0]

Producers in fixed proportions with caps (or trusted, or with budgets) stand beside households who
have budgets (or spend all, or are capped); of each kind of market there are twenty, which share a
program.
"""

import argparse
import time
from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np

import catallax as cx

SIZES = ((3, 4, 3), (6, 6, 5), (12, 20, 8), (30, 50, 20))
"""Producers, households and goods."""

MONEY = (
    ("cap", "budget"),
    ("none", "budget"),
    ("cap", "fisher"),
    ("none", "cap"),
    ("budget", "fisher"),
    ("cap", "budget", "fisher"),
)


OF_A_KIND = 20


class Cell(NamedTuple):
    """A kind of market: the families, how many agents each has, what money means to it, goods."""

    kinds: tuple[str, ...]
    sizes: tuple[int, ...]
    money: tuple[Any, ...]
    goods: int


def bounded(rng: np.random.Generator, agents: int, goods: int) -> Any:
    """Returns producers with capacities, some of them none."""
    bounds = np.where(rng.random(agents) < 0.3, np.inf, rng.lognormal(-1, 1, agents))
    bends = np.where(rng.random(agents) < 0.5, 0.0, rng.lognormal(0, 1, agents))
    return cx.valuations.BoundedLeontief(
        sparse(rng, agents, goods), rng.lognormal(0.5, 1, agents), bends, bounds
    )


def sparse(rng: np.random.Generator, agents: int, goods: int) -> np.ndarray:
    """Returns positive numbers of many sizes, half of them 0, with one in every row."""
    table = rng.lognormal(0, 1, (agents, goods)) * (rng.random((agents, goods)) < 0.5)
    table[np.arange(agents), rng.integers(goods, size=agents)] += 0.5
    return table


def cobb(rng: np.random.Generator, agents: int, goods: int) -> Any:
    """Returns households who spend shares."""
    shares = sparse(rng, agents, goods)
    return cx.valuations.CobbDouglas(
        shares / shares.sum(axis=1, keepdims=True), rng.lognormal(0, 1, agents)
    )


FAMILIES = {
    "bounded": bounded,
    "leontief": lambda rng, *shape: cx.valuations.Leontief(sparse(rng, *shape)),
    "linear": lambda rng, *shape: cx.valuations.Linear(sparse(rng, *shape)),
    "ces": lambda rng, *shape: cx.valuations.CES(
        sparse(rng, *shape), rng.uniform(0.2, 0.9, shape[0])
    ),
    "complements": lambda rng, *shape: cx.valuations.CES(
        sparse(rng, *shape), -rng.uniform(0.2, 3, shape[0])
    ),
    "cobb": cobb,
}
FIRST = ("bounded", "leontief", "linear")
OTHERS = ("linear", "ces", "cobb", "complements", "leontief")


def cells(rng: np.random.Generator, count: int) -> list[Cell]:
    """Draws kinds of markets, meanings of money in turn; whoever has a budget has degree 1."""
    made = []
    for number in range(count):
        money = MONEY[number % len(MONEY)]
        producers, households, goods = SIZES[rng.integers(len(SIZES))]
        first = rng.choice(FIRST[1:] if money[0] == "budget" else FIRST)
        others = rng.choice(OTHERS, size=len(money) - 1)
        sizes = (producers, *(households,) * len(others))
        made.append(Cell((str(first), *map(str, others)), sizes, money, goods))
    return made


def solved(rng: np.random.Generator, cell: Cell) -> Any:
    """Draws a market and solves it."""
    each = zip(cell.kinds, cell.sizes, strict=True)
    families: Any = tuple(FAMILIES[kind](rng, size, cell.goods) for kind, size in each)
    wealth = rng.lognormal(rng.choice([-3, -1, 1]), 1, sum(cell.sizes))
    supply = rng.lognormal(0, 0.5, cell.goods)
    mixed: Any = cx.valuations.Mixed(families)
    return cx.equilibrium(mixed, supply, wealth, money=cell.money, throw=False)


def main() -> None:
    """Solves, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    rng, steps, missed = np.random.default_rng(chosen.seed), defaultdict(list), []
    began = time.perf_counter()
    kinds = cells(rng, -(-chosen.count // OF_A_KIND))
    for number in range(chosen.count):
        cell = kinds[number // OF_A_KIND]
        found = solved(rng, cell)
        steps["+".join(cell.money)].append(int(found.steps))
        if found.result is not cx.Result.CERTIFIED:
            missed.append((number, cell, float(found.certificate.violation)))
    print("| money | markets | steps, mean | steps, most |\n| --- | --- | --- | --- |")
    every = [taken for each in steps.values() for taken in each]
    for money, taken in {**steps, "all": every}.items():
        print(f"| {money} | {len(taken)} | {np.mean(taken):.1f} | {max(taken)} |")
    print(f"certified {chosen.count - len(missed)} of {chosen.count} at 1e-6, ", end="")
    print(f"{time.perf_counter() - began:.0f} s with compilation", *missed, sep="\n")


if __name__ == "__main__":
    main()
