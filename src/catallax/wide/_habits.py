"""What producers are used to: where they have been, which way they go, and how firmly they stay."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float64, Int

Inert = tuple[float, float, float, float]
"""The numbers of `Inertia` that act between steps: its memory, ease, brake and least."""


class Habits(NamedTuple):
    """What P producers remember of their own levels.

    Attributes:
        scales: float64 `[P]`, z̄, where they have been; NaN for techniques without a level.
        courses: float64 `[P]`, by how much z̄ changed in the last step.
        grips: float64 `[P]`, the share of ρ that each has.
        brought: float64 `[P]`, R, the most that a level was ever expected to bring, in credits.
        reached: float64 `[P]`, the highest level that each has run.
    """

    scales: Any
    courses: Any
    grips: Any
    brought: Any
    reached: Any


class Waits(NamedTuple):
    """How patiently the two sides of the market of each good wait for the price they expect.

    Attributes:
        shares: float64 `[m]`, the share of η that each good's market has.
        courses: float64 `[m]`, by how much its price was above what was expected.
    """

    shares: Any
    courses: Any


def first_waits(goods: int) -> Waits:
    """Returns the patience of those who have waited for nothing yet."""
    return Waits(*jax.device_put((np.ones(goods), np.zeros(goods))))


def waited(
    waits: Waits, surprise: Float64[Array, "m"], adapts: tuple[float, float, float]
) -> Waits:
    """Returns patience after a step: who waited in vain as in the step before waits less.

    Args:
        waits: Before.
        surprise: float64 `[m]`, `p − p̂`.
        adapts: The ease, brake and least of `Patience`.

    Returns:
        Patience after.
    """
    shares = adapted(waits.shares, waits.courses * surprise, adapts)
    return Waits(shares, surprise)


def adapted(shares: Any, kept: Any, adapts: tuple[float, float, float]) -> Any:
    """Returns shares that fall where a course was kept and rise where it was turned.

    Args:
        shares: From the least to 1.
        kept: Above 0 where a course was kept, below 0 where it was turned.
        adapts: The factor of the one and of the other, and the least.
    """
    ease, brake, least = adapts
    factors = jnp.where(kept > 0, ease, jnp.where(kept < 0, brake, 1.0))
    return jnp.clip(shares * factors, least, 1.0)


def first_habits(producers: int, curved: Int[Any, "k"]) -> Habits:
    """Returns the habits of producers who have done nothing.

    Args:
        producers: P.
        curved: Which of them have no level.
    """
    none, scales = np.zeros(producers), np.zeros(producers)
    scales[curved] = np.nan
    return Habits(*jax.device_put((scales, none, none + 1, none, none)))


def kept_up(
    habits: Habits,
    levels: Float64[Array, "P"],
    expected: Float64[Array, "P"],
    enters: Bool[Array, "P"],
    inertia: Inert,
) -> Habits:
    """Returns habits after a step: `z̄ ← μ z̄ + (1 − μ) z`, and grips by whether z̄ turned round.

    Args:
        habits: Before.
        levels: float64 `[P]`, z; NaN for techniques without one.
        expected: float64 `[P]`, credits that a level was expected to bring, 0 for those.
        enters: bool `[P]`, who begins anew.
        inertia: The numbers of the rule.

    Returns:
        The habits after.
    """
    memory, ease, brake, least = inertia
    scales = memory * habits.scales + (1 - memory) * levels
    courses = jnp.nan_to_num(scales - habits.scales)
    grips = adapted(habits.grips, habits.courses * courses, (ease, brake, least))
    return Habits(
        # Entrants have no habits yet; who has no level has none at all, NaN.
        scales=jnp.where(enters & ~jnp.isnan(scales), 0.0, scales),
        courses=jnp.where(enters, 0.0, courses),
        grips=jnp.where(enters, 1.0, grips),
        brought=jnp.where(enters, 0.0, jnp.maximum(habits.brought, expected)),
        reached=jnp.where(enters, 0.0, jnp.fmax(habits.reached, levels)),
    )
