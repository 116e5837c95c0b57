"""What a run directory keeps of a wide market: its history as columns, its stocks as rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int64

from catallax._journal import GoodsRow
from catallax._types import Columns

from ._history import History
from ._market import WideMarket
from ._step import FLOWS

QUANTA = ("came_in", "made", "used_up")


def goods_rows(
    holders: Sequence[str], goods: Sequence[str], flows: Int64[np.ndarray, "7 n m"]
) -> list[GoodsRow]:
    """Returns the flows of goods as rows of the journal; cells of 0 are left out.

    Args:
        holders: Their names.
        goods: Their names.
        flows: int64 `[7, n, m]`, quanta received, by `FLOWS`.

    Returns:
        `(holder, good, reason, quanta)`.
    """
    why, who, what = np.nonzero(flows)
    places = zip(why.tolist(), who.tolist(), what.tolist(), strict=True)
    each = zip(places, flows[why, who, what].tolist(), strict=True)
    return [(holders[n], goods[m], FLOWS[k], quanta) for (k, n, m), quanta in each]


def columns_of(market: WideMarket, history: History) -> Columns:
    """Returns a history as columns with names for people, `price/cedar` for one."""
    columns: Columns = {"violation": history.violation}
    for field, (word, names) in _tables(market).items():
        table = getattr(history, field)
        columns |= {f"{word}/{name}": table[:, n] for n, name in enumerate(names)}
    for part, word in enumerate(QUANTA):
        names = market.industry.goods
        columns |= {f"{word}/{name}": history.quanta[:, part, n] for n, name in enumerate(names)}
    return columns


def history_of(market: WideMarket, columns: Mapping[str, np.ndarray]) -> History:
    """Returns the history that columns tell: what `columns_of` wrote."""
    tables: dict[str, Any] = {
        field: _table([columns[f"{word}/{name}"] for name in names], columns["violation"].size)
        for field, (word, names) in _tables(market).items()
    }
    goods = market.industry.goods
    parts = [np.stack([columns[f"{word}/{good}"] for good in goods], axis=1) for word in QUANTA]
    return History(**tables, violation=columns["violation"], quanta=np.stack(parts, axis=1))


def _table(columns: list[np.ndarray], steps: int) -> np.ndarray:
    return np.stack(columns, axis=1) if columns else np.zeros((steps, 0))


def _tables(market: WideMarket) -> dict[str, tuple[str, Sequence[str]]]:
    """The tables of a history: a word for the columns of each, and their names."""
    industry = market.industry
    goods, producers = industry.looks, [one.name for one in industry.producers]
    households = [one.name for one in industry.households]
    return {
        "prices": ("price", goods),
        "forecasts": ("forecast", goods),
        "supply": ("supply", goods),
        "sold": ("sold", goods),
        "levels": ("level", producers),
        "worths": ("worth", households),
        "costs": ("cost", producers),
        "profits": ("profit", producers),
        "present": ("in", producers),
    }
