"""MountainCar: a weak car in a valley must rock itself up to the right-hand hill."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from ._checks import require_finite_setting, require_time_limit

LEFT_END = -1.2
RIGHT_END = 0.6
MAX_SPEED = 0.07  # per tick
GRAVITY = 0.0025
PUSH = 0.001  # of an action of MountainCar
POWER = 0.0015  # of the full force of MountainCarContinuous


@dataclass(frozen=True)
class MountainCar:
    """Gymnasium's MountainCar-v0 in JAX.

    Observation: float32 [2]: position in [-1.2, 0.6] and velocity in [-0.07, 0.07] per tick.
    Action: int32, 0 pushes left, 1 does nothing, 2 pushes right. Reward: -1 on every tick.
    The episode ends at position 0.5 or beyond.

    Args:
        goal_velocity: The least velocity with which the goal counts as reached.
        time_limit: Ticks until the driver truncates.

    Raises:
        InvalidSetting: The goal velocity is not finite, or the time limit not a positive
            integer or None.

    Example:
        >>> world = MountainCar()
        >>> state = jnp.array([0.49, 0.05], jnp.float32)
        >>> _, reward, terminated = world.step(state, jnp.int32(2), jax.random.key(0))
        >>> float(reward), bool(terminated)
        (-1.0, True)

    Source:
        Moore (1990), Efficient memory-based learning for robot control;
        gymnasium.envs.classic_control.mountain_car.
    """

    goal_velocity: float = 0.0
    time_limit: int | None = 200

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_finite_setting("MountainCar", "goal_velocity", self.goal_velocity)
        require_time_limit("MountainCar", self.time_limit)

    @property
    def observation_space(self) -> spaces.Box:
        """Position and velocity."""
        return _position_and_velocity()

    @property
    def action_space(self) -> spaces.Discrete:
        """Three actions: left, nothing, right."""
        return spaces.Discrete(3)

    def initial(self, key: jax.Array) -> jax.Array:
        """Returns a position uniform in [-0.6, -0.4], at rest: [2]."""
        return _at_rest(key)

    def observe(self, state: jax.Array) -> jax.Array:
        """Returns the state itself."""
        return state

    def step(
        self, state: jax.Array, action: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns the state one tick later, -1, and whether the goal was reached."""
        after = _rolled(state, (action.astype(jnp.float32) - 1.0) * PUSH)
        reached = (after[0] >= 0.5) & (after[1] >= self.goal_velocity)
        return after, jnp.full((), -1.0, jnp.float32), reached


@dataclass(frozen=True)
class MountainCarContinuous:
    """Gymnasium's MountainCarContinuous-v0 in JAX.

    Observation: float32 [2]: position in [-1.2, 0.6] and velocity in [-0.07, 0.07] per tick.
    Action: float32 [1], force in [-1, 1]. Reward: minus a tenth of the squared action, and
    100 on reaching position 0.45, which ends the episode.

    Args:
        goal_velocity: The least velocity with which the goal counts as reached.
        time_limit: Ticks until the driver truncates.

    Raises:
        InvalidSetting: The goal velocity is not finite, or the time limit not a positive
            integer or None.

    Example:
        >>> world = MountainCarContinuous()
        >>> state = jnp.array([0.44, 0.05], jnp.float32)
        >>> _, reward, terminated = world.step(state, jnp.zeros(1), jax.random.key(0))
        >>> float(reward), bool(terminated)
        (100.0, True)

    Source:
        gymnasium.envs.classic_control.continuous_mountain_car.
    """

    goal_velocity: float = 0.0
    time_limit: int | None = 999

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_finite_setting("MountainCarContinuous", "goal_velocity", self.goal_velocity)
        require_time_limit("MountainCarContinuous", self.time_limit)

    @property
    def observation_space(self) -> spaces.Box:
        """Position and velocity."""
        return _position_and_velocity()

    @property
    def action_space(self) -> spaces.Box:
        """A force."""
        return spaces.Box(-1.0, 1.0, (1,), np.float32)

    def initial(self, key: jax.Array) -> jax.Array:
        """Returns a position uniform in [-0.6, -0.4], at rest: [2]."""
        return _at_rest(key)

    def observe(self, state: jax.Array) -> jax.Array:
        """Returns the state itself."""
        return state

    def step(
        self, state: jax.Array, action: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns the state one tick later, the reward, and whether the goal was reached."""
        after = _rolled(state, jnp.clip(action[0], -1.0, 1.0) * POWER)
        reached = (after[0] >= 0.45) & (after[1] >= self.goal_velocity)
        # Gymnasium charges for the action as given, not as clipped.
        reward = jnp.where(reached, 100.0, 0.0) - 0.1 * action[0] ** 2
        return after, reward.astype(jnp.float32), reached


def _position_and_velocity() -> spaces.Box:
    low = np.array([LEFT_END, -MAX_SPEED], np.float32)
    high = np.array([RIGHT_END, MAX_SPEED], np.float32)
    return spaces.Box(low, high, dtype=np.float32)


def _at_rest(key: jax.Array) -> jax.Array:
    position = jax.random.uniform(key, (), jnp.float32, -0.6, -0.4)
    return jnp.stack([position, jnp.zeros((), jnp.float32)])


def _rolled(state: jax.Array, push: jax.Array) -> jax.Array:
    """Moves the car by one tick; the wall on the left stops it."""
    speed = state[1] + push - GRAVITY * jnp.cos(3 * state[0])
    speed = jnp.clip(speed, -MAX_SPEED, MAX_SPEED)
    position = jnp.clip(state[0] + speed, LEFT_END, RIGHT_END)
    stopped = (position <= jnp.float32(LEFT_END)) & (speed < 0)
    speed = jnp.where(stopped, jnp.float32(0.0), speed)
    return jnp.stack([position, speed]).astype(jnp.float32)
