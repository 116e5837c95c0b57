"""Gymnasium worlds, as many as wanted, stepped one after the other on the host."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from catallax._errors import BadObservation, CatallaxError, UnknownWorld, WorldFailed

from ._checks import (
    full_mask,
    require_count,
    require_finite_observations,
    require_finite_rewards,
    require_length,
)
from ._memory import RememberOnHost
from ._protocol import HostWorld
from ._spaces import (
    decode_actions,
    encode_observation,
    observation_size,
    require_action_space,
    require_observation_space,
)

Env = gymnasium.Env[Any, Any]


class GymnasiumWorlds:
    """A batch of W separate Gymnasium environments behind the protocol `HostWorld`.

    No environment resets by itself. Time limits are those of the environments: their
    TimeLimit wrapper reports truncation.

    Args:
        id_or_factory: A registered id, or a function that returns a new environment.
        count: W, how many environments.
        **make_kwargs: Passed to `gymnasium.make` or to the factory.

    Raises:
        UnknownWorld: No environment is registered under the id.
        WorldFailed: An environment could not be made.
        UnsupportedSpace: Its spaces have no form that agents can use.
        InvalidSetting: The count is not a positive integer.

    Example:
        >>> worlds = GymnasiumWorlds("CartPole-v1", 2)
        >>> worlds.reset([1, 2]).shape
        (2, 4)
        >>> observations, rewards, terminated, truncated = worlds.step(np.array([0, 1]))
        >>> rewards.tolist(), terminated.tolist(), worlds.time_limit
        ([1.0, 1.0], [False, False], 500)

    Source:
        Towers et al. (2024), Gymnasium: a standard interface for reinforcement learning
        environments, arXiv:2407.17032.
    """

    def __init__(
        self, id_or_factory: str | Callable[..., Env], count: int, **make_kwargs: Any
    ) -> None:
        """Makes the environments; none has begun an episode yet."""
        require_count("GymnasiumWorlds", "count", count, 1)
        self.count = count
        self.name = _name(id_or_factory)
        self._envs = [_make(self.name, id_or_factory, world, make_kwargs) for world in range(count)]
        require_observation_space(self.observation_space)
        require_action_space(self.action_space)
        self._observations = _blank(self.observation_space, count)
        self._over = np.ones(count, bool)

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The space of one world's observations."""
        return self._envs[0].observation_space

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """The space of one world's actions."""
        return self._envs[0].action_space

    @property
    def time_limit(self) -> int | None:
        """Ticks after which the environments report truncation; None if their spec has none."""
        spec = self._envs[0].spec
        return None if spec is None else spec.max_episode_steps

    def reset(self, seeds: Sequence[int], which: np.ndarray | None = None) -> np.ndarray:
        """Begins an episode in some worlds; the others keep their last observation.

        Args:
            seeds: W seeds, one for each world; those of the other worlds are not used.
            which: bool [W], the worlds to reset; None means all.

        Returns:
            Observations of all worlds: int32 [W] or float32 [W, D].

        Raises:
            WorldFailed: A world's own code raised.
            BadObservation: An observation is not finite, or not in the space.
            InvalidSetting: There are not W seeds.
        """
        require_length("seeds", seeds, self.count)
        for world in np.flatnonzero(full_mask(which, self.count)).tolist():
            try:
                observation, _ = self._envs[world].reset(seed=int(seeds[world]))
            except Exception as error:
                raise _failure(self.name, world, "reset", error) from error
            self._keep(world, observation)
            self._over[world] = False
        return self._seen()

    def step(
        self, actions: np.ndarray, active: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Acts once in every active world.

        Args:
            actions: int [W], int [W, k] or float [W, k], for all worlds.
            active: bool [W], the worlds to step; None means all. The others keep their
                observation, pay 0 and do not end.

        Returns:
            Observations (int32 [W] or float32 [W, D]), rewards (float64 [W]), terminated and
            truncated (bool [W]).

        Raises:
            WorldFailed: A world's own code raised, or its episode is over.
            BadObservation: An observation is not finite, or not in the space.
            BadReward: A reward is not finite.
            InvalidSetting: An action is impossible, or there are not W of them.
        """
        require_length("actions", actions, self.count)
        decoded = decode_actions(self.action_space, actions)
        # The ellipsis keeps an array an array: Box environments warn at NumPy scalars.
        box = isinstance(self.action_space, gymnasium.spaces.Box)
        given = [decoded[world, ...] if box else decoded[world] for world in range(self.count)]
        rewards = np.zeros(self.count)
        ended = np.zeros((2, self.count), bool)
        for world in np.flatnonzero(full_mask(active, self.count)).tolist():
            rewards[world], ended[:, world] = self._advance(world, given[world])
        self._over |= ended.any(0)
        require_finite_rewards(self.name, rewards)
        return self._seen(), rewards, ended[0], ended[1]

    def close(self) -> None:
        """Closes every environment."""
        for env in self._envs:
            env.close()

    def _advance(self, world: int, action: Any) -> tuple[float, tuple[bool, bool]]:
        """Steps one world and keeps its observation."""
        if self._over[world]:
            raise _not_begun(self.name, world)
        try:
            observation, reward, terminated, truncated, _ = self._envs[world].step(action)
            result = float(reward), (bool(terminated), bool(truncated))
        except Exception as error:
            raise _failure(self.name, world, "step", error) from error
        self._keep(world, observation)
        return result

    def _keep(self, world: int, observation: Any) -> None:
        try:
            self._observations[world] = encode_observation(self.observation_space, observation)
        except CatallaxError as error:
            what = f"World {world} of {self.name}: {error.what}"
            raise BadObservation(what, error.why, error.remedy) from error
        except Exception as error:
            raise _failure(self.name, world, "observe", error) from error

    def _seen(self) -> np.ndarray:
        require_finite_observations(self.name, self._observations)
        return self._observations.copy()


@dataclass(frozen=True)
class HostSpec:
    """A recipe for a batch of Gymnasium worlds, made of plain values only.

    Args:
        id: A registered Gymnasium id.
        kwargs: Pairs of name and value that are passed to `gymnasium.make`.
        symbols: Size of the register that `RememberOnHost` adds; 1 adds none.

    Raises:
        InvalidSetting: The number of symbols is less than 1.

    Example:
        >>> HostSpec("Taxi-v4").make(3).count
        3
    """

    id: str
    kwargs: tuple[tuple[str, Any], ...] = ()
    symbols: int = 1

    def __post_init__(self) -> None:
        """Checks the settings, and makes lists into tuples so that the recipe can be hashed."""
        require_count("HostSpec", "symbols", self.symbols, 1)
        pairs = tuple((name, _frozen(value)) for name, value in self.kwargs)
        object.__setattr__(self, "kwargs", pairs)

    def make(self, count: int) -> HostWorld:
        """Makes a batch.

        Args:
            count: How many worlds.

        Returns:
            `GymnasiumWorlds`, inside `RememberOnHost` if there is a register.

        Raises:
            UnknownWorld: No environment is registered under the id.
            WorldFailed: An environment could not be made.
            UnsupportedSpace: Its spaces have no form that agents can use.
        """
        worlds = GymnasiumWorlds(self.id, count, **dict(self.kwargs))
        return worlds if self.symbols == 1 else RememberOnHost(worlds, self.symbols)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value


def _name(id_or_factory: str | Callable[..., Env]) -> str:
    if isinstance(id_or_factory, str):
        return id_or_factory
    return getattr(id_or_factory, "__name__", repr(id_or_factory))


def _make(
    name: str, id_or_factory: str | Callable[..., Env], world: int, kwargs: dict[str, Any]
) -> Env:
    try:
        if not isinstance(id_or_factory, str):
            return id_or_factory(**kwargs)
        # Gymnasium's checker only warns; the checks here raise, and cost less.
        return gymnasium.make(id_or_factory, **{"disable_env_checker": True, **kwargs})
    except gymnasium.error.UnregisteredEnv as error:
        raise UnknownWorld(
            f"There is no world called {name!r}.",
            f"Gymnasium says: {error}",
            "Import the package that registers it, or correct the name.",
        ) from error
    except Exception as error:
        raise _failure(name, world, "make", error) from error


def _blank(space: gymnasium.Space[Any], count: int) -> np.ndarray:
    if isinstance(space, gymnasium.spaces.Discrete):
        return np.zeros(count, np.int32)
    return np.zeros((count, observation_size(space)), np.float32)


def _failure(name: str, world: int, doing: str, error: Exception) -> WorldFailed:
    return WorldFailed(
        f"World {world} of {name} failed to {doing}.",
        f"Its own code raised {type(error).__name__}: {error}",
        "Correct the world, or the arguments that it was made with.",
    )


def _not_begun(name: str, world: int) -> WorldFailed:
    return WorldFailed(
        f"World {world} of {name} was asked to step.",
        "Its episode is over, or has not begun.",
        "Reset it first, or leave it out of the mask `active`.",
    )
