"""A species with a few agents of it and what they see: what its clauses are tested on."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from catallax._types import Key, PyTree
from catallax.agents._protocol import Genes, Spaces, Trade
from catallax.checks._draws import sample_observations

AGENTS, OBSERVATIONS = 3, 256
BOX = Box(-1.0, 1.0, (3,))
CANDIDATES = (
    (BOX, Discrete(3)),
    (Discrete(5), Discrete(3)),
    (MultiBinary(6), Discrete(2)),
    (BOX, MultiDiscrete([2, 3])),
    (BOX, Box(-2.0, 2.0, (2,))),
)
"""Pairs of spaces on which a species is tried where the caller names none."""


class Sample:
    """Some agents of a species in a world of given spaces.

    Args:
        species: The species.
        spaces: Of the world.
    """

    def __init__(self, species: Any, spaces: Spaces) -> None:
        self.species = species
        self.spaces = spaces

    @cached_property
    def observations(self) -> np.ndarray:
        """Observations `[256, ...]`; the first are extreme."""
        return sample_observations(self.spaces.observation, OBSERVATIONS)

    @cached_property
    def encoder_state(self) -> PyTree:
        """The encoder's first state."""
        return self.species.encoder.init(jax.random.key(1), self.spaces.observation)

    @cached_property
    def senses(self) -> PyTree:
        """Senses of all observations, stacked."""
        encode = jax.jit(jax.vmap(self.species.encoder.encode, in_axes=(None, 0)))
        return encode(self.encoder_state, jnp.asarray(self.observations))

    @cached_property
    def keys(self) -> Key:
        """A key for each agent."""
        return jax.random.split(jax.random.key(2), AGENTS)

    @cached_property
    def genes(self) -> Genes:
        """Genes of three agents, stacked as in a market."""
        return jax.jit(jax.vmap(self.born))(self.keys, jnp.arange(AGENTS, dtype=jnp.int32))

    def born(self, key: Key, index: Any) -> Genes:
        """Returns the genes of one agent."""
        return self.species.init(key, self.spaces, index)

    def one(self, agent: int) -> Genes:
        """Returns the genes of one of the three."""
        return jax.tree.map(lambda leaf: leaf[agent], self.genes)

    def sense(self, place: int) -> PyTree:
        """Returns the senses of one observation."""
        return jax.tree.map(lambda leaf: leaf[place], self.senses)

    def over_all(self, ask: Callable[..., Any]) -> Any:
        """Asks every agent about every observation, as a market does: `[agents, observations]`."""
        return jax.jit(jax.vmap(jax.vmap(ask, (None, 0)), (0, None)))(self.genes, self.senses)

    @cached_property
    def bids(self) -> np.ndarray:
        """All bids, float32 `[agents, observations]`."""
        return np.asarray(self.over_all(self.species.bid))

    @cached_property
    def greedy_acts(self) -> np.ndarray:
        """All greedy actions."""
        return np.asarray(self.over_all(self.species.act_greedily))

    @cached_property
    def acts(self) -> np.ndarray:
        """The actions of every agent on every observation, each drawn with a key of its own."""
        keys = jax.random.split(jax.random.key(5), OBSERVATIONS)
        over = jax.vmap(jax.vmap(self.species.act, (None, 0, 0)), (0, None, None))
        return np.asarray(jax.jit(over)(self.genes, self.senses, keys))

    def offers(self, observations: np.ndarray) -> list[np.ndarray]:
        """Asks a species on the host: actions, bids and whether it bids."""
        return [np.asarray(part) for part in self.species.offers(self.spaces, observations)]

    def trades(self, profit: float) -> Trade:
        """Returns a trade of agent 0 on each observation, worth so much more than its bid."""
        paid = self.bids[0].astype(np.float32)
        return Trade(self.senses, jnp.asarray(self.acts[0]), paid + np.float32(profit), paid)

    @cached_property
    def same_genes(self) -> PyTree:
        """What agent 0 learned, once for every observation."""
        return jax.tree.map(
            lambda leaf: jnp.repeat(leaf[None], OBSERVATIONS, axis=0), self.one(0).learned
        )

    @cached_property
    def losses(self) -> Callable[..., Any]:
        """The losses of agent 0 with genes `[trades, ...]`, and their gradients, compiled."""
        genes, species = self.one(0), self.species

        def loss(learned: PyTree, trade: Trade) -> jax.Array:
            return species.loss(Genes(learned, genes.fixed), genes, trade)

        def both(learned: PyTree, trade: Trade) -> Any:
            value, pull = jax.vjp(lambda moved: loss(moved, trade), learned)
            return value, pull(jnp.ones_like(value))[0]

        return jax.jit(jax.vmap(both))
