"""What things are called, for people: worlds, agents, accounts."""

from dataclasses import fields
from typing import Any

from catallax.worlds._gymnasium import HostSpec
from catallax.worlds._make import COMPILED


def world_name(world: Any) -> str:
    """Returns the name of a world, with its settings where they are not the usual ones.

    Args:
        world: A world.

    Returns:
        Its name, such as `make_world` takes where it has its usual settings.

    Example:
        >>> import catallax as cx
        >>> world_name(cx.worlds.CartPole())
        'CartPole-v1'
    """
    if isinstance(world, HostSpec):
        return world.id + _listed(dict(world.kwargs))
    others = [
        (_changes(world, kind(**settings)), name)
        for name, (kind, settings) in COMPILED.items()
        if type(world) is kind
    ]
    if others:
        changed, name = min(others, key=lambda other: len(other[0]))
        return name + _listed(changed)
    spec = getattr(world, "spec_id", None) or getattr(world, "id", None)
    return str(spec) if spec else _shown(world)


def _changes(world: Any, usual: Any) -> dict[str, Any]:
    """Returns the settings in which a world differs from the usual one."""
    names = (field.name for field in fields(world))
    return {n: getattr(world, n) for n in names if getattr(world, n) != getattr(usual, n)}


def _listed(settings: dict[str, Any]) -> str:
    words = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    return f" ({words})" if words else ""


def _shown(world: Any) -> str:
    text = repr(world)
    return type(world).__name__ if " at 0x" in text or len(text) > 120 else text


def agent_name(species: str, id_: int) -> str:
    """Returns what an agent is called, such as `Linear 3`."""
    return f"{species} {id_}"
