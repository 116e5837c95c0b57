"""An auction with tables of bids: every small one, and random ones with the largest bids."""

import itertools
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from catallax._auctions import Auction
from catallax._types import TICKS_MAX, exact
from catallax.checks._clauses import demand

CREDIT = 1_000_000


class Table(NamedTuple):
    """What an auction is given: `[N, W]` bids and who enters, `[W]` luck; on the host."""

    bids: np.ndarray
    enters: np.ndarray
    luck: np.ndarray


class Sales(NamedTuple):
    """What an auction decided: winner, price and setter `[W]`, on the host."""

    winner: np.ndarray
    price: np.ndarray
    setter: np.ndarray


class Bidding:
    """An auction with tables of bids, and what it makes of them."""

    def __init__(self, auction: Auction) -> None:
        self.auction = auction
        self._jitted: Callable[..., Any] = jax.jit(lambda *table: auction.clear(*table))

    @property
    def reserve(self) -> int | None:
        """The auction's reserve, in ticks."""
        return self.auction.reserve_ticks

    @cached_property
    def cases(self) -> list[tuple[Table, Sales]]:
        """Tables, and how they clear; the last three have distinct bids in every world."""
        small = [small_table(agents) for agents in (1, 3)]
        tables = [*small, *(random_table(seed) for seed in range(3))]
        return [(table, self.clear(table)) for table in tables]

    @property
    def distinct(self) -> list[tuple[Table, Sales]]:
        """The cases without ties."""
        return self.cases[-3:]

    def clear(self, table: Table) -> Sales:
        """Clears under compilation, as a market does."""
        with exact():
            return on_host(self._jitted(*(jnp.asarray(column) for column in table)))

    def eligible(self, table: Table) -> np.ndarray:
        """Who may win: those that enter and reach the reserve."""
        if self.reserve is None:
            return table.enters
        return table.enters & (table.bids >= self.reserve)


def on_host(clearing: Any) -> Sales:
    """Returns the columns of a clearing as NumPy arrays."""
    return Sales(*(np.asarray(column) for column in clearing))


def small_table(agents: int) -> Table:
    """Returns every table of so many agents who bid −1, 0, 1 or 2 or stay away; credits, ticks."""
    offers = np.array(list(itertools.product((None, -1, 0, 1, 2), repeat=agents)), object).T
    enters = offers != np.array(None, object)
    units = np.where(enters, offers, 7).astype(np.int64)
    luck = np.random.default_rng(0).random(2 * offers.shape[1], np.float32)
    luck[::5], luck[1::5] = 0.0, np.nextafter(np.float32(1), np.float32(0))
    return Table(np.hstack([units * CREDIT, units]), np.hstack([enters, enters]), luck)


def random_table(seed: int) -> Table:
    """Returns distinct bids of five agents, of any size, in 200 worlds."""
    draw = np.random.default_rng(seed)
    bids = draw.integers(-TICKS_MAX, TICKS_MAX, (5, 200), np.int64)
    bids[:, ::4] = draw.permuted(np.tile(np.arange(-2, 3)[:, None], (1, 50)), axis=0) * CREDIT
    return Table(bids, draw.random((5, 200)) < 0.8, draw.random(200, np.float32))


def show(table: Table, world: int) -> str:
    """Writes one world's bids for people, in ticks; a dash stays away."""
    bids = zip(table.bids[:, world].tolist(), table.enters[:, world].tolist(), strict=True)
    return f"[{', '.join(str(bid) if there else '–' for bid, there in bids)}]"


def demand_everywhere(table: Table, clearing: Sales, holds: np.ndarray, detail: str) -> None:
    """Breaks the clause unless something holds in every world; shows the first where not."""
    wrong = np.flatnonzero(~holds)
    if wrong.size:
        world = int(wrong[0])
        said = tuple(int(column[world]) for column in clearing)
        demand(False, f"on bids {show(table, world)} {detail}: winner, price, setter are {said}")


def at(bids: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """Returns the bid of a slot in each world, of slot 0 where there is no such slot."""
    inside = np.where((slots >= 0) & (slots < bids.shape[0]), slots, 0)
    return np.take_along_axis(bids, inside[None, :], axis=0)[0]


def is_among(mask: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """Returns bool `[W]`: whether there is such a slot and the mask `[N, W]` holds for it."""
    return (mask & (np.arange(len(mask))[:, None] == slots)).any(axis=0)


def agree(one: Sales, other: Sales) -> np.ndarray:
    """Returns bool `[W]`: where two clearings are the same."""
    return np.all([a == b for a, b in zip(one, other, strict=True)], axis=0)
