"""Acrobot: two hanging links, a motor between them; swing the tip above a line."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from ._checks import require_time_limit

GRAVITY = 9.8  # m/s^2
LENGTH = 1.0  # m, of each link
CENTRE = 0.5  # m, from a link's pivot to its centre of mass
MASS = 1.0  # kg, of each link
INERTIA = 1.0  # kg m^2, of each link
TICK = 0.2  # s
SPEED_1 = 4 * math.pi  # rad/s
SPEED_2 = 9 * math.pi  # rad/s

# A tuple of scalars, not an array: XLA then fuses the whole Runge-Kutta step into few loops.
Joints = tuple[jax.Array, jax.Array, jax.Array, jax.Array]


@dataclass(frozen=True)
class Acrobot:
    """Gymnasium's Acrobot-v1 in JAX, with the dynamics of the book.

    Observation: float32 [6]: cosine and sine of both angles, and both angular velocities
    (rad/s). Action: int32, 0, 1, 2 for a torque of -1, 0, +1 N m. Reward: -1 on every tick,
    0 on the one that brings the tip above the line.

    Args:
        time_limit: Ticks until the driver truncates.

    Raises:
        InvalidSetting: The time limit is not a positive integer or None.

    Example:
        >>> world = Acrobot()
        >>> state = world.initial(jax.random.key(0))
        >>> state, reward, terminated = world.step(state, jnp.int32(2), jax.random.key(1))
        >>> world.observe(state).shape, float(reward), bool(terminated)
        ((6,), -1.0, False)

    Source:
        Sutton (1996), Generalization in reinforcement learning: successful examples using
        sparse coarse coding; gymnasium.envs.classic_control.acrobot.
    """

    time_limit: int | None = 500

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_time_limit("Acrobot", self.time_limit)

    @property
    def observation_space(self) -> spaces.Box:
        """A Box [6]."""
        high = np.array([1.0, 1.0, 1.0, 1.0, SPEED_1, SPEED_2], np.float32)
        return spaces.Box(-high, high, dtype=np.float32)

    @property
    def action_space(self) -> spaces.Discrete:
        """Three actions: torque -1, 0 and +1."""
        return spaces.Discrete(3)

    def initial(self, key: jax.Array) -> jax.Array:
        """Returns both angles and both velocities [4], uniform in [-0.1, 0.1]."""
        return jax.random.uniform(key, (4,), jnp.float32, -0.1, 0.1)

    def observe(self, state: jax.Array) -> jax.Array:
        """Returns cosines and sines of the angles, and the velocities."""
        cosine, sine = jnp.cos(state[:2]), jnp.sin(state[:2])
        return jnp.stack([cosine[0], sine[0], cosine[1], sine[1], state[2], state[3]])

    def step(
        self, state: jax.Array, action: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns the state one Runge-Kutta step later, the reward, and whether it is done."""
        torque = action.astype(jnp.float32) - 1.0
        first, second, spin_1, spin_2 = _integrate(_unpack(state), torque)
        first, second = _wrap(first), _wrap(second)
        spin_1 = jnp.clip(spin_1, -SPEED_1, SPEED_1)
        spin_2 = jnp.clip(spin_2, -SPEED_2, SPEED_2)
        after = jnp.stack([first, second, spin_1, spin_2]).astype(jnp.float32)
        above = -jnp.cos(first) - jnp.cos(second + first) > 1.0
        return after, jnp.where(above, jnp.float32(0.0), jnp.float32(-1.0)), above


def _unpack(state: jax.Array) -> Joints:
    return state[0], state[1], state[2], state[3]


def _wrap(angle: jax.Array) -> jax.Array:
    """Brings an angle to [-pi, pi]."""
    return angle - 2 * math.pi * jnp.round(angle / (2 * math.pi))


def _integrate(joints: Joints, torque: jax.Array) -> Joints:
    """Advances one tick with the classical fourth-order Runge-Kutta rule."""
    k1 = _derivative(joints, torque)
    k2 = _derivative(_moved(joints, k1, TICK / 2), torque)
    k3 = _derivative(_moved(joints, k2, TICK / 2), torque)
    k4 = _derivative(_moved(joints, k3, TICK), torque)
    total = jax.tree.map(lambda a, b, c, d: a + 2 * b + 2 * c + d, k1, k2, k3, k4)
    return _moved(joints, total, TICK / 6)


def _moved(joints: Joints, change: Joints, time: float) -> Joints:
    return jax.tree.map(lambda a, b: a + time * b, joints, change)


def _derivative(joints: Joints, torque: jax.Array) -> Joints:
    """Returns the velocities and accelerations of both joints."""
    first, second, spin_1, spin_2 = joints
    sine, cosine = jnp.sin(second), jnp.cos(second)
    lever = MASS * LENGTH * CENTRE
    d1 = MASS * (2 * CENTRE**2 + LENGTH**2) + 2 * lever * cosine + 2 * INERTIA
    d2 = MASS * CENTRE**2 + lever * cosine + INERTIA
    # cos(x - pi/2) is sin(x): one operation less, and no rounding of pi/2.
    weight_2 = MASS * CENTRE * GRAVITY * jnp.sin(first + second)
    weight_1 = MASS * (CENTRE + LENGTH) * GRAVITY * jnp.sin(first) + weight_2
    phi = weight_1 - lever * sine * spin_2 * (spin_2 + 2 * spin_1)
    drive = torque + d2 / d1 * phi - lever * spin_1 * spin_1 * sine - weight_2
    twist_2 = drive / (MASS * CENTRE**2 + INERTIA - d2 * d2 / d1)
    return spin_1, spin_2, -(d2 * twist_2 + phi) / d1, twist_2
