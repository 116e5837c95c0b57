"""All producers of a market at once: what they make of bundles, and at what cost."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float64, Int

from catallax.industries import Industry
from catallax.techniques import (
    Activities,
    LinearActivity,
    OnGoods,
    Storage,
    Technique,
    produce_all,
    stack_activities,
)


class Makers(NamedTuple):
    """The P producers: those with fixed proportions as arrays, the others one by one.

    Attributes:
        linear: `[k]`, which producers have fixed proportions.
        activities: Their numbers, float64.
        curved: `[P − k]`, which have not.
    """

    linear: Int[np.ndarray, "k"]
    activities: Activities
    curved: Int[np.ndarray, "c"]


class Made(NamedTuple):
    """What producers did.

    Attributes:
        outputs: float64 `[P, m]`.
        costs: float64 `[P]`, credits.
        levels: float64 `[P]`; NaN for techniques without one.
    """

    outputs: Float64[Array, "P m"]
    costs: Float64[Array, "P"]
    levels: Float64[Array, "P"]


def makers_of(industry: Industry) -> tuple[Makers, tuple[OnGoods, ...]]:
    """Returns the producers of an industry, and the techniques that are no arrays."""
    techniques = [one.technique for one in industry.producers]
    fixed = np.array([isinstance(t, LinearActivity | Storage) for t in techniques], bool)
    linear, curved = np.flatnonzero(fixed), np.flatnonzero(~fixed)
    stacked = stack_activities([techniques[i] for i in linear], industry.goods, np.float64)
    others = tuple(OnGoods(techniques[i], industry.goods) for i in curved)
    return Makers(linear, stacked, curved), others


def revenue_of(makers: Makers, forecasts: Any, discount: Any) -> Any:
    """Returns what a level is expected to bring in a step, `γ b·p̂`, in fixed proportions.

    Args:
        makers: The producers.
        forecasts: float64 `[m]`, p̂.
        discount: γ.

    Returns:
        float64 `[k]`, credits.
    """
    return makers.activities.outputs @ (discount * forecasts)


def made_of(makers: Makers, others: Sequence[Technique], bundles: Float64[Array, "P m"]) -> Made:
    """Returns what every producer makes of the bundle that it owns.

    Args:
        makers: The producers.
        others: The techniques of those who are not in fixed proportions, on all goods.
        bundles: float64 `[P, m]`, quantities.

    Returns:
        What was `Made`; a technique may have returned what is no stock.
    """
    activities = makers.activities
    levels = jnp.full(bundles.shape[0], jnp.nan)
    outputs, costs = jnp.zeros_like(bundles), jnp.zeros(bundles.shape[0])
    if makers.linear.size:
        own = bundles[makers.linear]
        level = _levels(activities, own)
        levels = levels.at[makers.linear].set(level)
        outputs = outputs.at[makers.linear].set(produce_all(activities, own))
        costs = costs.at[makers.linear].set(level * jnp.asarray(activities.unit_cost))
    for number, technique in enumerate(others):
        row = jnp.asarray(makers.curved)[number]
        outputs = outputs.at[row].set(technique.produce(bundles[row]))
        costs = costs.at[row].set(technique.cost(bundles[row]))
    return Made(outputs, costs, levels)


def _levels(activities: Activities, bundles: jax.Array) -> jax.Array:
    unit = activities._replace(outputs=jnp.ones((bundles.shape[0], 1)))
    return produce_all(unit, bundles)[:, 0]
