"""Small worlds whose right answers are known: for tests, and for worked examples."""

from dataclasses import dataclass
from functools import lru_cache

from catallax._errors import InvalidSetting

from ._checks import require_count, require_finite_setting, require_time_limit
from ._outcomes import Outcome, OutcomeTable, TableWorld, build_table


@dataclass(frozen=True)
class Chain(TableWorld):
    """A row of states; only the far end pays, and ends the episode.

    Observation: int32, the place, 0 at the start. Action: int32, 0 left, 1 right (at place 0
    left stays). Reward: paid on reaching the last place.

    Args:
        length: Number of places.
        reward: Paid on reaching the last place.
        time_limit: Ticks until the driver truncates; None for no limit.

    Raises:
        InvalidSetting: The length is less than 2, the reward not finite, or the time limit
            not a positive integer or None.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> state, reward, terminated = Chain().step(
        ...     jnp.int32(4), jnp.int32(1), jax.random.key(0)
        ... )
        >>> int(state), round(float(reward), 3), bool(terminated)
        (5, 0.8, True)

    Source:
        The walk without a middle start of Sutton and Barto (2018), Reinforcement learning,
        example 6.2, with actions.
    """

    length: int = 6
    reward: float = 0.8
    time_limit: int | None = 20

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_count("Chain", "length", self.length, 2)
        require_finite_setting("Chain", "reward", self.reward)
        require_time_limit("Chain", self.time_limit)

    def table(self) -> OutcomeTable:
        """Returns the outcomes: all are certain."""
        return _chain_table(self.length, self.reward)


@dataclass(frozen=True)
class Bandit(TableWorld):
    """One state, one tick; each action pays its own reward.

    Observation: int32, always 0. Action: int32, the arm. Every tick ends the episode.

    Args:
        rewards: What each arm pays.
        time_limit: Ticks until the driver truncates; it never matters.

    Raises:
        InvalidSetting: There is no arm, a reward is not finite, or the time limit is not a
            positive integer or None.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> _, reward, terminated = Bandit((0.0, 4.0)).step(
        ...     jnp.int32(0), jnp.int32(1), jax.random.key(0)
        ... )
        >>> float(reward), bool(terminated)
        (4.0, True)

    Source:
        Robbins (1952), Some aspects of the sequential design of experiments.
    """

    rewards: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8)
    time_limit: int | None = None

    def __post_init__(self) -> None:
        """Checks the settings."""
        if not self.rewards:
            raise InvalidSetting(
                "Bandit was given no rewards.",
                "A world needs at least one action.",
                "Give one reward for each arm.",
            )
        for reward in self.rewards:
            require_finite_setting("Bandit", "rewards", reward)
        object.__setattr__(self, "rewards", tuple(float(reward) for reward in self.rewards))
        require_time_limit("Bandit", self.time_limit)

    def table(self) -> OutcomeTable:
        """Returns the outcomes: all are certain."""
        return _bandit_table(self.rewards)


@dataclass(frozen=True)
class Corridor(TableWorld):
    """One way, no choice, and every step costs: being here is a burden.

    Observation: int32, steps taken so far. Action: int32, always 0. The last step ends the
    episode. With a negative reward the right to act has a negative price: -reward times the
    steps that are left is what one must be paid to take it.

    Args:
        steps: Ticks of an episode.
        reward: Paid on every tick.
        time_limit: Ticks until the driver truncates; None for no limit.

    Raises:
        InvalidSetting: There is no step, the reward is not finite, or the time limit is not a
            positive integer or None.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> world, state, key = Corridor(), jnp.int32(2), jax.random.key(0)
        >>> state, reward, terminated = world.step(state, jnp.int32(0), key)
        >>> int(state), float(reward), bool(terminated)
        (3, -1.0, True)

    Source:
        Made for this library.
    """

    steps: int = 3
    reward: float = -1.0
    time_limit: int | None = None

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_count("Corridor", "steps", self.steps, 1)
        require_finite_setting("Corridor", "reward", self.reward)
        require_time_limit("Corridor", self.time_limit)

    def table(self) -> OutcomeTable:
        """Returns the outcomes: all are certain."""
        return _corridor_table(self.steps, self.reward)


@lru_cache(maxsize=64)
def _chain_table(length: int, reward: float) -> OutcomeTable:
    last = length - 1

    def go(place: int) -> list[Outcome]:
        there = min(max(place, 0), last)
        return [Outcome(1.0, there, reward if there == last else 0.0, there == last)]

    return build_table([[go(s - 1), go(s + 1)] for s in range(length)], _from_first(length))


@lru_cache(maxsize=64)
def _bandit_table(rewards: tuple[float, ...]) -> OutcomeTable:
    return build_table([[[Outcome(1.0, 0, reward, True)] for reward in rewards]], [1.0])


@lru_cache(maxsize=64)
def _corridor_table(steps: int, reward: float) -> OutcomeTable:
    def onward(taken: int) -> list[Outcome]:
        after = min(taken + 1, steps)
        return [Outcome(1.0, after, reward, after == steps)]

    return build_table([[onward(s)] for s in range(steps + 1)], _from_first(steps + 1))


def _from_first(states: int) -> list[float]:
    return [1.0] + [0.0] * (states - 1)
