"""Caps that can all be met at once: nothing has a price, and everyone gets the least that does."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium.valuations import Linear

STEPS = 200
PRECISION = 1e-10
"""How far, as a share, a bundle may miss its cap and a good its supply."""

SUFFICIENT = 1e-4
HALVINGS = 40
RIDGE = 1e-9


def caps_are_met(
    market: Market, prices: Float[np.ndarray, "m"], worth: Float[np.ndarray, "n"], tol: float
) -> bool:
    """Returns whether every cap is met and nothing is dear, both within the tolerance.

    Args:
        market: With `money="cap"` and wealth above 0.
        prices: `[m]`.
        worth: `[n]`, of the bundles.
        tol: A share of all wealth.

    Returns:
        Whether `Σ_i (w_i − v_i)⁺` and `p·s` are at most `tol Σ_i w_i`.
    """
    most = tol * np.sum(market.wealth)
    short = np.sum(np.maximum(market.wealth - worth, 0.0))
    return bool(short <= most and prices @ market.supply <= most)


def least_bundles(market: Market) -> Float[np.ndarray, "n m"] | None:
    """Returns the smallest bundles that meet every cap: `min Σ_ij (x_ij / s_j)²`.

    Over `v_i(x_i) ≥ w_i`, `Σ_i x_i ≤ s`, `x ≥ 0`: of all equilibria at prices of 0 the one that
    leaves most over, in the sense of least squares, and the same for agents who are the same.

    In shares `y = x / s` the solution is `y_ij = (λ_i a_ij − µ_j)⁺`. For any scarcity µ the λ that
    meets a cap is known in closed form; µ is found by a projected Newton method on the dual.

    Args:
        market: All of whose families are `Linear`; for others the answer is None.

    Returns:
        `[n, m]`, quantities; None where the method did not reach `PRECISION`.

    Source: Bertsekas, "Projected Newton methods for optimization problems with simple constraints"
        (1982).
    """
    linear = [family for family in market.families if isinstance(family, Linear)]
    if len(linear) < len(market.families):
        return None
    values = np.concatenate([np.asarray(family.values) for family in linear])
    shares = _least_shares(values * market.supply, np.asarray(market.wealth))
    return None if shares is None else shares * market.supply


class _Point(NamedTuple):
    """The dual at a scarcity µ: minus its value, with the shares y, and which are above 0."""

    scarcity: Float[np.ndarray, "m"]
    height: float
    shares: Float[np.ndarray, "n m"]

    @property
    def slope(self) -> np.ndarray:
        return 1 - self.shares.sum(axis=0)

    @property
    def miss(self) -> float:
        """The largest overdraft of a good, or leftover of one that counts as scarce."""
        return float(np.max(np.abs(np.minimum(self.scarcity, self.slope)), initial=0.0))


def _least_shares(values: np.ndarray, wealth: np.ndarray) -> np.ndarray | None:
    """Returns the least-norm shares, `Σ_j a_ij y_ij = w_i`, `Σ_i y_ij ≤ 1`."""
    unit = np.max(values, axis=1)  # a cap and its values may be counted in any unit
    values, wealth = values / unit[:, None], wealth / unit
    at = _looked_at(values, wealth, np.zeros(values.shape[1]))
    for _ in range(STEPS):
        if at.miss <= PRECISION:
            return at.shares
        ahead = _stepped(values, wealth, at)
        if ahead is None:
            return None
        at = ahead
    return None


def _looked_at(values: np.ndarray, wealth: np.ndarray, scarcity: np.ndarray) -> _Point:
    """Returns the dual at µ, with each λ from `Σ_j a_j (λ a_j − µ_j)⁺ = w` by sorting.

    Goods enter in the order of `µ_j / a_j`; with k of them `λ = (w + Σ a µ) / Σ a²`, and the right
    k is the one with the lowest λ.
    """
    wants = values > 0
    enter = np.where(wants, scarcity / np.where(wants, values, 1.0), np.inf)
    order = np.argsort(enter, axis=1, kind="stable")
    sorted_values = np.take_along_axis(values, order, axis=1)
    worths = np.cumsum(sorted_values * scarcity[order], axis=1) + wealth[:, None]
    lowest = np.min(worths / np.cumsum(sorted_values**2, axis=1), axis=1)
    shares = np.where(wants, np.maximum(lowest[:, None] * values - scarcity, 0.0), 0.0)
    height = np.sum(shares**2) / 2 - lowest @ wealth + np.sum(scarcity)
    return _Point(scarcity, float(height), shares)


def _stepped(values: np.ndarray, wealth: np.ndarray, at: _Point) -> _Point | None:
    """Returns the dual after a Newton step in the goods that are free to become scarce."""
    held = (at.scarcity <= PRECISION) & (at.slope > 0)
    active = at.shares > 0
    own = np.where(active, values, 0.0)
    own = own / np.sqrt(np.sum(own**2, axis=1, keepdims=True))
    curve = np.diag(active.sum(axis=0)) - own.T @ own
    free = np.flatnonzero(~held)
    system = curve[np.ix_(free, free)] + RIDGE * np.eye(free.size)
    direction = np.where(held, -at.slope, 0.0)
    direction[free] = -np.linalg.solve(system, at.slope[free])
    length = 1.0
    for _ in range(HALVINGS):
        ahead = _looked_at(values, wealth, np.maximum(at.scarcity + length * direction, 0.0))
        gained = at.slope @ (at.scarcity - ahead.scarcity)
        if ahead.height <= at.height - SUFFICIENT * gained or ahead.miss <= PRECISION:
            return ahead
        length /= 2
    return None


def met(market: Market, bundles: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns prices of 0, the least bundles, or the given ones where there are none, and β = 0."""
    least = least_bundles(market)
    prices, spending = np.zeros(market.supply.size), np.zeros(market.wealth.size)
    return prices, bundles if least is None else least, spending
