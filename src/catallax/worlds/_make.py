"""From a name to a world."""

import dataclasses
import difflib
from typing import Any

import gymnasium

from catallax._errors import InvalidSetting, UnknownWorld

from ._acrobot import Acrobot
from ._adapters import from_gymnax, gymnax_names
from ._cartpole import CartPole
from ._grids import CliffWalking, FrozenLake
from ._gymnasium import HostSpec
from ._mountain_car import MountainCar, MountainCarContinuous
from ._pendulum import Pendulum
from ._protocol import HostWorld, World

COMPILED: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "CartPole-v1": (CartPole, {}),
    "Acrobot-v1": (Acrobot, {}),
    "MountainCar-v0": (MountainCar, {}),
    "MountainCarContinuous-v0": (MountainCarContinuous, {}),
    "Pendulum-v1": (Pendulum, {}),
    "FrozenLake-v1": (FrozenLake, {"map_name": "4x4"}),
    "FrozenLake8x8-v1": (FrozenLake, {"map_name": "8x8"}),
    "CliffWalking-v1": (CliffWalking, {}),
    "CliffWalkingSlippery-v1": (CliffWalking, {"is_slippery": True}),
}


def make_world(
    name_or_world: str | World | HostSpec | HostWorld, **kwargs: Any
) -> World | HostSpec | HostWorld:
    """Finds the world that a name means.

    Args:
        name_or_world: A world, which is returned as it is; or a name. A Gymnasium id of a
            world that the library has in JAX means that one. "gymnax:Name" means gymnax's.
            Any other Gymnasium id, or "gymnasium:Id" for any id at all, means Gymnasium's.
        **kwargs: Settings of the world, if it is given by name.

    Returns:
        A functional world, or for Gymnasium's a recipe whose `make(count)` gives the batch.

    Raises:
        UnknownWorld: No world has the name; the message lists similar names.
        InvalidSetting: The world has no such setting, or settings came with a finished world.
        MissingExtra: gymnax is needed and not installed.
        UnsupportedSpace: Its spaces have no form that agents can use.

    Example:
        >>> make_world("FrozenLake-v1", is_slippery=False).time_limit
        100
        >>> make_world("Taxi-v4")
        HostSpec(id='Taxi-v4', kwargs=(), symbols=1)
    """
    if isinstance(name_or_world, str):
        return _named(name_or_world, kwargs)
    if not isinstance(name_or_world, (World, HostSpec, HostWorld)):
        raise InvalidSetting(
            f"{name_or_world!r} was given as a world.",
            "It is neither a name nor a world.",
            "Give a name; or wrap it with GymnasiumWorlds, from_gymnax or from_functional.",
        )
    if kwargs:
        raise InvalidSetting(
            f"The settings {', '.join(kwargs)} came with a finished world.",
            "They would have no effect.",
            "Give them where the world is made.",
        )
    return name_or_world


def _named(name: str, kwargs: dict[str, Any]) -> World | HostSpec:
    source, _, rest = name.partition(":")
    if source == "gymnax":
        return _from_gymnax(name, rest, kwargs)
    if source == "gymnasium":
        return _on_host(name, rest, kwargs)
    if name in COMPILED:
        return _compiled(name, kwargs)
    return _on_host(name, name, kwargs)


def _compiled(name: str, kwargs: dict[str, Any]) -> World:
    build, defaults = COMPILED[name]
    known = [field.name for field in dataclasses.fields(build)]
    for setting in kwargs:
        if setting not in known:
            raise InvalidSetting(
                f"{name} was given the setting {setting!r}.",
                f"The compiled world has only {', '.join(known)}.",
                f"Use one of these, or 'gymnasium:{name}' for Gymnasium's own.",
            )
    return build(**{**defaults, **kwargs})


def _from_gymnax(name: str, rest: str, kwargs: dict[str, Any]) -> World:
    world_names = gymnax_names()
    # Without gymnax the list is empty, and from_gymnax says which extra is missing.
    if world_names and rest not in world_names:
        raise _unknown(name, [f"gymnax:{known}" for known in world_names])
    return from_gymnax(rest, kwargs or None)


def _on_host(name: str, rest: str, kwargs: dict[str, Any]) -> HostSpec:
    try:
        gymnasium.spec(rest)
    except (gymnasium.error.Error, ImportError) as error:
        raise _unknown(name, [*COMPILED, *gymnasium.registry], str(error)) from error
    return HostSpec(rest, tuple(sorted(kwargs.items())))


def _unknown(name: str, known: list[str], why: str = "Nobody has registered it.") -> UnknownWorld:
    plain = {item.lower(): item for item in reversed(known)}
    close = difflib.get_close_matches(name.lower(), list(plain), n=4, cutoff=0.5)
    similar = ", ".join(plain[item] for item in close)
    return UnknownWorld(
        f"There is no world called {name!r}.",
        why,
        f"Did you mean {similar}?" if similar else "Import the package that registers it.",
    )
