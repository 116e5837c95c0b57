"""A memory register: a symbol that an agent writes now and sees on the next tick."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from catallax._errors import UnsupportedSpace

from ._checks import full_mask, require_count
from ._protocol import HostWorld, State, World
from ._spaces import decode_actions, require_observation_space


@dataclass(frozen=True)
class Remember:
    """Gives a functional world a register of one symbol, kept between ticks.

    The action gains one last entry, the symbol to write: Discrete(n) becomes
    MultiDiscrete([n, symbols]). The observation gains the register: Discrete(n) becomes
    Discrete(n * symbols), namely observation * symbols + register; a vector gains a one-hot
    of `symbols` entries at its end. The register is 0 when an episode begins. The state is
    the pair of the inner state and the register (int32).

    Args:
        world: The world inside, which sees only its own part of the action.
        symbols: How many symbols the register can hold.

    Raises:
        UnsupportedSpace: The inner actions are neither Discrete nor MultiDiscrete.
        InvalidSetting: There are fewer than 2 symbols.

    Example:
        >>> from catallax.worlds import Chain
        >>> world = Remember(Chain(), symbols=2)
        >>> state = world.initial(jax.random.key(0))
        >>> state, _, _ = world.step(state, jnp.array([1, 1]), jax.random.key(1))
        >>> int(world.observe(state)), world.observation_space
        (3, Discrete(12))

    Source:
        Baum (1999), Toward a model of intelligence as an economy of agents, section 2: an
        observation of the world together with a message.
    """

    world: World
    symbols: int

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_count("Remember", "symbols", self.symbols, 2)
        _extended_actions(self.action_inside, self.symbols)

    @property
    def action_inside(self) -> gymnasium.Space[Any]:
        """The action space of the world inside."""
        return self.world.action_space

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The inner observations together with the register."""
        return _extended_observations(self.world.observation_space, self.symbols)

    @property
    def action_space(self) -> spaces.MultiDiscrete:
        """The inner actions together with the symbol to write."""
        return _extended_actions(self.action_inside, self.symbols)

    @property
    def time_limit(self) -> int | None:
        """The time limit of the world inside."""
        return self.world.time_limit

    def initial(self, key: jax.Array) -> State:
        """Returns an initial state of the world inside, with the register at 0."""
        return self.world.initial(key), jnp.zeros((), jnp.int32)

    def observe(self, state: State) -> jax.Array:
        """Returns the inner observation together with the register."""
        inner, register = state
        seen = self.world.observe(inner)
        if isinstance(self.world.observation_space, spaces.Discrete):
            return seen * jnp.int32(self.symbols) + register
        one_hot = register == jnp.arange(self.symbols, dtype=jnp.int32)
        return jnp.concatenate([seen, one_hot.astype(jnp.float32)])

    def step(
        self, state: State, action: jax.Array, key: jax.Array
    ) -> tuple[State, jax.Array, jax.Array]:
        """Steps the world inside and writes the last entry of the action in the register."""
        single = isinstance(self.action_inside, spaces.Discrete)
        own = action[0] if single else action[:-1]
        inner, reward, terminated = self.world.step(state[0], own, key)
        return (inner, action[-1].astype(jnp.int32)), reward, terminated


class RememberOnHost:
    """Gives a batch of host worlds a register each; see `Remember`.

    Args:
        worlds: The batch inside.
        symbols: How many symbols a register can hold.

    Raises:
        UnsupportedSpace: The inner actions are neither Discrete nor MultiDiscrete.
        InvalidSetting: There are fewer than 2 symbols.

    Example:
        >>> from catallax.worlds import GymnasiumWorlds
        >>> worlds = RememberOnHost(GymnasiumWorlds("CartPole-v1", 1), symbols=2)
        >>> worlds.reset([0])[0, 4:].tolist()
        [1.0, 0.0]
        >>> worlds.step(np.array([[0, 1]]))[0][0, 4:].tolist()
        [0.0, 1.0]
    """

    def __init__(self, worlds: HostWorld, symbols: int) -> None:
        """Checks the settings; every register is 0."""
        require_count("RememberOnHost", "symbols", symbols, 2)
        _extended_actions(worlds.action_space, symbols)
        require_observation_space(worlds.observation_space)
        self.worlds = worlds
        self.symbols = symbols
        self.count = worlds.count
        self._registers = np.zeros(worlds.count, np.int32)

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The inner observations together with the register."""
        return _extended_observations(self.worlds.observation_space, self.symbols)

    @property
    def action_space(self) -> spaces.MultiDiscrete:
        """The inner actions together with the symbol to write."""
        return _extended_actions(self.worlds.action_space, self.symbols)

    @property
    def time_limit(self) -> int | None:
        """The time limit of the worlds inside."""
        return self.worlds.time_limit

    def reset(self, seeds: Sequence[int], which: np.ndarray | None = None) -> np.ndarray:
        """Begins an episode in some worlds, with their registers at 0."""
        seen = self.worlds.reset(seeds, which)
        self._registers[full_mask(which, self.count)] = 0
        return self._with_registers(seen)

    def step(
        self, actions: np.ndarray, active: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Steps the worlds inside and writes each action's last entry in its register."""
        actions = decode_actions(self.action_space, actions)
        single = isinstance(self.worlds.action_space, spaces.Discrete)
        own = actions[:, 0] if single else actions[:, :-1]
        seen, rewards, terminated, truncated = self.worlds.step(own, active)
        written = full_mask(active, self.count)
        self._registers[written] = actions[written, -1]
        return self._with_registers(seen), rewards, terminated, truncated

    def _with_registers(self, seen: np.ndarray) -> np.ndarray:
        if isinstance(self.worlds.observation_space, spaces.Discrete):
            return (seen * self.symbols + self._registers).astype(np.int32)
        one_hot = np.eye(self.symbols, dtype=np.float32)[self._registers]
        return np.concatenate([seen, one_hot], axis=1)


def _extended_actions(inner: gymnasium.Space[Any], symbols: int) -> spaces.MultiDiscrete:
    if isinstance(inner, spaces.Discrete):
        return spaces.MultiDiscrete([int(inner.n), symbols])
    if isinstance(inner, spaces.MultiDiscrete):
        return spaces.MultiDiscrete([*inner.nvec.ravel().tolist(), symbols])
    raise UnsupportedSpace(
        f"A register was asked for beside the action space {inner}.",
        "The symbol to write is a whole number; an action is either all numbers or all symbols.",
        "Make the world's actions Discrete first, or leave the register out.",
    )


def _extended_observations(inner: gymnasium.Space[Any], symbols: int) -> gymnasium.Space[Any]:
    require_observation_space(inner)
    if isinstance(inner, spaces.Discrete):
        return spaces.Discrete(int(inner.n) * symbols)
    flat = spaces.flatten_space(inner)
    assert isinstance(flat, spaces.Box)
    low = np.concatenate([flat.low, np.zeros(symbols)]).astype(np.float32)
    high = np.concatenate([flat.high, np.ones(symbols)]).astype(np.float32)
    return spaces.Box(low, high, dtype=np.float32)
