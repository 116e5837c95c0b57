"""Any concave function of what is seen and had, in JAX, as a taste."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from catallax._errors import InvalidSetting
from catallax.clearing.equilibrium import valuations
from catallax.industries import Sight

from ._known import Known


@dataclass(frozen=True)
class FunctionTaste(Known):
    """What a function of yours says: `v(x) = f(sight, x)`, which may depend on what is seen.

    Args:
        goods: The goods of the function's bundles, in its order.
        function: From a `Sight` and a bundle, float64 `[k]`, to credits; concave in the bundle,
            not falling, and 0 for nothing. It is part of the value: pass a named function, not a
            new lambda every time.

    Raises:
        InvalidSetting: If no good is named, or one twice.

    Example:
        Ice is worth more in every fourth step:

        >>> import jax.numpy as jnp, catallax as cx
        >>> def ice(sight, bundle):
        ...     return jnp.where(sight.step % 4 == 0, 3.0, 1.0) * jnp.log1p(bundle[0])
        >>> cx.industries.Household("kiosk", cx.tastes.FunctionTaste(("ice",), ice)).goods
        ('ice',)

    Source: paper Definition 2.2, `α_b : Ω → ℝ`.
    """

    goods: tuple[str, ...]
    function: Callable[[Sight, Array], Array]

    def __post_init__(self) -> None:
        """Checks the goods."""
        object.__setattr__(self, "goods", required_goods("FunctionTaste", self.goods))

    def valuation(self, goods: tuple[str, ...], memory: Any, sight: Sight) -> valuations.Concave:
        """Returns its values of bundles of all goods."""
        return concave(Seeing(self.function), self.goods, goods, sight)


@dataclass(frozen=True)
class Seeing:
    """A function of a sight and a bundle, in 64 bits whatever it computes in."""

    function: Callable[[Sight, Array], Array]

    def __call__(self, sight: Any, bundle: Array) -> Array:
        """Returns credits."""
        return jnp.asarray(self.function(sight, bundle), bundle.dtype)


@dataclass(frozen=True)
class OnPlaces:
    """A function of the goods that somebody knows, as one of bundles of all goods."""

    function: Callable[[Any, Array], Array]
    places: tuple[int, ...]

    def __call__(self, settings: Any, bundle: Array) -> Array:
        """Returns credits."""
        return self.function(settings, bundle[np.array(self.places)])


def concave(
    function: Callable[[Any, Array], Array],
    known: tuple[str, ...],
    goods: tuple[str, ...],
    settings: Any,
) -> valuations.Concave:
    """Returns the values of one agent for bundles of all goods.

    Args:
        function: Of settings and a bundle of the goods that it knows.
        known: Those.
        goods: All goods.
        settings: A pytree of arrays.

    Returns:
        Values whose parameters have an axis of 1 agent.
    """
    places = tuple(goods.index(good) for good in known)
    own = jax.tree.map(lambda one: one[None], settings)
    return valuations.Concave(OnPlaces(function, places), own, len(goods))


def required_goods(owner: str, goods: Any) -> tuple[str, ...]:
    """Returns goods as a tuple; raises unless there is one and each is named once."""
    named = tuple(goods)
    if not named or len(set(named)) < len(named):
        raise InvalidSetting(
            f"{owner} was given goods={named}.",
            "It values goods, each named once.",
            "Give a tuple of different names.",
        )
    return named
