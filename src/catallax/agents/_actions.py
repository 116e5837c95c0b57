"""Actions as numbers: how many a space has, and which is the n-th."""

from math import prod
from typing import Any

import gymnasium
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from jaxtyping import Array

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax._types import Mask

ENUMERATED_MAX = 1024
"""Joint actions of a MultiDiscrete space beyond this are not given an agent each."""


def action_count(space: gymnasium.Space) -> int:
    """Returns how many actions a space has.

    Args:
        space: Discrete or MultiDiscrete.

    Returns:
        The number of (joint) actions.

    Raises:
        UnsupportedSpace: If the actions cannot be enumerated.

    Example:
        >>> from gymnasium.spaces import MultiDiscrete
        >>> action_count(MultiDiscrete([2, 3]))
        6
    """
    if isinstance(space, Discrete):
        return int(space.n)
    if isinstance(space, MultiDiscrete):
        joint = prod(int(options) for options in np.ravel(space.nvec))
        if joint <= ENUMERATED_MAX:
            return joint
    raise UnsupportedSpace(
        f"The actions of {space} cannot be given an agent each.",
        f"Only Discrete spaces and MultiDiscrete ones of up to {ENUMERATED_MAX} can be listed.",
        "Use Neural(policy=True), which learns its action, and say how many with count=.",
    )


def nth_action(space: gymnasium.Space, index: Any) -> Array:
    """Returns the action of a number, counting round.

    Args:
        space: Discrete or MultiDiscrete.
        index: int32 scalar.

    Returns:
        int32 scalar, or int32 `[k]` for MultiDiscrete.

    Example:
        >>> from gymnasium.spaces import MultiDiscrete
        >>> nth_action(MultiDiscrete([2, 3]), 4).tolist()
        [1, 1]
    """
    index = jnp.asarray(index, jnp.int32) % action_count(space)
    if isinstance(space, Discrete):
        return index
    assert isinstance(space, MultiDiscrete)
    nvec = np.asarray(space.nvec).reshape(-1)
    strides = np.concatenate([np.cumprod(nvec[::-1])[::-1][1:], [1]]).astype(np.int32)
    return (index // strides) % nvec.astype(np.int32)


def action_options(space: gymnasium.Space) -> Array:
    """Returns int32, of the shape of an action: how many values each of its parts can take."""
    if isinstance(space, Discrete):
        return jnp.asarray(space.n, jnp.int32)
    assert isinstance(space, MultiDiscrete)
    return jnp.asarray(np.asarray(space.nvec).reshape(-1), jnp.int32)


def blank_action(space: gymnasium.Space) -> np.ndarray:
    """Returns an action of the right shape and dtype: zeros."""
    if isinstance(space, Discrete):
        return np.zeros((), np.int32)
    if isinstance(space, MultiDiscrete):
        return np.zeros(np.asarray(space.nvec).size, np.int32)
    if isinstance(space, Box):
        return np.zeros(int(np.prod(space.shape)), np.float32)
    raise UnsupportedSpace(
        f"No agent can act in {space}.",
        "Actions are Discrete, MultiDiscrete or Box.",
        "Wrap the world so that its action space is one of these.",
    )


def as_action(space: gymnasium.Space, action: Any) -> np.ndarray:
    """Returns a user's action in the library's form, or raises InvalidSetting.

    Args:
        space: The action space.
        action: A number or an array, 0-based for Discrete.

    Returns:
        A NumPy array of the form that worlds take.
    """
    blank = blank_action(space)
    try:
        given = np.asarray(action, np.float64).reshape(blank.shape)
        with np.errstate(invalid="ignore", over="ignore"):
            value = given.astype(blank.dtype)
        fits = blank.dtype == np.float32 or bool(np.all(given == value))
    except (TypeError, ValueError, OverflowError):
        value, fits = blank, False
    if not fits or not _inside(space, value):
        raise InvalidSetting(
            f"{action!r} is not an action of {space}.",
            "The world would refuse it, or take it for another.",
            f"Give an array of shape {blank.shape}, dtype {blank.dtype}, within the space.",
        )
    return value


def random_actions(space: gymnasium.Space, luck: Array) -> Array:
    """Returns actions drawn evenly from the space.

    Args:
        space: Discrete, MultiDiscrete or bounded Box.
        luck: float32 `[W, k]`, uniform draws, k the number of entries of an action.

    Returns:
        The actions, `[W]` or `[W, k]`.
    """
    if isinstance(space, Box):
        low, high = box_bounds(space)
        return jnp.asarray(low) + luck * (high - low)
    options = jnp.atleast_1d(action_options(space))
    drawn = jnp.minimum((luck * options.astype(jnp.float32)).astype(jnp.int32), options - 1)
    return drawn[:, 0] if isinstance(space, Discrete) else drawn


def bounded(space: gymnasium.Space, actions: Array) -> Array:
    """Returns Box actions clipped to the space, as Gymnasium's agents do; others as they are."""
    if not isinstance(space, Box):
        return actions
    low, high = box_bounds(space)
    return jnp.clip(actions, low, high)


def box_bounds(space: Box) -> tuple[np.ndarray, np.ndarray]:
    """Returns the bounds of a Box as float32 `[k]`, in which actions are compared with them."""
    return space.low.reshape(-1).astype(np.float32), space.high.reshape(-1).astype(np.float32)


def where_action(mask: Mask, chosen: Array, other: Array) -> Array:
    """Returns `chosen` where the mask `[W]` holds, else `other`, for actions of any shape."""
    mask = mask.reshape(mask.shape + (1,) * (chosen.ndim - mask.ndim))
    return jnp.where(mask, chosen, other)


def _inside(space: gymnasium.Space, value: np.ndarray) -> bool:
    if isinstance(space, Discrete):
        return 0 <= int(value) < int(space.n)
    if isinstance(space, MultiDiscrete):
        return bool(np.all((value >= 0) & (value < np.asarray(space.nvec).reshape(-1))))
    assert isinstance(space, Box)
    low, high = box_bounds(space)
    return bool(np.all((value >= low) & (value <= high)))
