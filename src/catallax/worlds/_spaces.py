"""Between the values of Gymnasium spaces and the arrays that agents see and give."""

import math
from collections.abc import Iterator
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from catallax._errors import BadObservation, InvalidSetting, UnsupportedSpace

Space = gymnasium.Space[Any]


def require_observation_space(space: Space) -> None:
    """Checks that observations of a space can be turned into an array of fixed size.

    Args:
        space: The observation space of a world.

    Raises:
        UnsupportedSpace: It is, or holds, a space without a fixed numeric form.

    Example:
        >>> require_observation_space(spaces.Dict({"a": spaces.Discrete(2)}))
    """
    for leaf in _leaves(space):
        if not isinstance(
            leaf, (spaces.Discrete, spaces.Box, spaces.MultiDiscrete, spaces.MultiBinary)
        ):
            raise UnsupportedSpace(
                f"The observation space {space} holds {leaf}.",
                f"{type(leaf).__name__} has no array of numbers of one fixed size.",
                "Wrap the world with gymnasium.wrappers.TransformObservation so that it gives a"
                " Box, Discrete, MultiDiscrete, MultiBinary, or a Dict or Tuple of these.",
            )


def require_action_space(space: Space) -> None:
    """Checks that a market can act in a space.

    Args:
        space: The action space of a world.

    Raises:
        UnsupportedSpace: It is not Discrete, MultiDiscrete or Box.

    Example:
        >>> require_action_space(spaces.Discrete(2))
    """
    if not isinstance(space, (spaces.Discrete, spaces.MultiDiscrete, spaces.Box)):
        raise UnsupportedSpace(
            f"The action space is {space}.",
            f"Agents give one number, or a vector of numbers; {type(space).__name__} is neither.",
            "Wrap the world with gymnasium.wrappers.TransformAction so that it takes a Discrete,"
            " MultiDiscrete or Box action (MultiBinary(k) is MultiDiscrete([2] * k)).",
        )


def observation_size(space: Space) -> int:
    """Counts what an observation can show: symbols if Discrete, else entries of the vector.

    Args:
        space: The observation space of a world.

    Returns:
        n for Discrete(n), and D, the length of the flattened vector, for any other space.

    Raises:
        UnsupportedSpace: The space has no fixed numeric form.

    Example:
        >>> observation_size(spaces.Discrete(5)), observation_size(spaces.Box(0, 1, (2, 3)))
        (5, 6)
    """
    require_observation_space(space)
    return sum(_leaf_size(leaf) for leaf in _leaves(space))


def action_size(space: Space) -> int:
    """Counts the numbers in one action: 1 if Discrete, else k.

    Args:
        space: The action space of a world.

    Returns:
        1 for Discrete; the number of entries for MultiDiscrete and Box.

    Raises:
        UnsupportedSpace: The space is not Discrete, MultiDiscrete or Box.

    Example:
        >>> action_size(spaces.MultiDiscrete([3, 2]))
        2
    """
    require_action_space(space)
    return math.prod(space.shape or ())


def encode_observation(space: Space, observation: Any) -> np.ndarray:
    """Turns one observation of a Gymnasium world into the array that agents see.

    Args:
        space: The observation space.
        observation: A member of it.

    Returns:
        An int32 scalar array counted from 0 if Discrete; else float32 [D], in the order of
        `gymnasium.spaces.flatten`.

    Raises:
        UnsupportedSpace: The space has no fixed numeric form.
        BadObservation: The observation has a symbol or a shape that the space lacks.

    Example:
        >>> encode_observation(spaces.Discrete(3, start=5), 7)
        array(2, dtype=int32)
        >>> encode_observation(spaces.MultiDiscrete([2, 3]), [1, 0])
        array([0., 1., 1., 0., 0.], dtype=float32)
    """
    require_observation_space(space)
    if isinstance(space, spaces.Discrete):
        return _symbols(space, observation)
    return _flat(space, observation, ())


def encode_observations(space: Space, batch: Any) -> np.ndarray:
    """Turns a batch of observations of a Gymnasium vector world into one array.

    Args:
        space: The observation space of a single world.
        batch: Observations as Gymnasium's vector environments give them: arrays with a
            leading axis W, inside the dict or tuple of the space.

    Returns:
        int32 [W] if Discrete; else float32 [W, D].

    Raises:
        UnsupportedSpace: The space has no fixed numeric form.
        BadObservation: An observation has a symbol or a shape that the space lacks.

    Example:
        >>> encode_observations(spaces.Box(0, 1, (1, 2)), np.zeros((4, 1, 2))).shape
        (4, 2)
    """
    require_observation_space(space)
    if isinstance(space, spaces.Discrete):
        return _symbols(space, batch)
    count = len(_first_array(space, batch))
    return _flat(space, batch, (count,))


def encode_traced(space: Space, observation: Any) -> jax.Array:
    """Turns one observation into the array that agents see, inside a JAX computation.

    The same as `encode_observation`, without its checks of values: a traced value cannot
    be looked at.
    """
    if isinstance(space, spaces.Discrete):
        return (jnp.asarray(observation) - int(space.start)).astype(jnp.int32)
    parts = [jnp.ravel(_plain(leaf, x, (), jnp)) for leaf, x in _pairs(space, observation)]
    return jnp.concatenate([part.astype(jnp.float32) for part in parts])


