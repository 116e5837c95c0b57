"""Stocks: who holds how many quanta of what, and every way in which that may change.

A change says what came in, what was made and what was used up; besides those, quanta only move from
one place to another, and `drift` is 0. These functions expect a 64-bit context
(`catallax._types.exact`); holders are agents, consumers and whoever owns what comes in.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float64, Int32, Int64

from catallax._goods import QUANTA_MAX
from catallax._shares import portion


class Stocks(NamedTuple):
    """What n holders hold of m goods.

    Attributes:
        holdings: int64 `[n, m]`, quanta.
        disposal: int64 `[m]`, quanta that perished or were lost, since genesis.
        carry: float64 `[n, m]` in [0, 1), the part of a quantum that a holder has made so far and
            that does not exist yet.
    """

    holdings: Int64[Array, "n m"]
    disposal: Int64[Array, "m"]
    carry: Float64[Array, "n m"]


class Moved(NamedTuple):
    """What entered and left the world, in quanta.

    Attributes:
        inflow: int64 `[m]`, what nature gave.
        produced: int64 `[m]`, what holders made.
        consumed: int64 `[m]`, what holders used up, in making or for its own sake.
    """

    inflow: Int64[Array, "m"]
    produced: Int64[Array, "m"]
    consumed: Int64[Array, "m"]


def empty_stocks(holders: int, goods: int) -> Stocks:
    """Returns the stocks of a world in which there is nothing."""
    none = np.zeros((holders, goods), np.int64)
    return Stocks(*jax.device_put((none, np.zeros(goods, np.int64), none.astype(np.float64))))


def nothing_moved(goods: int) -> Moved:
    """Returns the flows of a step in which nothing happens."""
    none = jnp.zeros(goods, jnp.int64)
    return Moved(none, none, none)


def added(*flows: Moved) -> Moved:
    """Returns the sum of flows, as of the parts of a step."""
    return Moved(*(jnp.sum(jnp.stack(column), axis=0) for column in zip(*flows, strict=True)))


def arrive(stocks: Stocks, arrivals: Int64[Array, "n m"]) -> tuple[Stocks, Moved]:
    """Books what comes in, to whoever owns it.

    Args:
        stocks: Before.
        arrivals: int64 `[n, m]`, quanta, 0 or more.

    Returns:
        The stocks after, and the flows.
    """
    came = jnp.sum(arrivals, axis=0)
    moved = nothing_moved(came.shape[0])._replace(inflow=came)
    return stocks._replace(holdings=stocks.holdings + arrivals), moved


def depreciate(stocks: Stocks, kept: Int64[Array, "2 m"]) -> tuple[Stocks, Int64[Array, "n m"]]:
    """Moves what a step takes from every stock to `disposal`; what is kept is rounded down.

    Args:
        stocks: Before.
        kept: int64 `[2, m]`, numerators and denominators of the share that is kept.

    Returns:
        The stocks after, and int64 `[n, m]` what each holder lost: kept and lost add up to what
        was held.
    """
    remains, _ = portion(stocks.holdings, kept[:1], kept[1:])
    lost = stocks.holdings - remains
    return dispose(stocks, lost), lost


def dispose(stocks: Stocks, quanta: Int64[Array, "n m"]) -> Stocks:
    """Moves quanta from their holders to `disposal`.

    Args:
        stocks: Before.
        quanta: int64 `[n, m]`, at most what each holds: of perishables, what a step leaves over.

    Returns:
        The stocks after.
    """
    return stocks._replace(
        holdings=stocks.holdings - quanta, disposal=stocks.disposal + jnp.sum(quanta, axis=0)
    )


def consume(stocks: Stocks, quanta: Int64[Array, "n m"]) -> tuple[Stocks, Moved]:
    """Uses quanta up.

    Args:
        stocks: Before.
        quanta: int64 `[n, m]`, at most what each holds.

    Returns:
        The stocks after, and the flows.
    """
    used = jnp.sum(quanta, axis=0)
    moved = nothing_moved(used.shape[0])._replace(consumed=used)
    return stocks._replace(holdings=stocks.holdings - quanta), moved


def transform(
    stocks: Stocks, outcome: Float64[Array, "n m"]
) -> tuple[Stocks, Moved, Bool[Array, "n m"]]:
    """Lets production make something else of what is held: `s' = x(s)` in whole quanta.

    Outcomes are rounded down, and each holder carries the rest of each good to the next step: what
    is held and what is carried add up to the outcome and what was carried before. An outcome that
    equals the holdings changes nothing.

    Args:
        stocks: Before.
        outcome: float64 `[n, m]`, quanta that come of each holder's holdings, 0 or more.

    Returns:
        The stocks after, the flows, and bool `[n, m]` where an outcome is no stock (negative, not
        finite, more than can be counted): there nothing changes, and the caller must say so.
    """
    bad = ~((outcome >= 0) & (outcome <= QUANTA_MAX))
    change = jnp.where(bad, 0.0, outcome - stocks.holdings.astype(jnp.float64)) + stocks.carry
    whole = jnp.floor(change)
    carry = change - whole
    # Just below a whole number the rest rounds to 1, which is one more quantum and no rest.
    whole, carry = jnp.where(carry < 1, whole, whole + 1), jnp.where(carry < 1, carry, 0.0)
    quanta = whole.astype(jnp.int64)
    moved = nothing_moved(quanta.shape[1])._replace(
        produced=jnp.sum(jnp.maximum(quanta, 0), axis=0),
        consumed=jnp.sum(jnp.maximum(-quanta, 0), axis=0),
    )
    return stocks._replace(holdings=stocks.holdings + quanta, carry=carry), moved, bad


def bequeath(stocks: Stocks, dead: Bool[Array, "n"], heir: Int32[Array, ""] | int) -> Stocks:
    """Leaves all that the dead hold to an heir; what they carry never existed, and is forgotten.

    Args:
        stocks: Before.
        dead: bool `[n]`.
        heir: The row of a holder that lives.

    Returns:
        The stocks after.
    """
    estates = jnp.where(dead[:, None], stocks.holdings, 0)
    holdings = (stocks.holdings - estates).at[heir].add(jnp.sum(estates, axis=0))
    return stocks._replace(holdings=holdings, carry=jnp.where(dead[:, None], 0.0, stocks.carry))


def drift(before: Stocks, after: Stocks, moved: Moved) -> Int64[Array, "m"]:
    """Returns the quanta of each good that came from nowhere (above 0) or went nowhere (below).

    Args:
        before: Stocks before any number of changes.
        after: Stocks after them.
        moved: The sum of their flows.

    Returns:
        int64 `[m]`, all 0 in books that are right.
    """
    change = jnp.sum(after.holdings - before.holdings, axis=0) + after.disposal - before.disposal
    return change - (moved.inflow + moved.produced - moved.consumed)


def unsound(stocks: Stocks) -> Bool[Array, "m"]:
    """Returns the goods of which somebody holds less than nothing, or all hold too much to count.

    Args:
        stocks: Any stocks.

    Returns:
        bool `[m]`.
    """
    negative = jnp.any(stocks.holdings < 0, axis=0) | (stocks.disposal < 0)
    carry = jnp.any(~((stocks.carry >= 0) & (stocks.carry < 1)), axis=0)
    return negative | carry | (jnp.sum(stocks.holdings, axis=0) > QUANTA_MAX)
