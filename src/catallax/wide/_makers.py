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
    GradedActivity,
    LinearActivity,
    OnGoods,
    Technique,
    produce_all,
    stack_activities,
)
from catallax.techniques._kinds import FixedProportions


class Makers(NamedTuple):
    """The P producers: those with fixed proportions as arrays, the others one by one.

    Attributes:
        linear: `[k]`, which producers have fixed proportions.
        activities: Their numbers, float64, in goods as they are seen.
        curved: `[P − k]`, which have not.
        products: float64 `[k, C]`, what a unit of level makes, in components.
        graded: `[g]`, which of the k make what depends on the grades they get.
        yields: float64 `[g, C, C]`, what a unit of their level makes of an input that is all of
            one component.
        hopes: float64 `[g, m]`, the most of every good that it makes, of the best of every input.
        good_of: `[C]`, as what each component is seen.
    """

    linear: Int[np.ndarray, "k"]
    activities: Activities
    curved: Int[np.ndarray, "P-k"]
    products: Float64[np.ndarray, "k C"]
    graded: Int[np.ndarray, "g"]
    yields: Float64[np.ndarray, "g C C"]
    hopes: Float64[np.ndarray, "g m"]
    good_of: Int[np.ndarray, "C"]


class Made(NamedTuple):
    """What producers did.

    Attributes:
        outputs: float64 `[P, C]`, of components.
        costs: float64 `[P]`, credits.
        levels: float64 `[P]`; NaN for techniques without one.
    """

    outputs: Float64[Array, "P C"]
    costs: Float64[Array, "P"]
    levels: Float64[Array, "P"]


def makers_of(industry: Industry) -> tuple[Makers, tuple[OnGoods, ...]]:
    """Returns the producers of an industry, and the techniques that are no arrays."""
    techniques = [one.technique for one in industry.producers]
    fixed = np.array([isinstance(t, FixedProportions) for t in techniques], bool)
    linear, curved = np.flatnonzero(fixed), np.flatnonzero(~fixed)
    graded = [i for i, at in enumerate(linear) if isinstance(techniques[at], GradedActivity)]
    rows = stack_activities([_row_of(techniques[i]) for i in linear], industry.goods, np.float64)
    good_of = np.array(industry.good_of)
    seen = rows._replace(
        inputs=_seen(np.asarray(rows.inputs), good_of),
        outputs=_seen(np.asarray(rows.outputs), good_of),
    )
    yields = np.zeros((len(graded), good_of.size, good_of.size))
    for table, at in zip(yields, linear[graded], strict=True):
        fill_yields(table, techniques[at], industry.goods)
    others = tuple(OnGoods(techniques[i], industry.goods) for i in curved)
    return Makers(
        linear=linear,
        activities=seen,
        curved=curved,
        products=np.asarray(rows.outputs),
        graded=np.array(graded, int),
        yields=yields,
        hopes=_hopes_of(yields, good_of),
        good_of=good_of,
    ), others


def fill_yields(table: np.ndarray, technique: Any, components: Sequence[str]) -> None:
    """Writes what a unit of level makes of each component into a table of zeros, [C, C]."""
    for grade, made in technique.yields:
        for component, amount in made:
            table[components.index(grade), components.index(component)] = amount


def revenue_of(makers: Makers, forecasts: Any, discount: Any, lessons: Any) -> Any:
    """Returns what a level is expected to bring in a step, `γ b·p̂`, in fixed proportions.

    Args:
        makers: The producers.
        forecasts: float64 `[m]`, p̂.
        discount: γ.
        lessons: float64 `[P, m]`, what those whose inputs have grades expect to make of a level.

    Returns:
        float64 `[k]`, credits.
    """
    outputs = makers.activities.outputs
    if makers.graded.size:
        own = lessons[makers.linear[makers.graded]]
        outputs = jnp.asarray(outputs).at[makers.graded].set(own)
    return outputs @ (discount * forecasts)


def made_of(
    makers: Makers,
    others: Sequence[Technique],
    bundles: Float64[Array, "P m"],
    parts: Float64[Array, "P C"],
) -> Made:
    """Returns what every producer makes of what it owns.

    Args:
        makers: The producers.
        others: The techniques of those who are not in fixed proportions, on all components.
        bundles: float64 `[P, m]`, quantities of goods as they are seen.
        parts: float64 `[P, C]`, the components in them.

    Returns:
        What was `Made`; a technique may have returned what is no stock.
    """
    activities = makers.activities._replace(outputs=makers.products)
    levels = jnp.full(bundles.shape[0], jnp.nan)
    outputs, costs = jnp.zeros_like(parts), jnp.zeros(bundles.shape[0])
    if makers.linear.size:
        own = bundles[makers.linear]
        level = _levels(activities, own)
        levels = levels.at[makers.linear].set(level)
        made = produce_all(activities, own)
        if makers.graded.size:
            rows = makers.linear[makers.graded]
            by_grade = _by_grade(makers, level[makers.graded], bundles[rows], parts[rows])
            made = made.at[makers.graded].set(by_grade)
        outputs = outputs.at[makers.linear].set(made)
        costs = costs.at[makers.linear].set(level * jnp.asarray(activities.unit_cost))
    for number, technique in enumerate(others):
        row = jnp.asarray(makers.curved)[number]
        outputs = outputs.at[row].set(technique.produce(parts[row]))
        costs = costs.at[row].set(technique.cost(parts[row]))
    return Made(outputs, costs, levels)


def _by_grade(makers: Makers, level: Array, bundles: Array, parts: Array) -> Array:
    """Returns what levels `[g]` make of parts `[g, C]`, grade by grade."""
    totals = bundles[:, makers.good_of]
    shares = parts / jnp.where(totals > 0, totals, 1.0)
    return level[:, None] * jnp.einsum("gc,gcd->gd", shares, makers.yields)


def _row_of(technique: Technique) -> Technique:
    """Returns a technique in fixed proportions, which takes one grade in place of all."""
    if not isinstance(technique, GradedActivity):
        return technique
    inputs = {grades[0]: amount for grades, amount in technique.slots}
    return LinearActivity(inputs, technique.amounts_made, technique.capacity, technique.unit_cost)


def _hopes_of(yields: np.ndarray, good_of: np.ndarray) -> np.ndarray:
    seen = _seen(yields, good_of)
    best = np.zeros((seen.shape[0], seen.shape[2], seen.shape[2]))
    for component, look in enumerate(good_of):
        best[:, look] = np.maximum(best[:, look], seen[:, component])
    return best.sum(axis=1)


def _seen(table: np.ndarray, good_of: np.ndarray) -> np.ndarray:
    seen = np.zeros((*table.shape[:-1], good_of.max() + 1))
    for component, look in enumerate(good_of):
        seen[..., look] += table[..., component]
    return seen


def _levels(activities: Activities, bundles: jax.Array) -> jax.Array:
    unit = activities._replace(outputs=jnp.ones((bundles.shape[0], 1)))
    return produce_all(unit, bundles)[:, 0]
