"""Techniques whose inputs can stand in for each other, more or less easily."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from catallax._errors import InvalidSetting

from ._amounts import GivenAmounts, require_between
from ._level import ByAmounts, numbers_of


@dataclass(frozen=True)
class CobbDouglasTechnique(ByAmounts):
    """Runs at the level `scale · Π ωᵢ^eᵢ`, with exponents that sum to at most 1.

    Where an input is missing its slope is infinite or unknown: see `floor` of `marginal_bids`.

    Args:
        inputs: The exponent of each input, above 0; their sum is at most 1, so that it is concave.
        outputs: How much of each good a unit of its level makes.
        scale: The level at one unit of every input.
        capacity: The largest level in a step.
        unit_cost: Credits for a unit of its level.

    Raises:
        InvalidSetting: If a setting is outside its range.

    Example:
        >>> import jax.numpy as jnp
        >>> bake = CobbDouglasTechnique({"flour": 0.5, "labour": 0.5}, {"bread": 1.0}, scale=2.0)
        >>> bake.produce(jnp.array([4.0, 9.0]))
        Array([12.], dtype=float32)

    Source: Cobb and Douglas (1928), A theory of production, American Economic Review 18.
    """

    inputs: GivenAmounts
    outputs: GivenAmounts
    scale: float = 1.0
    capacity: float = math.inf
    unit_cost: float = 0.0

    def __post_init__(self) -> None:
        """Checks the settings and freezes the amounts."""
        _settle_smooth(self, self.scale)
        total = math.fsum(exponent for _, exponent in self.amounts_needed)
        require_between("CobbDouglasTechnique", "sum of exponents", total, 0.0, 1.0 + 1e-9)

    def uncapped(self, bundle: jax.Array) -> jax.Array:
        """Returns the level of the formula."""
        powers = bundle ** numbers_of(self.amounts_needed, bundle)
        return jnp.prod(powers, keepdims=True) * self.scale


@dataclass(frozen=True)
class CESTechnique(ByAmounts):
    """Runs at the level `scale · (Σ wᵢ ωᵢ^ρ)^(returns/ρ)` with `ρ = 1 − 1/σ`.

    σ is the elasticity of substitution: towards 0 inputs are needed in proportion
    (`LinearActivity`), at 1 it would be `CobbDouglasTechnique`, towards infinity they replace each
    other one for one.

    Args:
        inputs: The weight of each input, above 0.
        outputs: How much of each good a unit of its level makes.
        substitution: σ, above 0 and not 1.
        returns: The degree of returns to scale, above 0 and at most 1.
        scale: A factor on the level.
        capacity: The largest level in a step.
        unit_cost: Credits for a unit of its level.

    Raises:
        InvalidSetting: If a setting is outside its range.

    Example:
        >>> import jax.numpy as jnp
        >>> heat = CESTechnique({"gas": 1.0, "wood": 1.0}, {"heat": 1.0}, substitution=2.0)
        >>> heat.produce(jnp.array([1.0, 4.0]))
        Array([9.], dtype=float32)

    Source: Arrow, Chenery, Minhas and Solow (1961), Capital-labor substitution and economic
    efficiency, Review of Economics and Statistics 43.
    """

    inputs: GivenAmounts
    outputs: GivenAmounts
    substitution: float = 0.5
    returns: float = 1.0
    scale: float = 1.0
    capacity: float = math.inf
    unit_cost: float = 0.0

    def __post_init__(self) -> None:
        """Checks the settings and freezes the amounts."""
        _settle_smooth(self, self.scale)
        require_between(
            "CESTechnique", "substitution", self.substitution, 0.0, math.inf, open_low=True
        )
        require_between("CESTechnique", "returns", self.returns, 0.0, 1.0, open_low=True)
        if self.substitution == 1.0:
            raise InvalidSetting(
                "CESTechnique was given substitution=1.0.",
                "Its formula divides by 0 there; the limit is Cobb-Douglas.",
                "Use CobbDouglasTechnique with the weights, divided by their sum, as exponents.",
            )

    def uncapped(self, bundle: jax.Array) -> jax.Array:
        """Returns the level of the formula."""
        power = 1.0 - 1.0 / self.substitution
        mean = jnp.sum(numbers_of(self.amounts_needed, bundle) * bundle**power, keepdims=True)
        return self.scale * mean ** (self.returns / power)


def _settle_smooth(technique: CobbDouglasTechnique | CESTechnique, scale: float) -> None:
    owner = type(technique).__name__
    technique.freeze_amounts()
    for name in ("inputs", "outputs"):
        if not getattr(technique, name):
            raise InvalidSetting(
                f"{owner} was given no {name}.",
                "A technique turns some goods into others.",
                f"Name at least one good among its {name}.",
            )
    require_between(owner, "scale", scale, 0.0, math.inf, open_low=True)
    require_between(owner, "capacity", technique.capacity, 0.0, math.inf, may_be_infinite=True)
    require_between(owner, "unit_cost", technique.unit_cost, 0.0, math.inf)
