"""Passes over a table of agents, each of them a look at every block."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from catallax.clearing.equilibrium._answers import Sums, answers, asked, together
from catallax.clearing.equilibrium._certificate import Standings
from catallax.clearing.equilibrium._course import Course, Plan, Terms, quote_of
from catallax.clearing.equilibrium._market import Money
from catallax.clearing.equilibrium._table import Table, each

SLIGHT = 1e-8
"""A bid is dropped if it is a smaller share than this of its bidder's money and of its good."""


class Survey(NamedTuple):
    """What is known before anything is searched.

    Attributes:
        spent: `[m]`, as if everybody bid in proportion to value.
        most: `[m]`, the highest value to anybody with money.
        least: The lowest value of all.
        highest: The highest; NaN if any is not finite.
    """

    spent: Float[Array, "m"]
    most: Float[Array, "m"]
    least: Float[Array, ""]
    highest: Float[Array, ""]


def surveyed(table: Table, supply: Float[np.ndarray, "m"]) -> Survey:
    """Looks at every value once.

    Args:
        table: The agents.
        supply: `[m]`; goods of which there is nothing are not bid for.

    Returns:
        The `Survey`, in NumPy.
    """
    there = (supply > 0).astype(np.float64)

    def look(values: np.ndarray, wealth: np.ndarray, _: int) -> Survey:
        return jax.device_get(_looked(values, wealth, there))

    parts = [part for _, part in each(table, look)]
    spent, most, least, highest = (np.stack(column) for column in zip(*parts, strict=True))
    return Survey(spent.sum(axis=0), most.max(axis=0), least.min(), highest.max())


@jax.jit
def _looked(values: Array, wealth: Array, there: Array) -> Survey:
    total = values @ there.astype(values.dtype)
    parts = jnp.where(total > 0, wealth.astype(values.dtype) / jnp.where(total > 0, total, 1), 0)
    most = jnp.max(jnp.where(wealth[:, None] > 0, values, 0), axis=0)
    spent = (parts @ values).astype(there.dtype) * there
    # A maximum over NaN may be any number.
    highest = jnp.where(jnp.all(jnp.isfinite(values)), jnp.max(values), jnp.nan)
    return Survey(spent, most.astype(there.dtype), jnp.min(values), highest)


def asked_all(
    table: Table, course: Course, terms: Terms, plan: Plan
) -> tuple[Sums, Float[np.ndarray, "n"]]:
    """Asks all agents what they do; see `_answers.asked`.

    Args:
        table: The agents.
        course: At what prices.
        terms: What there is.
        plan: The rule, and the type of powers.

    Returns:
        The `Sums`, and the softness of each agent.
    """

    def ask(values: np.ndarray, wealth: np.ndarray, _: int) -> tuple[Sums, np.ndarray]:
        return jax.device_get(answered(values, wealth, course, terms, plan))

    sums: Any = None
    soft = np.zeros(len(table.starts) * table.block, np.float32)
    for first, (more, some) in each(table, ask):
        sums = more if sums is None else together(sums, more)
        soft[first : first + table.block] = some
    return sums, soft[: table.agents]


@partial(jax.jit, static_argnames="plan")
def answered(
    values: Array, wealth: Array, course: Course, terms: Terms, plan: Plan
) -> tuple[Sums, Array]:
    """Asks the agents of one block; see `_answers.asked`."""
    quote = quote_of(course, terms, plan.work)
    return asked(values, wealth, quote, plan.money, jnp.dtype(plan.work))


def gathered(table: Table, numbers: Int[np.ndarray, "k"], size: int) -> tuple[Any, Any]:
    """Returns values `[size, m]` and wealth `[size]` of some agents, and then of nobody.

    Args:
        table: The agents.
        numbers: `[k]`, theirs, in order.
        size: How many rows to return.
    """
    wealth = np.zeros(size)
    wealth[: numbers.size] = table.wealth[numbers]
    values: Any = None
    for first in table.starts:
        stop = min(first + table.block, table.agents)
        low, high = np.searchsorted(numbers, [first, stop])
        if low < high:
            rows = table.rows(first, stop)
            if values is None:
                values = np.zeros((size, table.goods), rows.dtype)
            values[low:high] = rows[numbers[low:high] - first]
    return values, wealth


class Bids(NamedTuple):
    """Money bid for goods, agent after agent.

    Attributes:
        indptr: int64 `[n + 1]`, where the bids of each agent begin, and the last end.
        goods: int32 `[k]`, what they are for.
        amounts: float64 `[k]`, money.
    """

    indptr: Int[np.ndarray, "n1"]
    goods: Int[np.ndarray, "k"]
    amounts: Float[np.ndarray, "k"]


