"""`exchange`: agents who own goods instead of money, and prices at which they trade."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from catallax._errors import InvalidMarket, InvalidSetting, NotConverged
from catallax._types import exact
from catallax._xla import compiled
from catallax.clearing.equilibrium._attempt import Course, attempted
from catallax.clearing.equilibrium._border import amounts, valuations_of
from catallax.clearing.equilibrium._certificate import certificate_of
from catallax.clearing.equilibrium._earning import Earning
from catallax.clearing.equilibrium._interior import Iterate
from catallax.clearing.equilibrium._interior_start import Scaled, scaled_market
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._method import Found, require_steps
from catallax.clearing.equilibrium._outcome import Certificate, Equilibrium, Result
from catallax.clearing.equilibrium._quantities import Quantities
from catallax.clearing.equilibrium._weighted import in_units
from catallax.clearing.equilibrium.valuations import CES, CobbDouglas, Leontief, Linear, Valuations

WEIGHTS = {Linear: "values", CES: "weights", CobbDouglas: "shares", Leontief: "needs"}
"""The families that exchange serves, and where each says which goods it wants."""

SPREAD = 1.5
"""How far apart the log prices are with which a second attempt begins."""

BEHIND = 0.01
"""The gap stays above this share of what the equalities miss; the levy is a miss as well."""

SHARE = 0.02
"""The path ends at this share of the tolerance; where goods are free it can go no further."""


@dataclass(frozen=True)
class ExchangePath:
    """Newton's method on prices, bundles and incomes at once, from several starts.

    Args:
        steps: The most it takes, over all attempts.

    Raises:
        InvalidSetting: If steps is below 1.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Linear(np.array([[1.0, 2.0], [2.0, 1.0]]))
        >>> method = cx.ExchangePath(steps=50)
        >>> cx.exchange(values, np.eye(2), method=method).prices.round(6).tolist()
        [1.0, 1.0]

    Source: Ye, "A path to the Arrow-Debreu competitive market equilibrium" (2008).
    """

    steps: int = 400

    def __post_init__(self) -> None:
        require_steps(self.steps)

    def find(self, market: Market, endowments: Float[Array, "n m"], tol: float) -> Found:
        """Returns the best it found, whether or not that is within the tolerance.

        Args:
            market: A Fisher market with incomes at some prices; its families of degree 1.
            endowments: `[n, m]`.
            tol: The violation to reach, relative.

        Returns:
            The `Found`, with prices that sum to a total of its own.
        """
        scaled = scaled_market(market)
        blocks = _earning(scaled, endowments / scaled.supply)

        def opening(attempt: Array) -> tuple[Iterate, int]:
            prices = _first_prices(attempt, scaled)
            states = tuple(block.begin(prices, 1.0 / endowments.shape[0]) for block in blocks)
            return Iterate(prices, jnp.full_like(prices, 0.1), states), 0

        course = Course(blocks, scaled.total, SHARE * tol, BEHIND, scaled.total)
        found = in_units(scaled._replace(blocks=blocks), attempted(course, opening, self.steps))
        return found._replace(bundles=_affordable(found, endowments))


def _earning(scaled: Scaled, endowments: Array) -> tuple[Earning, ...]:
    sizes = [block.wealth.shape[0] for block in scaled.blocks]
    goods = scaled.prices.shape[0]
    each = [goods if isinstance(block, Quantities) else 1 for block in scaled.blocks]
    products = goods + sum(size * count for size, count in zip(sizes, each, strict=True))
    parts = jnp.split(endowments, np.cumsum(sizes)[:-1])
    return tuple(
        Earning(block, part, products / scaled.total)
        for block, part in zip(scaled.blocks, parts, strict=True)
    )


def _first_prices(attempt: Array, scaled: Scaled) -> Array:
    """Returns equal prices for the first attempt, and prices far apart for any other."""
    turn = jnp.cos(2.4 * attempt * (1 + jnp.arange(scaled.prices.shape[0])))
    prices = jnp.exp(jnp.where(attempt == 0, 0.0, SPREAD * turn))
    return prices * scaled.total / jnp.sum(prices)


def _affordable(found: Found, endowments: Array) -> Array:
    """Returns bundles in the same proportions that cost exactly what their holders earn."""
    costs, income = found.bundles @ found.prices, endowments @ found.prices
    share = jnp.where(costs > 0, income / jnp.where(costs > 0, costs, 1.0), 1.0)
    return found.bundles * share[:, None]


def exchange(
    valuations: Valuations,
    endowments: ArrayLike,
    *,
    numeraire: int = 0,
    tol: float = 1e-6,
    method: ExchangePath | None = None,
    throw: bool = True,
) -> Equilibrium:
    """Finds prices at which agents trade what they own, `Σ_b ω_b = Σ_b e_b`, and certifies them.

    Each agent b sells its endowment and buys the best bundle that this pays for:
    `max α_b(ω) over p·ω ≤ p·e_b`. Prices have no unit of their own: the numeraire's is 1.

    Where goods are substitutes (linear, Cobb-Douglas, CES with ρ of 0 or more) there is one vector
    of prices, or a convex set of them. Complements (CES with ρ < 0, Leontief) may have several
    equilibria far apart, or prices that no method is sure to find: an attempt is made, and the
    result says whether it is certified.

    Args:
        valuations: Of degree 1: linear, CES, Cobb-Douglas, Leontief or mixtures of them.
        endowments: `[n, m]`, quantities, 0 or more.
        numeraire: The good whose price is 1.
        tol: The largest violation that counts as an equilibrium, relative.
        method: How to search; None for `ExchangePath()`.
        throw: Whether to raise where the result is not certified; False hands it back.

    Returns:
        The `Equilibrium`, in NumPy float64. Its certificate is that of the Fisher market with
        incomes `p·e_b`; if the numeraire came out free, prices sum to 1 instead.

    Raises:
        InvalidMarket: If an argument means nothing, if somebody owns or wants nothing, or if the
            agents fall into groups of which one wants nothing that the others own.
        InvalidSetting: If tol or numeraire is out of range, or the numeraire turns out to be free
            and `throw` is set.
        NotConverged: If the steps ran out, and `throw` is set.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.CobbDouglas(np.array([[0.25, 0.75], [0.5, 0.5]]))
        >>> eq = cx.exchange(values, endowments=np.eye(2))
        >>> eq.prices.round(6).tolist(), eq.bundles.round(6).tolist()
        ([1.0, 1.5], [[0.25, 0.5], [0.75, 0.5]])

    Source: Arrow and Debreu (1954); Gale (1976) for who must want what of whom.
    """
    market, owned = _checked(valuations, endowments, numeraire, tol)
    chosen = ExchangePath() if method is None else method
    with exact():
        found = _searched(market, owned, chosen, tol)
        prices, bundles = np.asarray(found.prices), np.asarray(found.bundles)
        free = not prices[numeraire] > tol * np.max(prices)
        prices = prices / (np.sum(prices) if free else prices[numeraire])
        paid = Market(market.valuations, market.supply, owned @ prices, "fisher")
        certificate = jax.tree.map(np.asarray, _certified(paid, prices, bundles))
    outcome = _outcome(found, prices, bundles, certificate, tol)
    return _thrown(outcome, tol, free, numeraire) if throw else outcome


@partial(compiled, static_argnames=("method", "tol"))
def _searched(market: Market, endowments: Array, method: ExchangePath, tol: float) -> Found:
    return method.find(market, endowments, tol)


_certified = compiled(certificate_of)


def _outcome(
    found: Found, prices: np.ndarray, bundles: np.ndarray, certificate: Certificate, tol: float
) -> Equilibrium:
    good = bool(certificate.violation <= tol)
    return Equilibrium(
        prices=prices,
        bundles=bundles,
        certificate=certificate,
        code=np.asarray(Result.CERTIFIED if good else Result.NOT_CONVERGED),
        steps=np.asarray(found.steps),
        spending=np.asarray(found.spending),
        all_caps_met=np.asarray(False),
        no_supply=np.zeros(prices.shape, bool),
        method="ExchangePath",
    )


def _thrown(outcome: Equilibrium, tol: float, free: bool, numeraire: int) -> Equilibrium:
    if outcome.result is not Result.CERTIFIED:
        raise NotConverged(
            f"ExchangePath stopped after {int(outcome.steps)} steps with a violation of "
            f"{float(outcome.certificate.violation):.1e}.",
            f"The tolerance is {tol:.0e}.",
            "Give more steps or a larger tol; throw=False hands back what was found.",
        )
    if free:
        raise InvalidSetting(
            f"Good {numeraire}, the numeraire, is free in this equilibrium.",
            "No price can be counted in a good that costs nothing.",
            "Choose another numeraire; throw=False hands back prices that sum to 1.",
        )
    return outcome


# --- at the border


def _checked(valuations: Any, endowments: Any, numeraire: int, tol: float) -> tuple[Market, Any]:
    valuations = valuations_of(valuations)
    families = getattr(valuations, "families", (valuations,))
    if not all(type(family) in WEIGHTS for family in families):
        raise InvalidMarket(
            f"valuations has {sorted({type(family).__name__ for family in families})}.",
            "Exchange serves values of degree 1.",
            "Give Linear, CES, CobbDouglas, Leontief, or a Mixed of them.",
        )
    goods = valuations.goods
    owned = amounts("endowments", endowments, (valuations.agents, goods))
    _in_range(numeraire, goods, tol)
    wanted = np.concatenate(
        [np.asarray(getattr(family, WEIGHTS[type(family)])) > 0 for family in families]
    )
    _one_market(wanted, owned)
    supply = np.sum(owned, axis=0)
    return Market(valuations, supply, np.sum(owned / supply, axis=1), "fisher"), owned


def _in_range(numeraire: int, goods: int, tol: float) -> None:
    if not 0 < tol < 1:
        raise InvalidSetting(
            f"tol={tol} was given.", "A tolerance is a small share.", "Give 1e-6, say."
        )
    if not 0 <= numeraire < goods:
        raise InvalidSetting(
            f"numeraire={numeraire} was given.",
            f"There are goods 0 to {goods - 1}.",
            "Name one of them.",
        )


def _one_market(wanted: np.ndarray, owned: np.ndarray) -> None:
    """Raises where the market falls apart: then incomes can vanish, and prices with them."""
    from scipy.sparse import csgraph

    _none_empty(wanted, owned)
    links = wanted.astype(np.int64) @ (owned > 0).astype(np.int64).T > 0
    parts, member = csgraph.connected_components(links, directed=True, connection="strong")
    # A group that wants nothing of the others is one from which no link leads away.
    ends = [p for p in range(parts) if not np.any(links[member == p][:, member != p])]
    if parts > 1:
        raise InvalidMarket(
            f"Agents {np.flatnonzero(member == ends[0])[:8].tolist()} want nothing that the others "
            "own.",
            "Then the others may earn nothing, and there need be no prices for them.",
            "Split the market, or let everybody want a little of everything.",
        )


def _none_empty(wanted: np.ndarray, owned: np.ndarray) -> None:
    for axis, who in ((0, "Good"), (1, "Agent")):
        for table, lacks in (
            (owned, ("owned by nobody", "without goods")),
            (wanted, ("wanted by nobody", "without wants")),
        ):
            empty = np.flatnonzero(~np.any(table > 0, axis=axis))
            if empty.size:
                raise InvalidMarket(
                    f"{who} {int(empty[0])} is {lacks[axis]}.",
                    "It takes no part in an exchange.",
                    "Leave it out.",
                )
