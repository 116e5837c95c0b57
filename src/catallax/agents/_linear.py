"""Agents whose bid is linear in their senses: features of any kind, or a table."""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32

from catallax._types import Key, PyTree
from catallax.agents._actions import nth_action
from catallax.agents._encoders import Encoder, Fourier, Index
from catallax.agents._protocol import Genes, Spaces, Species


@dataclass(frozen=True, kw_only=True)
class Linear(Species):
    """Bids `w·φ(ω)` for one action, and learns w from what the world fetched.

    Args:
        encoder: The features φ: `Raw`, `Fourier`, `Tiles`, `Index`, or your own.
        initial: Credits, the bid before anything is learned, to which `w·φ` is added.
        spread: The deviation of random first weights, which mutation uses as its step.
        count: Agents at genesis; None for one an action.
        capacity: Slots; None for as many as `count`.

    Raises:
        UnsupportedSpace: If the actions cannot be listed or the encoder cannot read the
            observations, when the market meets the world.

    Example:
        >>> import catallax as cx
        >>> cx.Linear(encoder=cx.Tiles(tilings=4)).learns
        True

    Source: paper section 4, "each agent simultaneously learn its parameters".
    """

    learns: ClassVar[bool] = True
    mutates: ClassVar[bool] = True

    encoder: Encoder = Fourier()
    initial: float = 0.0
    spread: float = 0.0

    def init(self, key: Key, spaces: Spaces, index: Any) -> Genes:
        """Returns the weights, the first bid and the action."""
        shape = (self.encoder.size(spaces.observation),)
        weights = self.spread * jax.random.normal(key, shape, jnp.float32)
        fixed = {"action": nth_action(spaces.action, index), "initial": jnp.float32(self.initial)}
        return Genes({"weights": weights}, fixed)

    def bid(self, genes: Genes, senses: PyTree) -> Float32[Array, ""]:
        """Returns `w·φ + initial`."""
        return self.encoder.dot(genes.learned["weights"], senses) + genes.fixed["initial"]

    def act(self, genes: Genes, senses: PyTree, key: Key) -> Array:
        """Returns the agent's one action."""
        return genes.fixed["action"]

    def mutate(self, key: Key, genes: Genes) -> Genes:
        """Returns a child with jittered weights and the parent's action."""
        weights = genes.learned["weights"]
        jitter = max(self.spread, 0.05) * jax.random.normal(key, weights.shape, jnp.float32)
        return Genes({"weights": weights + jitter}, genes.fixed)

    def supports(self, spaces: Spaces) -> None:
        """Raises where the world's spaces cannot be served."""
        super().supports(spaces)
        nth_action(spaces.action, 0)


@dataclass(frozen=True, kw_only=True)
class Tabular(Linear):
    """Bids an entry of a table, one for each observation.

    Args:
        encoder: `Index`.
        initial: Credits, the first entry everywhere.
        count: Agents at genesis; None for one an action.
        capacity: Slots; None for as many as `count`.

    Raises:
        UnsupportedSpace: If the observations are not Discrete, when the market meets the world.

    Example:
        >>> import catallax as cx
        >>> cx.Tabular(initial=1.0).encoder
        Index()

    Source: Watkins (1989), whose table this is when sold by cloned Vickrey auctions.
    """

    encoder: Encoder = Index()

    def init(self, key: Key, spaces: Spaces, index: Any) -> Genes:
        """Returns the table and the action."""
        size = self.encoder.size(spaces.observation)
        noise = self.spread * jax.random.normal(key, (size,), jnp.float32)
        learned = {"weights": self.initial + noise}
        return Genes(learned, {"action": nth_action(spaces.action, index)})

    def bid(self, genes: Genes, senses: PyTree) -> Float32[Array, ""]:
        """Returns the entry of the table."""
        return self.encoder.dot(genes.learned["weights"], senses)