def decode_actions(space: Space, actions: np.ndarray) -> np.ndarray:
    """Turns a batch of agents' actions into the batch that Gymnasium worlds expect.

    Args:
        space: The action space of a single world.
        actions: int [W] if Discrete, int [W, k] if MultiDiscrete (both counted from 0),
            float [W, k] if Box.

    Returns:
        An array ``[W, *space.shape]`` of the space's dtype: `start` added, a Box clipped to its
        bounds and given its shape.

    Raises:
        UnsupportedSpace: The space is not Discrete, MultiDiscrete or Box.
        InvalidSetting: An action is out of range, not finite, or of the wrong length.

    Example:
        >>> decode_actions(spaces.Discrete(2, start=1), np.array([0, 1]))
        array([1, 2])
        >>> decode_actions(spaces.Box(-1, 1, (2, 1)), np.array([[0.5, 7.0]])).tolist()
        [[[0.5], [1.0]]]
    """
    require_action_space(space)
    actions = np.asarray(actions)
    _require_width(space, actions)
    shaped = actions.reshape((len(actions), *(space.shape or ())))
    if isinstance(space, spaces.Box):
        _require(bool(np.isfinite(shaped).all()), space, actions, "not finite")
        return np.clip(shaped, space.low, space.high).astype(space.dtype)
    assert isinstance(space, (spaces.Discrete, spaces.MultiDiscrete))
    bound = space.n if isinstance(space, spaces.Discrete) else space.nvec
    _require(np.issubdtype(actions.dtype, np.integer), space, actions, "not integers")
    _require(bool(((shaped >= 0) & (shaped < bound)).all()), space, actions, "out of range")
    return shaped.astype(space.dtype) + space.start


def _leaves(space: Space) -> Iterator[Space]:
    """Yields the spaces inside Dict and Tuple, in Gymnasium's order of flattening."""
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        inner = space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces
        for part in inner:
            yield from _leaves(part)
    else:
        yield space


def _pairs(space: Space, value: Any) -> Iterator[tuple[Space, Any]]:
    """Yields each leaf space with its part of a value, in the order of `_leaves`."""
    if isinstance(space, spaces.Dict):
        for name, part in space.spaces.items():
            yield from _pairs(part, value[name])
    elif isinstance(space, spaces.Tuple):
        for part, inner in zip(space.spaces, value, strict=True):
            yield from _pairs(part, inner)
    else:
        yield space, value


def _leaf_size(leaf: Space) -> int:
    if isinstance(leaf, spaces.Discrete):
        return int(leaf.n)
    if isinstance(leaf, spaces.MultiDiscrete):
        return int(np.sum(leaf.nvec))
    return math.prod(leaf.shape or ())


def _first_array(space: Space, batch: Any) -> np.ndarray:
    return np.asarray(next(_pairs(space, batch))[1])


def _symbols(space: spaces.Discrete, observation: Any) -> np.ndarray:
    symbols = np.asarray(np.asarray(observation) - space.start)
    _require_symbols(space, symbols, int(space.n))
    return np.asarray(symbols, np.int32)


def _flat(space: Space, value: Any, lead: tuple[int, ...]) -> np.ndarray:
    """Flattens a value (lead = ()) or a batch of W values (lead = (W,)) on the host."""
    parts = [_host_part(leaf, part, lead) for leaf, part in _pairs(space, value)]
    return np.concatenate(parts, axis=-1, dtype=np.float32)


def _host_part(leaf: Space, value: Any, lead: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(value)
    expected = lead + (leaf.shape or ())
    if array.shape != expected:
        raise BadObservation(
            f"An observation of {leaf} has shape {array.shape}.",
            f"The space promises shape {expected}.",
            "Correct the world, or its observation_space.",
        )
    if isinstance(leaf, (spaces.Discrete, spaces.MultiDiscrete)):
        bound = leaf.n if isinstance(leaf, spaces.Discrete) else leaf.nvec
        _require_symbols(leaf, array - leaf.start, bound)
    return _plain(leaf, array, lead, np)


def _plain(leaf: Space, array: Any, lead: tuple[int, ...], xp: Any) -> Any:
    """Gives a leaf's values as [*lead, size], with one-hot groups for what is discrete."""
    if isinstance(leaf, spaces.Discrete):
        return _one_hot(array - leaf.start, int(leaf.n), xp)
    if isinstance(leaf, spaces.MultiDiscrete):
        digits = (array - leaf.start).reshape((*lead, -1))
        groups = [_one_hot(digits[..., i], int(n), xp) for i, n in enumerate(leaf.nvec.flat)]
        return xp.concatenate(groups, axis=-1)
    return xp.asarray(array).reshape((*lead, _leaf_size(leaf)))


def _one_hot(symbol: Any, count: int, xp: Any) -> Any:
    return xp.equal(xp.asarray(symbol)[..., None], xp.arange(count))


def _require_symbols(space: Space, symbols: np.ndarray, bound: Any) -> None:
    whole = np.issubdtype(symbols.dtype, np.integer)
    if not (whole and ((symbols >= 0) & (symbols < bound)).all()):
        raise BadObservation(
            f"An observation of {space} is {symbols.tolist()} when counted from 0.",
            "The space has no such symbol.",
            "Correct the world, or its observation_space.",
        )


def _require_width(space: Space, actions: np.ndarray) -> None:
    """Discrete actions are [W]; all the others are [W, k], whatever the space's shape."""
    wanted = 1 if isinstance(space, spaces.Discrete) else 2
    wide = actions.ndim == 1 or actions.shape[-1] == action_size(space)
    _require(actions.ndim == wanted and wide, space, actions, f"of shape {actions.shape}")


def _require(good: bool, space: Space, actions: np.ndarray, fault: str) -> None:
    if not good:
        raise InvalidSetting(
            f"Actions for {space} are {fault}: {actions.tolist()}.",
            "A world given an impossible action would give a meaningless answer.",
            "Give one action for each world: integers counted from 0, or finite numbers.",
        )
