"""A species with a few agents of it and what they see: what its clauses are tested on."""

import copy
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from catallax._types import Key, PyTree
from catallax.agents._protocol import Genes, Spaces, Trade
from catallax.checks._clauses import demand
from catallax.worlds._spaces import encode_observation

AGENTS, OBSERVATIONS, TRADES, FAR = 3, 128, 32, 1_000.0
PROFITS = (1.0, -1.0)
RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
BOX = Box(-1.0, 1.0, (3,))
CANDIDATES = (
    (Discrete(5), Discrete(3)),
    (BOX, Discrete(3)),
    (MultiBinary(6), Discrete(2)),
    (BOX, MultiDiscrete([2, 3])),
    (BOX, Box(-2.0, 2.0, (2,))),
)
"""Pairs of spaces on which a species is tried where the caller names none."""


class Lesson(NamedTuple):
    """What learning from one trade does, for each of some profits and trades.

    Attributes:
        loss: `[profits, trades]`, before.
        fine: bool, whether the gradient is finite.
        after: `[profits, trades, rates]`, the loss after one step down the gradient.
    """

    loss: np.ndarray
    fine: np.ndarray
    after: np.ndarray


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
        """Observations `[128, ...]`; the first are extreme."""
        return sample_observations(self.spaces.observation, OBSERVATIONS)

    @cached_property
    def encoder_state(self) -> PyTree:
        """The encoder's first state."""
        return self.species.encoder.init(jax.random.key(1), self.spaces.observation)

    @cached_property
    def senses(self) -> PyTree:
        """Senses of all observations, stacked."""
        encode = jax.vmap(self.species.encoder.encode, in_axes=(None, 0))
        return encode(self.encoder_state, jnp.asarray(self.observations))

    @cached_property
    def keys(self) -> Key:
        """A key for each agent."""
        return jax.random.split(jax.random.key(2), AGENTS)

    @cached_property
    def genes(self) -> Genes:
        """Genes of three agents, stacked as in a market."""
        numbers = jnp.arange(AGENTS, dtype=jnp.int32)
        return jax.jit(jax.vmap(self.born))(self.keys, numbers)

    @cached_property
    def alone(self) -> Genes:
        """Genes of one agent, born alone and without compilation."""
        return self.born(self.keys[0], jnp.int32(0))

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
    def greedy_acts(self) -> jax.Array:
        """All greedy actions."""
        return self.over_all(self.species.act_greedily)

    def acts(self, keys: Key) -> jax.Array:
        """Returns the actions of every agent on every observation, each with its key."""
        over = jax.vmap(jax.vmap(self.species.act, (None, 0, 0)), (0, None, None))
        return jax.jit(over)(self.genes, self.senses, keys)

    @cached_property
    def lesson(self) -> Lesson:
        """What one agent learns from trades that fetched more, or less, than it bid."""
        genes = self.one(0)
        senses = jax.tree.map(lambda leaf: leaf[:: OBSERVATIONS // TRADES], self.senses)
        of_trades = jax.vmap(self._learn, (None, 0, None))
        of_profits = jax.vmap(of_trades, (None, None, 0))
        taught = jax.jit(of_profits)(genes, senses, jnp.asarray(PROFITS, jnp.float32))
        return jax.tree.map(np.asarray, taught)

    def _learn(self, genes: Genes, senses: PyTree, profit: jax.Array) -> Lesson:
        action = self.species.act(genes, senses, jax.random.key(3))
        bid = self.species.bid(genes, senses)
        trade = Trade(senses, action, bid + profit, bid)

        def loss(learned: PyTree) -> jax.Array:
            return self.species.loss(Genes(learned, genes.fixed), genes, trade)

        def stepped(rate: jax.Array) -> jax.Array:
            return loss(jax.tree.map(lambda w, slope: w - rate * slope, genes.learned, gradient))

        start, gradient = jax.value_and_grad(loss)(genes.learned)
        fine = [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(gradient)]
        after = jax.vmap(stepped)(jnp.asarray(RATES, jnp.float32))
        return Lesson(start, jnp.all(jnp.asarray(fine)), after)  # pyright: ignore[reportArgumentType]


def sample_observations(space: gymnasium.Space[Any], count: int) -> np.ndarray:
    """Draws observations in the library's form, extremes first; dimensions end at ±1,000."""
    space = copy.deepcopy(space)
    space.seed(0)
    if isinstance(space, Discrete):
        ends = np.array([0, space.n - 1], np.int32)
        inner = np.random.default_rng(0).integers(0, int(space.n), count, np.int32)
        return np.concatenate([ends, inner])[:count]
    drawn = np.stack([encode_observation(space, space.sample()) for _ in range(count)])
    if isinstance(space, Box):
        low, high = space.low.reshape(-1), space.high.reshape(-1)
        drawn[:2] = np.clip([low, high], -FAR, FAR)[:count]
    elif isinstance(space, MultiBinary):
        drawn[:2] = np.array([0.0, 1.0])[:count, None]
    return np.clip(drawn, -FAR, FAR).astype(np.float32)


def form(tree: PyTree) -> str:
    """Writes the structure, shapes and dtypes of a tree."""
    if not jax.tree.leaves(tree):
        return str(jax.tree.structure(tree))
    return str(jax.tree.map(lambda leaf: f"{dtype_of(leaf)}{list(np.shape(leaf))}", tree))


def dtype_of(leaf: Any) -> np.dtype:
    """Returns the dtype of an array, or of the array that a number would become."""
    return leaf.dtype if hasattr(leaf, "dtype") else np.result_type(leaf)


def demand_same(one: Any, other: Any, what: str) -> None:
    """Breaks the clause unless two trees hold the same numbers, to float precision."""
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        close = np.allclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=True)
        demand(close, f"{what} differs: {np.asarray(a).tolist()} and {np.asarray(b).tolist()}")
