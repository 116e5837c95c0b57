"""A taste that finds out what bundles are worth by having them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float64

from catallax.clearing.equilibrium import valuations
from catallax.industries import Sight
from catallax.techniques._amounts import require_between

from ._function import concave, required_goods


class Belief(NamedTuple):
    """What j parameters are believed to be.

    Attributes:
        parameters: float64 `[j]`, θ.
        doubt: float64 `[j, j]`, P, their covariance.
    """

    parameters: Float64[Array, "j"]
    doubt: Float64[Array, "j j"]


@dataclass(frozen=True)
class LearnedTaste:
    """A model of what bundles are worth, fitted to what they turned out to be worth.

    A Kalman filter, so that a worth teaches most about what was doubted most. After every step,
    with `e = worth − f(θ, sight, x)`, `g = ∇θ f(θ, sight, x)` and `k = P g / (noise + g·P g)`:
    `θ ← max(θ + k e, 0)` and `P ← P − k (P g)ᵀ + drift`. A model that is linear in θ, with features
    that are never negative and concave in the bundle, stays concave whatever it learns. What it
    never has it never learns: begin with parameters that hope for more than there is.

    Args:
        goods: The goods of the model's bundles, in its order.
        model: From parameters, float64 `[j]`, a `Sight` and a bundle, float64 `[k]`, to credits;
            concave in the bundle. Pass a named function.
        parameters: θ at first, j numbers, 0 or more.
        doubt: The variance of each of them at first, above 0.
        noise: The variance of what a bundle is worth around the model, credits², above 0.
        drift: By how much doubt grows in a step, 0 or more: how fast worths may change.

    Raises:
        InvalidSetting: If a number is out of range, no good is named, or one twice.

    Example:
        >>> import jax.numpy as jnp, catallax as cx
        >>> def per_unit(parameters, sight, bundle):
        ...     return jnp.sum(parameters * bundle)
        >>> guess = cx.tastes.LearnedTaste(("bread", "beer"), per_unit, (10.0, 10.0))
        >>> guess.parameters
        (10.0, 10.0)

    Source: Kalman (1960), A new approach to linear filtering and prediction problems; Brafman and
    Tennenholtz (2002), R-max, for beginning with hope.
    """

    goods: tuple[str, ...]
    model: Callable[[Array, Sight, Array], Array]
    parameters: tuple[float, ...]
    doubt: float = 100.0
    noise: float = 1e-4
    drift: float = 1e-4

    def __post_init__(self) -> None:
        """Checks and freezes the numbers."""
        object.__setattr__(self, "goods", required_goods("LearnedTaste", self.goods))
        object.__setattr__(self, "parameters", tuple(map(float, self.parameters)))
        for number, one in enumerate(self.parameters):
            require_between("LearnedTaste", f"parameters[{number}]", one, 0.0, math.inf)
        for name in ("doubt", "noise", "drift"):
            above = name != "drift"
            value = getattr(self, name)
            require_between("LearnedTaste", name, value, 0.0, math.inf, open_low=above)

    def first(self) -> Belief:
        """Returns θ and P at first."""
        start = jnp.asarray(self.parameters)
        return Belief(start, self.doubt * jnp.eye(start.size))

    def valuation(self, goods: tuple[str, ...], memory: Any, sight: Sight) -> valuations.Concave:
        """Returns what it believes bundles of all goods to be worth."""
        return concave(Believing(self.model), self.goods, goods, (memory.parameters, sight))

    def learned(self, memory: Any, sight: Sight, bundle: Array, worth: Array) -> Belief:
        """Returns what it believes after a bundle that was worth so many credits."""
        guess = jax.value_and_grad(lambda theta: Believing(self.model)((theta, sight), bundle))
        believed, slopes = guess(memory.parameters)
        spread = memory.doubt @ slopes
        known = self.noise + slopes @ spread
        parameters = memory.parameters + spread * (worth - believed) / known
        less = jnp.outer(spread, spread) / known
        doubt = memory.doubt - less + self.drift * jnp.eye(slopes.size)
        return Belief(jnp.maximum(parameters, 0.0), doubt)


@dataclass(frozen=True)
class Believing:
    """A model as a function of what is known and seen, and a bundle, in 64 bits."""

    model: Callable[..., Array]

    def __call__(self, settings: Any, bundle: Array) -> Array:
        """Returns credits, of parameters and a sight, and a bundle."""
        return jnp.asarray(self.model(*settings, bundle), bundle.dtype)
