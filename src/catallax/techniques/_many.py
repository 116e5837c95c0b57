"""Many techniques in fixed proportions at once, as arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from catallax._errors import InvalidSetting

from ._amounts import unknown_good
from ._linear import LinearActivity, Storage
from ._protocol import Technique


class Activities(NamedTuple):
    """Techniques in fixed proportions, stacked: one row for each.

    Args:
        inputs: What a unit of level takes, float32 [agents, goods].
        outputs: What a unit of level makes, float32 [agents, goods].
        capacity: The largest level, float32 [agents].
        unit_cost: Credits for a unit of level, float32 [agents].

    Example:
        >>> from catallax.techniques import Storage, stack_activities
        >>> stack_activities([Storage("grain", 5.0, keeps=0.5)], ("grain", "bread")).outputs
        array([[0.5, 0. ]], dtype=float32)
    """

    inputs: jax.Array | np.ndarray
    outputs: jax.Array | np.ndarray
    capacity: jax.Array | np.ndarray
    unit_cost: jax.Array | np.ndarray


def stack_activities(
    techniques: Sequence[Technique], goods: Sequence[str], dtype: type = np.float32
) -> Activities:
    """Stacks techniques in fixed proportions.

    Args:
        techniques: Each a `LinearActivity` or a `Storage`.
        goods: The names of all goods, in the order of the columns.
        dtype: Of the arrays.

    Returns:
        Arrays on the host.

    Raises:
        InvalidSetting: If a technique has no fixed proportions, or names a good that is not there.

    Example:
        >>> from catallax.techniques import LinearActivity
        >>> saw = LinearActivity({"cedar": 2.0}, {"slats": 10.0}, capacity=3.0)
        >>> stack_activities([saw], ("cedar", "slats")).inputs
        array([[2., 0.]], dtype=float32)
    """
    place = {good: number for number, good in enumerate(goods)}
    inputs = np.zeros((len(techniques), len(place)), dtype)
    outputs = np.zeros_like(inputs)
    for row, technique in enumerate(techniques):
        if not isinstance(technique, LinearActivity | Storage):
            raise _not_linear(row, technique)
        for table, amounts in (
            (inputs, technique.amounts_needed),
            (outputs, technique.amounts_made),
        ):
            for good, amount in amounts:
                if good not in place:
                    raise unknown_good(good, goods)
                table[row, place[good]] = amount
    capacity = np.array([technique.capacity for technique in techniques], dtype)
    costs = [getattr(technique, "unit_cost", 0.0) for technique in techniques]
    return Activities(inputs, outputs, capacity, np.array(costs, dtype))


def produce_all(activities: Activities, bundles: jax.Array) -> jax.Array:
    """Returns what every agent makes of the bundle that it owns.

    Args:
        activities: The techniques, one a row.
        bundles: float32 [agents, goods].

    Returns:
        float32 [agents, goods].

    Example:
        >>> import jax.numpy as jnp
        >>> from catallax.techniques import Storage
        >>> barns = stack_activities([Storage("grain", 5.0, keeps=0.5)], ("grain", "bread"))
        >>> produce_all(barns, jnp.array([[4.0, 1.0]]))
        Array([[2., 0.]], dtype=float32)
    """
    inputs, outputs, capacity, _ = map(jnp.asarray, activities)
    needed = inputs > 0
    # Divide by 1 where nothing is needed, so that no slope is lost to an infinity.
    enough = jnp.where(needed, bundles / jnp.where(needed, inputs, 1.0), jnp.inf)
    level = jnp.min(jnp.concatenate([enough, capacity[:, None]], axis=1), axis=1)
    return level[:, None] * outputs


def _not_linear(row: int, technique: Technique) -> InvalidSetting:
    return InvalidSetting(
        f"Technique {row} is a {type(technique).__name__}.",
        "Only techniques in fixed proportions can be written as a row of numbers.",
        "Use LinearActivity or Storage, or several LinearActivity in place of a curve.",
    )
