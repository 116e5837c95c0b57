"""Draws from spaces, in the library's form, and how to write and compare what comes of them."""

import copy
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary

from catallax._types import PyTree
from catallax.agents._actions import random_actions
from catallax.checks._clauses import demand
from catallax.worlds._spaces import action_size, encode_observation

WIDE, FAR = 10.0, 1_000.0
"""Dimensions without bounds are drawn within ±10 and tried at ±1,000."""


def finite_bounds(space: Box, far: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the bounds of a box as vectors, ±far in place of those beyond a million."""
    low, high = space.low.reshape(-1), space.high.reshape(-1)
    low = np.where(low > -1e6, low, np.minimum(-far, high - far))
    high = np.where(high < 1e6, high, np.maximum(far, low + far))
    return low.astype(np.float32), high.astype(np.float32)


def draw_actions(space: gymnasium.Space[Any], shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Draws actions evenly, `[*shape]` or `[*shape, k]`."""
    luck = np.random.default_rng(seed).random((*shape, action_size(space)), np.float32)
    flat = luck.reshape(-1, luck.shape[-1])
    drawn = np.asarray(random_actions(_bounded(space), jnp.asarray(flat)))
    return drawn.reshape(*shape, *drawn.shape[1:])


def _bounded(space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
    if not isinstance(space, Box):
        return space
    low, high = finite_bounds(space, 1.0)
    return Box(low, high)


def sample_observations(space: gymnasium.Space[Any], count: int) -> np.ndarray:
    """Draws observations; the first are the bounds, and every symbol is there if they are few."""
    if isinstance(space, Discrete):
        symbols = np.unique(np.linspace(0, int(space.n) - 1, count).round().astype(np.int32))
        return np.resize(symbols, count)
    if isinstance(space, Box):
        return _of_box(space, count)
    space = copy.deepcopy(space)
    space.seed(0)
    drawn = np.stack([encode_observation(space, space.sample()) for _ in range(count)])
    if isinstance(space, MultiBinary):
        drawn[:2] = np.array([0.0, 1.0])[:count, None]
    return np.clip(drawn, -FAR, FAR).astype(np.float32)


def _of_box(space: Box, count: int) -> np.ndarray:
    low, high = finite_bounds(space, WIDE)
    luck = np.random.default_rng(0).random((count, len(low)), np.float32)
    drawn = low + luck * (high - low)
    drawn[:2] = np.stack(finite_bounds(space, FAR))[:count]
    drawn[2:3] = np.clip(0.0, low, high)
    return drawn.astype(np.float32)


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
