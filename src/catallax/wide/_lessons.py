"""What producers learn about goods whose grades they do not see: from what they made of them."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float64

from ._makers import Made, Makers


class Lessons(NamedTuple):
    """What P producers have seen of their own production; 0 for those whose inputs have no grades.

    Attributes:
        tried: float64 `[P]`, N̄, slow sums of levels, in capacities.
        made: float64 `[P, m]`, M̄, of what came of them, as it is seen.
    """

    tried: Float64[Array, "P"]
    made: Float64[Array, "P m"]

    @property
    def per_level(self) -> Any:
        """float64 `[P, m]`, M̄/N̄: what a unit of level is expected to make."""
        tried = self.tried[:, None]
        return self.made / jnp.where(tried > 0, tried, 1.0)

    def or_from(self, new: "Lessons") -> "Lessons":
        """Returns these, and where a producer has none yet, others."""
        has = self.tried > 0
        made = jnp.where(has[:, None], self.made, new.made)
        return Lessons(jnp.where(has, self.tried, new.tried), made)


def first_lessons(makers: Makers, producers: int, hope: float) -> Lessons:
    """Returns the lessons of those who have made nothing: hope, and nothing else."""
    rows = makers.linear[makers.graded]
    tried = np.zeros(producers)
    tried[rows] = hope
    made = np.zeros((producers, makers.activities.inputs.shape[1]))
    made[rows] = hope * makers.hopes
    return Lessons(*jax.device_put((tried, made)))


def learned(
    makers: Makers, lessons: Lessons, made: Made, experience: tuple[float, float]
) -> Lessons:
    """Returns lessons after a step, `N̄ ← μ N̄ + (1 − μ)(z/Z + ε)`, and M̄ likewise.

    Args:
        makers: The producers.
        lessons: Before.
        made: What they made; only its totals are read, as they are seen.
        experience: μ and ε of `Experience`.

    Returns:
        The lessons after.
    """
    if not makers.graded.size:
        return lessons
    memory, hope = experience
    rows = makers.linear[makers.graded]
    capacity = jnp.asarray(makers.activities.capacity)[makers.graded]
    # Who has no capacity makes nothing.
    capacity = jnp.where(capacity > 0, capacity, 1.0)
    seen = jnp.zeros_like(lessons.made[rows]).at[:, makers.good_of].add(made.outputs[rows])
    tried = made.levels[rows] / capacity + hope
    came = seen / capacity[:, None] + hope * makers.hopes
    return Lessons(
        lessons.tried.at[rows].set(memory * lessons.tried[rows] + (1 - memory) * tried),
        lessons.made.at[rows].set(memory * lessons.made[rows] + (1 - memory) * came),
    )