def bids_of(table: Table, course: Course, terms: Terms, plan: Plan) -> Bids:
    """Returns what all agents bid, without slight bids; an agent's others make up for those.

    Args:
        table: The agents.
        course: At what prices.
        terms: What there is.
        plan: The rule, and the type of powers.
    """
    asks = np.asarray(terms.supply * jnp.exp(course.base + course.logs))

    def bid(values: np.ndarray, wealth: np.ndarray, _: int) -> tuple[Any, Any, Any]:
        weights, part = jax.device_get(_bidding(values, wealth, course, terms, plan))
        return _without_slight(weights, part, wealth, asks)

    counts, goods, amounts = zip(*(part for _, part in each(table, bid)), strict=True)
    each_has = np.concatenate(counts)[: table.agents]
    indptr = np.concatenate([[0], np.cumsum(each_has, dtype=np.int64)])
    return Bids(indptr, np.concatenate(goods), np.concatenate(amounts))


@partial(jax.jit, static_argnames="plan")
def _bidding(
    values: Array, wealth: Array, course: Course, terms: Terms, plan: Plan
) -> tuple[Array, Array]:
    said = answers(values, quote_of(course, terms, plan.work), plan.money, jnp.dtype(plan.work))
    return said.weights, said.part


def _without_slight(
    weights: np.ndarray, part: np.ndarray, wealth: np.ndarray, asks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns how many bids each agent of a block places, for what, and of how much."""
    spend = part * wealth
    rows, goods = np.nonzero(weights >= weights.dtype.type(SLIGHT / 100))
    shares = weights[rows, goods].astype(np.float64)
    total = np.bincount(rows, shares, part.size)
    bids = spend[rows] * (shares / total[rows])
    kept = (bids > SLIGHT * wealth[rows]) | (bids > SLIGHT * asks[goods])
    rows, goods, bids = rows[kept], goods[kept], bids[kept]
    left = np.bincount(rows, bids, part.size)
    bids *= np.divide(spend, left, out=np.zeros(left.size), where=left > 0)[rows]
    return np.bincount(rows, minlength=part.size), goods.astype(np.int32), bids


def standings(table: Table, bids: Bids, prices: Float[np.ndarray, "m"], money: Money) -> Standings:
    """Returns how agents stand with what they bought, and by the best value for money.

    Args:
        table: The agents.
        bids: What they paid.
        prices: `[m]`.
        money: The rule.

    Returns:
        Their `Standings`.
    """
    sold = prices > 0
    rates = np.divide(1.0, prices, out=np.zeros_like(prices), where=sold)

    def stand(values: np.ndarray, wealth: np.ndarray, first: int) -> np.ndarray:
        bounds = bids.indptr[first : first + table.block + 1]
        low, counts = bounds[0], np.diff(bounds)
        goods, paid = bids.goods[low : bounds[-1]], bids.amounts[low : bounds[-1]]
        rows = np.repeat(np.arange(counts.size), counts)
        worth = np.bincount(rows, values[rows, goods] * (paid * rates[goods]), counts.size)
        best = np.max(values[: counts.size] * rates, axis=1)
        return np.stack([worth, np.bincount(rows, paid, counts.size), best])

    parts = np.concatenate([part for _, part in each(table, stand)], axis=1)
    worth, pays, bang = parts
    best: Any = table.wealth * (bang if money == "fisher" else np.maximum(bang - 1, 0.0))
    sound: Any = np.ones(table.agents, bool)
    return Standings(worth, pays, best, sound)


def highest_bids(table: Table, prices: Float[np.ndarray, "m"], money: Money) -> Any:
    """Returns `[m]`, the highest marginal bid `v_ij β_i` for each good at these prices.

    Args:
        table: The agents.
        prices: `[m]`; a good with price 0 is not for sale.
        money: The rule: with a budget β is at most 1.
    """
    rates = np.divide(1.0, prices, out=np.zeros_like(prices), where=prices > 0)

    def highest(values: np.ndarray, wealth: np.ndarray, _: int) -> np.ndarray:
        bang = np.max(values * rates, axis=1)
        floor = 1.0 if money == "budget" else 0.0
        bang = np.maximum(np.where(bang > 0, bang, 1.0), floor)
        beta = np.where(wealth > 0, 1 / bang, 0.0)
        return np.max(values * beta[:, None], axis=0)

    return np.max([part for _, part in each(table, highest)], axis=0)
