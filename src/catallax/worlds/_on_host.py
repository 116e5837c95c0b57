"""A functional world behind the host protocol, so that one world can run under both drivers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from ._checks import (
    full_mask,
    require_count,
    require_finite_observations,
    require_finite_rewards,
    require_length,
)
from ._protocol import State, World


class FunctionalOnHost:
    """A batch of W copies of a functional world behind the protocol `HostWorld`.

    `step` and `reset` make their own random keys from the seeds of `reset`, so the same seeds
    give the same episodes. `step_with_keys` and `reset_with_keys` use the caller's: given the
    keys of the compiled driver, they give its results exactly.

    Args:
        world: The functional world.
        count: W, how many copies.

    Raises:
        InvalidSetting: The count is not a positive integer.

    Example:
        >>> from catallax.worlds import Corridor
        >>> worlds = FunctionalOnHost(Corridor(steps=1), count=2)
        >>> worlds.reset([1, 2]).tolist()
        [0, 0]
        >>> _, rewards, terminated, _ = worlds.step(np.array([0, 0]))
        >>> rewards.tolist(), terminated.tolist()
        ([-1.0, -1.0], [True, True])
    """

    def __init__(self, world: World, count: int) -> None:
        """Prepares the batch; `reset` must come before `step`."""
        require_count("FunctionalOnHost", "count", count, 1)
        self.world = world
        self.count = count
        self.name = type(world).__name__
        self._seeds = np.zeros(count, np.uint64)
        self._ticks = np.zeros(count, np.int64)
        with jax.enable_x64(False):
            self._state: State = _initial(world, _keys(np.zeros(count, np.uint64)))

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The space of one world's observations."""
        return self.world.observation_space

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """The space of one world's actions."""
        return self.world.action_space

    @property
    def time_limit(self) -> int | None:
        """Ticks of an episode after which `step` reports truncation."""
        return self.world.time_limit

    def reset(self, seeds: Sequence[int], which: np.ndarray | None = None) -> np.ndarray:
        """Begins an episode in some worlds; the others keep their state.

        Args:
            seeds: W seeds from 0 to 2**64 - 1, one for each world.
            which: bool [W], the worlds to reset; None means all.

        Returns:
            Observations of all worlds: int32 [W] or float32 [W, D].

        Raises:
            BadObservation: An observation is not finite.
            InvalidSetting: There are not W seeds.
        """
        require_length("seeds", seeds, self.count)
        with jax.enable_x64(False):
            given = np.array([int(seed) for seed in seeds], np.uint64)
            self._seeds = np.where(full_mask(which, self.count), given, self._seeds)
            keys = _keys(given)
        return self.reset_with_keys(keys, which)

    def reset_with_keys(self, keys: jax.Array, which: np.ndarray | None = None) -> np.ndarray:
        """Does what `reset` does, with W random keys in place of seeds."""
        mask = full_mask(which, self.count)
        with jax.enable_x64(False):
            self._state = _begin(self.world, self._state, keys, mask)
            observations = np.asarray(_observe(self.world, self._state))
        self._ticks[mask] = 0
        require_finite_observations(self.name, observations)
        return observations

    def step(
        self, actions: np.ndarray, active: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Acts once in every active world.

        Args:
            actions: int32 [W], int32 [W, k] or float32 [W, k], for all worlds.
            active: bool [W], the worlds to step; None means all. The others keep their
                state, pay 0 and do not end.

        Returns:
            Observations (int32 [W] or float32 [W, D]), rewards (float64 [W]), terminated and
            truncated (bool [W]). A world that terminates on its last tick is both.

        Raises:
            BadObservation: An observation is not finite.
            BadReward: A reward is not finite.
            InvalidSetting: There are not W actions.
        """
        with jax.enable_x64(False):
            keys = _keys_at(_keys(self._seeds), self._ticks)
        return self.step_with_keys(actions, keys, active)

    def step_with_keys(
        self, actions: np.ndarray, keys: jax.Array, active: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Does what `step` does, with W random keys of the caller's."""
        require_length("actions", actions, self.count)
        mask = full_mask(active, self.count)
        with jax.enable_x64(False):
            results = _advance(self.world, self._state, jnp.asarray(actions), keys, mask)
            self._state = results[0]
            observations = np.asarray(_observe(self.world, self._state))
        rewards, terminated = np.asarray(results[1], np.float64), np.asarray(results[2])
        self._ticks += mask
        require_finite_observations(self.name, observations)
        require_finite_rewards(self.name, rewards)
        return observations, rewards, terminated, self._late() & mask

    def _late(self) -> np.ndarray:
        if self.time_limit is None:
            return np.zeros(self.count, bool)
        return self._ticks >= self.time_limit


@jax.jit
def _keys_at(keys: jax.Array, ticks: jax.Array) -> jax.Array:
    """Returns the keys of a tick: an episode's chance follows from its seed alone."""
    return jax.vmap(jax.random.fold_in)(keys, ticks + 1)


def _keys(seeds: np.ndarray) -> jax.Array:
    """Returns a random key for each seed of 64 bits, in two words: JAX keys take 32."""
    low = jnp.asarray((seeds & np.uint64(0xFFFFFFFF)).astype(np.uint32))
    high = jnp.asarray((seeds >> np.uint64(32)).astype(np.uint32))
    return jax.vmap(lambda a, b: jax.random.fold_in(jax.random.key(a), b))(low, high)


@partial(jax.jit, static_argnums=0)
def _initial(world: World, keys: jax.Array) -> State:
    return jax.vmap(world.initial)(keys)


@partial(jax.jit, static_argnums=0)
def _observe(world: World, state: State) -> jax.Array:
    return jax.vmap(world.observe)(state)


@partial(jax.jit, static_argnums=0)
def _begin(world: World, state: State, keys: jax.Array, which: jax.Array) -> State:
    return _chosen(which, jax.vmap(world.initial)(keys), state)


@partial(jax.jit, static_argnums=0)
def _advance(
    world: World, state: State, actions: jax.Array, keys: jax.Array, active: jax.Array
) -> tuple[State, jax.Array, jax.Array]:
    after, reward, terminated = jax.vmap(world.step)(state, actions, keys)
    return _chosen(active, after, state), jnp.where(active, reward, 0.0), terminated & active


def _chosen(which: jax.Array, new: State, old: State) -> State:
    """Takes the new leaves where the mask [W] is set, and the old ones elsewhere."""

    def choose(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.where(which.reshape((-1,) + (1,) * (a.ndim - 1)), a, b)

    return jax.tree.map(choose, new, old)
