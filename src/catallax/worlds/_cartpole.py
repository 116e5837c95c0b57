"""CartPole: a pole stands on a cart that is pushed left or right."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from ._checks import require_time_limit

GRAVITY = 9.8  # m/s^2
TOTAL_MASS = 1.1  # kg: a cart of 1.0 and a pole of 0.1
POLE_MASS = 0.1  # kg
HALF_LENGTH = 0.5  # m, from the pivot to the middle of the pole
FORCE = 10.0  # N
TICK = 0.02  # s
X_LIMIT = 2.4  # m
ANGLE_LIMIT = math.radians(12.0)


@dataclass(frozen=True)
class CartPole:
    """Gymnasium's CartPole-v1 in JAX.

    Observation: float32 [4]: position (m), velocity (m/s), angle (rad), angular velocity
    (rad/s). Action: int32, 0 pushes left and 1 pushes right. Reward: 1 on every tick, also
    on the one that ends the episode.

    Args:
        sutton_barto_reward: Pay 0 on every tick and -1 on the one that ends the episode.
        time_limit: Ticks until the driver truncates.

    Raises:
        InvalidSetting: The time limit is not a positive integer or None.

    Example:
        >>> world = CartPole()
        >>> state = world.initial(jax.random.key(0))
        >>> state, reward, terminated = world.step(state, jnp.int32(1), jax.random.key(1))
        >>> world.observe(state).shape, float(reward), bool(terminated)
        ((4,), 1.0, False)

    Source:
        Barto, Sutton and Anderson (1983), Neuronlike adaptive elements that can solve
        difficult learning control problems; gymnasium.envs.classic_control.cartpole.
    """

    sutton_barto_reward: bool = False
    time_limit: int | None = 500

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_time_limit("CartPole", self.time_limit)

    @property
    def observation_space(self) -> spaces.Box:
        """A Box [4]; twice the limits, so that a fallen pole is still inside."""
        high = np.array([2 * X_LIMIT, np.inf, 2 * ANGLE_LIMIT, np.inf], np.float32)
        return spaces.Box(-high, high, dtype=np.float32)

    @property
    def action_space(self) -> spaces.Discrete:
        """Two actions: left and right."""
        return spaces.Discrete(2)

    def initial(self, key: jax.Array) -> jax.Array:
        """Returns a state [4] with every entry uniform in [-0.05, 0.05]."""
        return jax.random.uniform(key, (4,), jnp.float32, -0.05, 0.05)

    def observe(self, state: jax.Array) -> jax.Array:
        """Returns the state itself."""
        return state

    def step(
        self, state: jax.Array, action: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns the state one Euler step later, the reward, and whether the pole fell."""
        velocity, angle, spin = state[1], state[2], state[3]
        push, twist = _accelerations(angle, spin, jnp.where(action == 1, FORCE, -FORCE))
        changes = jnp.stack([velocity, push, spin, twist])
        after = (state + TICK * changes).astype(jnp.float32)
        fallen = (jnp.abs(after[0]) > X_LIMIT) | (jnp.abs(after[2]) > ANGLE_LIMIT)
        return after, self._reward(fallen), fallen

    def _reward(self, fallen: jax.Array) -> jax.Array:
        if self.sutton_barto_reward:
            return jnp.where(fallen, jnp.float32(-1.0), jnp.float32(0.0))
        return jnp.ones_like(fallen, jnp.float32)


def _accelerations(
    angle: jax.Array, spin: jax.Array, force: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Returns the acceleration of the cart (m/s^2) and of the angle (rad/s^2)."""
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    moment = POLE_MASS * HALF_LENGTH
    pull = (force + moment * spin * spin * sine) / TOTAL_MASS
    inertia = HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * cosine * cosine / TOTAL_MASS)
    twist = (GRAVITY * sine - cosine * pull) / inertia
    return pull - moment * twist * cosine / TOTAL_MASS, twist
