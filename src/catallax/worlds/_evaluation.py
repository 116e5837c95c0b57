"""Where a market trained in a functional world is evaluated: Gymnasium's own version of it."""

from dataclasses import fields
from typing import Any

from ._acrobot import Acrobot
from ._cartpole import CartPole
from ._grids import CliffWalking, FrozenLake
from ._gymnasium import GymnasiumWorlds, HostSpec
from ._make import make_world
from ._memory import Remember, RememberOnHost
from ._mountain_car import MountainCar, MountainCarContinuous
from ._on_host import FunctionalOnHost
from ._pendulum import Pendulum
from ._protocol import HostWorld, World

GYMNASIUM_IDS: dict[type, str] = {
    CartPole: "CartPole-v1",
    Acrobot: "Acrobot-v1",
    MountainCar: "MountainCar-v0",
    MountainCarContinuous: "MountainCarContinuous-v0",
    Pendulum: "Pendulum-v1",
    FrozenLake: "FrozenLake-v1",
    CliffWalking: "CliffWalking-v1",
}


def evaluation_worlds(world: str | World | HostSpec | HostWorld, count: int) -> HostWorld:
    """Returns a batch of worlds in which to evaluate.

    Args:
        world: A world or a name, as for training.
        count: How many worlds; a finished batch of host worlds is returned as it is.

    Returns:
        Gymnasium's own worlds where it has them, with this world's settings and time limit; else
        the functional world on the host.

    Example:
        >>> type(evaluation_worlds("CartPole-v1", 2)).__name__
        'GymnasiumWorlds'
    """
    found = make_world(world)
    if isinstance(found, HostSpec):
        return found.make(count)
    if isinstance(found, HostWorld):
        return found
    if isinstance(found, Remember):
        return RememberOnHost(evaluation_worlds(found.world, count), found.symbols)
    if type(found) in GYMNASIUM_IDS:
        return GymnasiumWorlds(GYMNASIUM_IDS[type(found)], count, **_settings(found))
    return FunctionalOnHost(found, count)


def _settings(world: Any) -> dict[str, Any]:
    """Returns what `gymnasium.make` needs to make the same world."""
    given = {field.name: getattr(world, field.name) for field in fields(world)}
    limit = given.pop("time_limit")
    return {**given, "max_episode_steps": -1 if limit is None else limit}
