"""Pendulum: a hanging rod with a weak motor; swing it up and hold it there."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from ._checks import require_finite_setting, require_time_limit

MASS = 1.0  # kg
LENGTH = 1.0  # m
TICK = 0.05  # s
MAX_SPEED = 8.0  # rad/s
MAX_TORQUE = 2.0  # N m


@dataclass(frozen=True)
class Pendulum:
    """Gymnasium's Pendulum-v1 in JAX; it never terminates.

    Observation: float32 [3]: cosine and sine of the angle, angular velocity (rad/s).
    Action: float32 [1], torque in [-2, 2] N m. Reward: minus the squared angle from
    upright, minus a tenth of the squared velocity, minus a thousandth of the squared torque.

    Args:
        g: Gravity, m/s^2.
        time_limit: Ticks until the driver truncates.

    Raises:
        InvalidSetting: g is not finite, or the time limit not a positive integer or None.

    Example:
        >>> world = Pendulum()
        >>> state = jnp.array([math.pi, 0.0], jnp.float32)
        >>> _, reward, terminated = world.step(state, jnp.zeros(1), jax.random.key(0))
        >>> round(float(reward), 3), bool(terminated)
        (-9.87, False)

    Source:
        gymnasium.envs.classic_control.pendulum.
    """

    g: float = 10.0
    time_limit: int | None = 200

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_finite_setting("Pendulum", "g", self.g)
        require_time_limit("Pendulum", self.time_limit)

    @property
    def observation_space(self) -> spaces.Box:
        """A Box [3]."""
        high = np.array([1.0, 1.0, MAX_SPEED], np.float32)
        return spaces.Box(-high, high, dtype=np.float32)

    @property
    def action_space(self) -> spaces.Box:
        """A torque."""
        return spaces.Box(-MAX_TORQUE, MAX_TORQUE, (1,), np.float32)

    def initial(self, key: jax.Array) -> jax.Array:
        """Returns angle and velocity [2], uniform in [-pi, pi] and [-1, 1]."""
        high = jnp.array([math.pi, 1.0], jnp.float32)
        return jax.random.uniform(key, (2,), jnp.float32, -high, high)

    def observe(self, state: jax.Array) -> jax.Array:
        """Returns the cosine and sine of the angle, and the velocity."""
        return jnp.stack([jnp.cos(state[0]), jnp.sin(state[0]), state[1]])

    def step(
        self, state: jax.Array, action: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns the state one tick later, the reward, and False."""
        angle, spin = state[0], state[1]
        torque = jnp.clip(action[0], -MAX_TORQUE, MAX_TORQUE)
        cost = _upright(angle) ** 2 + 0.1 * spin**2 + 0.001 * torque**2
        fall = 3 * self.g / (2 * LENGTH) * jnp.sin(angle)
        twist = fall + 3.0 / (MASS * LENGTH**2) * torque
        faster = jnp.clip(spin + twist * TICK, -MAX_SPEED, MAX_SPEED)
        after = jnp.stack([angle + faster * TICK, faster]).astype(jnp.float32)
        return after, -cost.astype(jnp.float32), jnp.zeros((), bool)


def _upright(angle: jax.Array) -> jax.Array:
    """Returns the same angle in [-pi, pi)."""
    return (angle + math.pi) % (2 * math.pi) - math.pi
