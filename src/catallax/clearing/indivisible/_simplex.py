"""The simplex method in whole numbers: nothing is rounded, so what it says is proven."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np


class Column(NamedTuple):
    """One variable of a linear programme.

    Attributes:
        label: What it stands for; None is a limit that is not used up.
        entries: Whole numbers `[rows]`.
        cost: What a unit of it brings.
    """

    label: Any
    entries: np.ndarray
    cost: int


class Solved(NamedTuple):
    """Where the simplex method stopped.

    Attributes:
        bounded: Whether there is an optimum; otherwise the programme grows without end.
        prices: Whole numbers `[rows]`, of the rows, in parts.
        parts: How many to one.
        portions: How much the optimum holds of each label that it holds.
        steps: How many were taken.
    """

    bounded: bool
    prices: np.ndarray
    parts: int
    portions: dict[Any, Fraction]
    steps: int


def solve(limits: list[int], better: Callable[[np.ndarray, int], Column | None]) -> Solved:
    """Solves `max c·y, A y ≤ b, y ≥ 0` for b ≥ 0, with columns that are made when they are wanted.

    The inverse of the basis is kept as whole numbers over its determinant. Ties for the row that
    leaves are broken lexicographically, which cannot go round in circles; of several optimal
    prices it takes those with the lowest first, then the lowest second, and so on.

    Args:
        limits: b, whole numbers, 0 or more.
        better: From row prices, in parts, and how many make one: a column that brings more than
            its entries cost, or None if there is none.

    Returns:
        What was `Solved`.

    Source: Dantzig, Orden and Wolfe, "The generalized simplex method" (1955); Edmonds, "Systems
    of distinct representatives and linear algebra" (1967).
    """
    rows = len(limits)
    # The right-hand side and the inverse; in the last row the value and the row prices.
    table = np.zeros((rows + 1, rows + 1), object)
    table[:rows, 0], table[:rows, 1:] = limits, np.eye(rows, dtype=np.int64)
    parts, labels, steps = 1, [None] * rows, 0
    while column := _unused(table[rows, 1:]) or better(table[rows, 1:], parts):
        steps += 1
        entries = column.entries.astype(object)
        change = np.append(table[:rows, 1:] @ entries, table[rows, 1:] @ entries)
        change[rows] -= parts * column.cost
        leaves = _leaving(table[:rows], change[:rows])
        if leaves is None:
            return Solved(False, table[rows, 1:], parts, {}, steps)
        kept, pivot = table[leaves], change[leaves]
        table = (table * pivot - change[:, None] * kept) // parts
        table[leaves], labels[leaves], parts = kept, column.label, pivot
    held = {
        label: Fraction(amount, parts)
        for label, amount in zip(labels, table[:rows, 0], strict=True)
        if label is not None and amount
    }
    return Solved(True, table[rows, 1:], parts, held, steps)


def _unused(prices: np.ndarray) -> Column | None:
    """Returns the limit with the lowest price, if that is below 0: it is better left unused."""
    if prices.min(initial=0) >= 0:
        return None
    return Column(None, np.eye(len(prices), dtype=np.int64)[int(prices.argmin())], 0)


def _leaving(table: np.ndarray, entries: np.ndarray) -> int | None:
    """Returns the row that is used up first as the column grows, or None if none ever is."""
    rows = [row for row in range(len(table)) if entries[row] > 0]
    for place in range(table.shape[1]):
        if len(rows) < 2:
            break
        ratios = [Fraction(table[row, place], entries[row]) for row in rows]
        rows = [row for row, ratio in zip(rows, ratios, strict=True) if ratio == min(ratios)]
    return rows[0] if rows else None
