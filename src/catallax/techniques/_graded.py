"""Techniques whose outputs depend on the grades of what they take, which need not be seen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np

from catallax._errors import InvalidSetting

from ._amounts import Amounts, GivenAmounts, frozen_amounts, require_between
from ._level import ByLevel

Slots: TypeAlias = tuple[tuple[tuple[str, ...], float], ...]
"""Pairs of the grades that serve as one input, and how much of them a unit of level takes."""

Yields: TypeAlias = tuple[tuple[str, Amounts], ...]
"""Pairs of a grade and what a unit of level makes of it."""


@dataclass(frozen=True)
class GradedActivity(ByLevel):
    """Takes any grade of an input, in fixed proportions; what it makes depends on the grade.

    Its level is the largest for which every input is enough, whatever its grades, and no more than
    its capacity. It takes grades as they come, in the proportions in which it owns them, and makes
    `z Σ_k Σ_c (s_c / Σ_{c' ∈ k} s_{c'}) Y_c`, over its inputs k and their grades c.

    Args:
        inputs: Of each input, how much a unit of level takes. An input is the name of one thing, or
            the names of all grades of it.
        outputs: Of a grade, how much of each good a unit of level makes, if all of that input is of
            that grade; what several inputs bring adds up. A grade that is not named brings nothing.
        capacity: The largest level in a step; finite.
        unit_cost: Credits for a unit of its level, 0 or more.

    Raises:
        InvalidSetting: If there is no input, an amount is not positive and finite, a grade is named
            twice or brings something without being taken, or nothing is made.

    Example:
        >>> import jax.numpy as jnp
        >>> smelt = GradedActivity(
        ...     {("rich ore", "poor ore"): 2.0, "labour": 1.0},
        ...     {"rich ore": {"iron": 1.0}, "poor ore": {"iron": 0.5}},
        ...     capacity=4.0,
        ... )
        >>> smelt.produce(jnp.array([3.0, 1.0, 5.0]))
        Array([1.75], dtype=float32)

    Source: paper section 2.2, "Property rights in POMDPs"; Haverly (1978), Studies of the behavior
    of recursion for the pooling problem, for goods whose qualities mix.
    """

    inputs: Mapping[str | tuple[str, ...], float] | Slots
    outputs: Mapping[str, GivenAmounts] | Yields
    capacity: float
    unit_cost: float = 0.0

    def __post_init__(self) -> None:
        """Checks the settings and freezes the amounts."""
        given = self.inputs.items() if isinstance(self.inputs, Mapping) else self.inputs
        slots = tuple(((k,) if isinstance(k, str) else tuple(k), amount) for k, amount in given)
        brought = self.outputs.items() if isinstance(self.outputs, Mapping) else self.outputs
        yields = tuple(
            (grade, frozen_amounts("GradedActivity", f"outputs of {grade!r}", made))
            for grade, made in brought
        )
        object.__setattr__(self, "inputs", slots)
        object.__setattr__(self, "outputs", yields)
        require_between("GradedActivity", "capacity", self.capacity, 0.0, math.inf)
        require_between("GradedActivity", "unit_cost", self.unit_cost, 0.0, math.inf)
        for grades, amount in slots:
            name = f"inputs of {grades!r}"
            require_between("GradedActivity", name, amount, 0.0, math.inf, open_low=True)
        self._require_grades()

    @property
    def slots(self) -> Slots:
        """The inputs as they were frozen: their grades, and how much a unit of level takes."""
        return cast(Slots, self.inputs)

    @property
    def yields(self) -> Yields:
        """The outputs as they were frozen: what a unit of level makes of each grade."""
        return cast(Yields, self.outputs)

    @property
    def needs(self) -> tuple[str, ...]:
        """All grades that it takes, input by input."""
        return tuple(grade for grades, _ in self.slots for grade in grades)

    @property
    def makes(self) -> tuple[str, ...]:
        """What it makes of any grade."""
        return tuple(dict.fromkeys(good for _, made in self.yields for good, _ in made))

    @property
    def amounts_needed(self) -> Amounts:
        """For every grade, what a unit of level takes if all of that input is of that grade."""
        return tuple((grade, amount) for grades, amount in self.slots for grade in grades)

    @property
    def amounts_made(self) -> Amounts:
        """For every output, the most that a unit of level may make."""
        table = np.zeros(len(self.makes))
        for grades, _ in self.slots:
            table += np.max([self._made_of(grade) for grade in grades], axis=0)
        return tuple(zip(self.makes, table.tolist(), strict=True))

    def uncapped(self, bundle: jax.Array) -> jax.Array:
        """Returns the level that each input is enough for."""
        amounts = jnp.asarray([amount for _, amount in self.slots], bundle.dtype)
        return self._totals(bundle) / amounts

    def produce(self, bundle: jax.Array) -> jax.Array:
        """Returns what it makes of a bundle, float32 [makes]."""
        totals = self._totals(bundle)[self._slot_of()]
        shares = bundle / jnp.where(totals > 0, totals, jnp.ones((), bundle.dtype))
        table = jnp.asarray(np.stack([self._made_of(grade) for grade in self.needs]), bundle.dtype)
        return self.level(bundle) * (shares @ table)

    def _totals(self, bundle: jax.Array) -> jax.Array:
        totals = jnp.zeros(len(self.slots), bundle.dtype)
        return totals.at[self._slot_of()].add(bundle)

    def _slot_of(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.slots)), [len(grades) for grades, _ in self.slots])

    def _made_of(self, grade: str) -> np.ndarray:
        made = dict(dict(self.yields).get(grade, ()))
        return np.array([made.get(good, 0.0) for good in self.makes])

    def _require_grades(self) -> None:
        taken, named = self.needs, [grade for grade, _ in self.yields]
        if not taken or len(set(taken)) < len(taken) or len(set(named)) < len(named):
            raise InvalidSetting(
                f"GradedActivity was given inputs of the grades {list(taken)}, "
                f"and outputs of {named}.",
                "There is an input, and a grade is named once.",
                "Add the amounts of one grade together.",
            )
        if not set(named) <= set(taken) or not self.makes:
            raise InvalidSetting(
                f"GradedActivity was given outputs of {named}, and takes {list(taken)}.",
                "Something is made, of grades that are taken.",
                "Name what it makes of one of its grades or more.",
            )
