"""Any JAX function as a technique."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from catallax._errors import InvalidSetting

from ._amounts import require_between


@dataclass(frozen=True)
class JaxTechnique:
    """Makes what a function of yours says; each output is cut off at the capacity.

    Args:
        needs: The goods that the function takes, in its order.
        makes: The goods that it returns, in its order.
        function: A JAX function from float32 [needs] to float32 [makes]; never negative. It is
            part of the value: pass a named function, not a new lambda every time.
        capacity: The most of each output in a step.

    Raises:
        InvalidSetting: If a list of goods is empty or names one twice, or the capacity is negative.

    Example:
        >>> import jax.numpy as jnp
        >>> mix = JaxTechnique(("flour", "egg"), ("dough",), lambda x: jnp.log1p(x.sum())[None])
        >>> mix.produce(jnp.array([0.0, 0.0]))
        Array([0.], dtype=float32)

    Source: paper section 2.2, `α : S → S`, "each action defines a production function".
    """

    needs: tuple[str, ...]
    makes: tuple[str, ...]
    function: Callable[[jax.Array], jax.Array]
    capacity: float = math.inf

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_between(
            "JaxTechnique", "capacity", self.capacity, 0.0, math.inf, may_be_infinite=True
        )
        for name in ("needs", "makes"):
            goods = tuple(getattr(self, name))
            object.__setattr__(self, name, goods)
            if not goods or len(set(goods)) < len(goods):
                raise InvalidSetting(
                    f"JaxTechnique was given {name}={goods}.",
                    "It turns some goods into others, each named once.",
                    f"Give {name} as a tuple of different names.",
                )

    def produce(self, bundle: jax.Array) -> jax.Array:
        """Returns what the function makes of a bundle, float32 [makes]."""
        return jnp.minimum(self.function(bundle), jnp.asarray(self.capacity, bundle.dtype))

    def cost(self, bundle: jax.Array) -> jax.Array:
        """Returns 0: what such a technique costs, it takes as a good."""
        return jnp.zeros((), bundle.dtype)
