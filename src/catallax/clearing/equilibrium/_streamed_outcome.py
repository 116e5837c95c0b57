"""What a streamed market answers: prices, sparse bundles, their certificate."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from catallax.clearing.equilibrium._certificate import summed_up
from catallax.clearing.equilibrium._course import Course, Plan, Terms
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._outcome import Certificate, Result
from catallax.clearing.equilibrium._passes import bids_of, highest_bids, standings
from catallax.clearing.equilibrium._smoothed import Prices
from catallax.clearing.equilibrium._table import Table
from catallax.clearing.equilibrium.valuations import Linear


class Bundles(NamedTuple):
    """Who has how much of what, agent after agent: what is not listed is 0.

    Attributes:
        indptr: int64 `[agents + 1]`, where the entries of each agent begin, and the last end.
        goods: int32, the good of each entry.
        amounts: float64, its quantity.
    """

    indptr: Int[np.ndarray, "n1"]
    goods: Int[np.ndarray, "k"]
    amounts: Float[np.ndarray, "k"]


@dataclass(frozen=True)
class StreamedEquilibrium:
    """What `equilibrium_streamed` answers.

    Attributes:
        prices: float64 `[goods]`, money a unit.
        bundles: Quantities, sparse.
        certificate: Every violation, measured on these prices and bundles.
        result: How the search ended.
        steps: How often all agents were asked.
        warm: What a later call may start from.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = np.array([[1.0, 2.0], [2.0, 1.0]], np.float32)
        >>> eq = cx.equilibrium_streamed(values, np.ones(2), np.ones(2), money="fisher")
        >>> eq.bundle(0).round(3).tolist()
        [0.0, 1.0]
    """

    prices: Float[np.ndarray, "m"]
    bundles: Bundles
    certificate: Certificate
    result: Result
    steps: int
    warm: Prices

    def bundle(self, agent: int) -> Float[np.ndarray, "m"]:
        """Returns the bundle of an agent, `[goods]`."""
        bundle = np.zeros_like(self.prices)
        mine = slice(*self.bundles.indptr[agent : agent + 2])
        bundle[self.bundles.goods[mine]] = self.bundles.amounts[mine]
        return bundle


def outcome_of(
    table: Table, course: Course, terms: Terms, plan: Plan, tol: float, steps: int
) -> StreamedEquilibrium:
    """Returns what agents bid at the end, as prices and bundles that are consistent.

    Args:
        table: The agents.
        course: Where the search ended.
        terms: What there is.
        plan: The rule, and the type of powers.
        tol: The largest violation that counts as an equilibrium.
        steps: How often all agents were asked.

    Returns:
        The `StreamedEquilibrium`, certified by one more pass or not.
    """
    bids, supply = bids_of(table, course, terms, plan), np.asarray(terms.supply)
    spent = np.bincount(bids.goods, bids.amounts, table.goods)
    prices: Any = np.divide(spent, supply, out=np.zeros_like(supply), where=supply > 0)
    amounts = bids.amounts / prices[bids.goods]
    given: Any = np.bincount(bids.goods, amounts, table.goods)
    seen = standings(table, bids, prices, plan.money)
    if np.any(supply == 0):
        prices = np.where(supply > 0, prices, highest_bids(table, prices, plan.money))
    wealth: Any = table.wealth
    nobody = Market(Linear(np.zeros((0, table.goods))), terms.supply, wealth, plan.money)
    certificate = jax.tree.map(np.asarray, _summed_up(nobody, prices, seen, given))
    logs: Any = np.asarray(course.base + course.logs)
    return StreamedEquilibrium(
        prices=prices,
        bundles=Bundles(bids.indptr, bids.goods, amounts),
        certificate=certificate,
        result=Result.CERTIFIED if certificate.violation <= tol else Result.NOT_CONVERGED,
        steps=steps,
        warm=Prices(logs, course.eps),
    )


_summed_up = jax.jit(summed_up)
