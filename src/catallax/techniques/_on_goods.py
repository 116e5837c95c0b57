"""A technique as a map between bundles of all goods."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from ._amounts import unknown_good
from ._protocol import Technique


@dataclass(frozen=True)
class OnGoods:
    """A technique as the paper writes it, from bundles of every good to bundles of every good.

    What it does not take is not in its output: it owned it, and it did not keep it.

    Args:
        technique: A technique on the goods that it knows.
        goods: The names of all goods, in the order of the bundles.

    Raises:
        InvalidSetting: If the technique takes or makes a good that is not among them.

    Example:
        >>> import jax.numpy as jnp
        >>> from catallax.techniques import Storage
        >>> keep = OnGoods(Storage("grain", capacity=2.0), ("labour", "grain", "bread"))
        >>> keep.produce(jnp.array([7.0, 5.0, 1.0]))
        Array([0., 2., 0.], dtype=float32)

    Source: paper definition 2.2.
    """

    technique: Technique
    goods: tuple[str, ...]

    def __post_init__(self) -> None:
        """Checks that every good is there."""
        object.__setattr__(self, "goods", tuple(self.goods))
        for good in (*self.technique.needs, *self.technique.makes):
            if good not in self.goods:
                raise unknown_good(good, self.goods)

    @property
    def needs(self) -> tuple[str, ...]:
        """All goods."""
        return self.goods

    @property
    def makes(self) -> tuple[str, ...]:
        """All goods."""
        return self.goods

    @property
    def capacity(self) -> float:
        """That of the technique."""
        return self.technique.capacity

    def produce(self, bundle: jax.Array) -> jax.Array:
        """Returns what is made, [goods], of what is owned, [goods]."""
        made = self.technique.produce(self._taken(bundle))
        return jnp.zeros_like(bundle).at[self._places(self.technique.makes)].set(made)

    def cost(self, bundle: jax.Array) -> jax.Array:
        """Returns the credits that it costs."""
        return self.technique.cost(self._taken(bundle))

    def _taken(self, bundle: jax.Array) -> jax.Array:
        return bundle[self._places(self.technique.needs)]

    def _places(self, some: tuple[str, ...]) -> jax.Array:
        return jnp.asarray([self.goods.index(good) for good in some], jnp.int32)
