"""The two shapes a world can have: pure JAX functions, or a batch on the host."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import gymnasium
import jax
import numpy as np

State: TypeAlias = Any
"""A pytree of float32, int32 and bool arrays; its dtypes never change."""

Observation: TypeAlias = jax.Array
"""An int32 scalar (Discrete space) or a float32 vector [D] (every other space)."""


@runtime_checkable
class World(Protocol):
    """One world as pure functions of a state, an action and a random key.

    Callers batch it with `jax.vmap` and run it with `jax.lax.scan`. A world is a frozen,
    hashable dataclass, so that it can be a static argument of `jax.jit`.

    Observations: an int32 scalar counted from 0 for `Discrete`; for every other space a
    float32 vector [D] in the order of `gymnasium.spaces.flatten`. Actions: an int32 scalar
    counted from 0 for `Discrete`; int32 [k] counted from 0 for `MultiDiscrete`; float32 [k]
    for a `Box` with k entries, inside its bounds.

    Example:
        >>> from catallax.worlds import CartPole
        >>> isinstance(CartPole(), World)
        True
    """

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The space of observations."""
        ...

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """The space of actions."""
        ...

    @property
    def time_limit(self) -> int | None:
        """Ticks until the driver truncates an episode; the world itself never does."""
        ...

    def initial(self, key: jax.Array) -> State:
        """Returns the state in which an episode begins."""
        ...

    def observe(self, state: State) -> Observation:
        """Returns what an agent sees in a state."""
        ...

    def step(
        self, state: State, action: jax.Array, key: jax.Array
    ) -> tuple[State, jax.Array, jax.Array]:
        """Returns the next state, the reward (float32) and whether the episode ended (bool)."""
        ...


@runtime_checkable
class HostWorld(Protocol):
    """A batch of W worlds on the host, NumPy in and NumPy out.

    Nothing resets by itself: the driver decides when each world begins again, and with
    which seed. Observations are int32 [W] or float32 [W, D], actions int32 [W], int32 [W, k]
    or float32 [W, k], each in the form that `World` describes.

    Example:
        >>> from catallax.worlds import GymnasiumWorlds
        >>> isinstance(GymnasiumWorlds("CartPole-v1", 2), HostWorld)
        True
    """

    count: int

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The space of one world's observations."""
        ...

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """The space of one world's actions."""
        ...

    @property
    def time_limit(self) -> int | None:
        """Ticks after which `step` reports truncation; None when it never does."""
        ...

    def reset(self, seeds: Sequence[int], which: np.ndarray | None = None) -> np.ndarray:
        """Begins an episode in the worlds of the mask; the others keep their observation."""
        ...

    def step(
        self, actions: np.ndarray, active: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Returns observations, rewards (float64), terminated and truncated (bool), each [W]."""
        ...
