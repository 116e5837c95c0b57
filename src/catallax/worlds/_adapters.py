"""Worlds made of other libraries' functional environments: gymnax and Gymnasium's FuncEnv."""

import dataclasses
import importlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from catallax._errors import InvalidSetting, MissingExtra, UnknownWorld

from ._checks import require_time_limit
from ._spaces import action_size, encode_traced, require_action_space, require_observation_space

Scalar = bool | int | float


class Seen(NamedTuple):
    """An environment's state, with what it showed: an observation may itself be random."""

    inner: Any
    observation: jax.Array


class Parts(NamedTuple):
    """A gymnax environment, its parameters, and its spaces as Gymnasium's."""

    env: Any
    params: Any
    observation_space: gymnasium.Space[Any]
    action_space: gymnasium.Space[Any]


@dataclasses.dataclass(frozen=True)
class Gymnax:
    """A gymnax environment as a functional world; made by `from_gymnax`.

    Args:
        env: A name that gymnax knows, or an environment. Only a name is a plain value that
            can be saved.
        params: Pairs of name and value of the parameters that differ from the defaults.

    Raises:
        MissingExtra: gymnax is not installed.
        UnknownWorld: gymnax has no environment of that name.
        UnsupportedSpace: Its spaces have no form that agents can use.
        InvalidSetting: It has no such parameter.

    Example:
        >>> Gymnax("CartPole-v1", (("max_steps_in_episode", 50),)).time_limit
        50
    """

    env: Any
    params: tuple[tuple[str, Scalar], ...] = ()

    def __post_init__(self) -> None:
        """Checks the settings by making the environment."""
        require_observation_space(self.observation_space)
        require_action_space(self.action_space)
        require_time_limit("Gymnax", self.time_limit)

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The space of gymnax, as one of Gymnasium."""
        return _gymnax(self).observation_space

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """The space of gymnax, as one of Gymnasium."""
        return _gymnax(self).action_space

    @property
    def time_limit(self) -> int | None:
        """max_steps_in_episode of the parameters."""
        return int(_gymnax(self).params.max_steps_in_episode)

    def initial(self, key: jax.Array) -> Seen:
        """Returns the state of a reset."""
        with jax.enable_x64(False):
            return _settled(self._begin, self._advance, self.action_space, key)

    def observe(self, state: Seen) -> jax.Array:
        """Returns the observation that came with the state."""
        return state.observation

    def step(
        self, state: Seen, action: jax.Array, key: jax.Array
    ) -> tuple[Seen, jax.Array, jax.Array]:
        """Returns gymnax's step without its automatic reset and without its time limit."""
        with jax.enable_x64(False):
            after, reward, terminated = self._advance(state, action, key)
            return _like(after, state), reward, terminated

    def _begin(self, key: jax.Array) -> Seen:
        env, params, _, _ = _gymnax(self)
        observation, inner = env.reset_env(key, params)
        return Seen(inner, encode_traced(self.observation_space, observation))

    def _advance(
        self, state: Seen, action: jax.Array, key: jax.Array
    ) -> tuple[Seen, jax.Array, jax.Array]:
        env, params, _, _ = _gymnax(self)
        given = _shaped(self.action_space, action)
        observation, inner, reward, done, _ = env.step_env(key, state.inner, given, params)
        seen = Seen(inner, encode_traced(self.observation_space, observation))
        return seen, _scalar(reward, jnp.float32), _scalar(done, jnp.bool_)


@dataclasses.dataclass(frozen=True)
class Functional:
    """A Gymnasium `FuncEnv` as a functional world; made by `from_functional`.

    Args:
        env: The environment, written in JAX.
        time_limit: Ticks until the driver truncates; None for no limit.

    Raises:
        UnsupportedSpace: Its spaces have no form that agents can use.
        InvalidSetting: The time limit is not a positive integer or None.

    Example:
        >>> from gymnasium.envs.phys2d.pendulum import PendulumFunctional
        >>> Functional(PendulumFunctional(), time_limit=200).observation_space.shape
        (3,)
    """

    env: Any
    time_limit: int | None = None

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_observation_space(self.observation_space)
        require_action_space(self.action_space)
        require_time_limit("Functional", self.time_limit)

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The environment's own."""
        return self.env.observation_space

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """The environment's own."""
        return self.env.action_space

    def initial(self, key: jax.Array) -> Seen:
        """Returns an initial state."""
        with jax.enable_x64(False):
            return _settled(self._begin, self._advance, self.action_space, key)

    def observe(self, state: Seen) -> jax.Array:
        """Returns the observation that came with the state."""
        return state.observation

    def step(
        self, state: Seen, action: jax.Array, key: jax.Array
    ) -> tuple[Seen, jax.Array, jax.Array]:
        """Returns the next state, the reward and whether the next state is terminal."""
        with jax.enable_x64(False):
            after, reward, terminated = self._advance(state, action, key)
            return _like(after, state), reward, terminated

    def _begin(self, key: jax.Array) -> Seen:
        first, second = jax.random.split(key)
        return self._seen(self.env.initial(first), second)

    def _advance(
        self, state: Seen, action: jax.Array, key: jax.Array
    ) -> tuple[Seen, jax.Array, jax.Array]:
        keys = jax.random.split(key, 4)
        given = _shaped(self.action_space, action)
        after = self.env.transition(state.inner, given, keys[0])
        reward = self.env.reward(state.inner, given, after, keys[1])
        done = self.env.terminal(after, keys[2])
        seen = self._seen(after, keys[3])
        return seen, _scalar(reward, jnp.float32), _scalar(done, jnp.bool_)

    def _seen(self, inner: Any, key: jax.Array) -> Seen:
        observation = self.env.observation(inner, key)
        return Seen(inner, encode_traced(self.observation_space, observation))


def from_gymnax(env_or_name: Any, params: Any = None) -> Gymnax:
    """Makes a world of a gymnax environment.

    Args:
        env_or_name: A name that gymnax knows, or an environment.
        params: None for the default parameters; or a mapping of those that differ; or an
            EnvParams of the environment, which may differ in single numbers only.

    Returns:
        A functional world. `step` reports termination only; the time limit is the
        parameter `max_steps_in_episode`.

    Raises:
        MissingExtra: gymnax is not installed.
        UnknownWorld: gymnax has no environment of that name.
        UnsupportedSpace: Its spaces have no form that agents can use.
        InvalidSetting: It has no such parameter, or one that is not a single number differs.

    Example:
        >>> from_gymnax("CartPole-v1", {"gravity": 1.6}).time_limit
        500

    Source:
        Lange (2022), gymnax: a JAX-based reinforcement learning environment library.
    """
    if params is None or isinstance(params, dict):
        pairs = params or {}
    else:
        pairs = _differences(params, _gymnax(Gymnax(env_or_name)).params)
    plain = {name: _plain_number(name, value) for name, value in pairs.items()}
    return Gymnax(env_or_name, tuple(sorted(plain.items())))


def from_functional(env: Any, time_limit: int | None = None) -> Functional:
    """Makes a world of a Gymnasium functional environment written in JAX.

    Args:
        env: An instance of `gymnasium.experimental.functional.FuncEnv`.
        time_limit: Ticks until the driver truncates; None for no limit.

    Returns:
        A functional world.

    Raises:
        UnsupportedSpace: Its spaces have no form that agents can use.
        InvalidSetting: The time limit is not a positive integer or None.

    Example:
        >>> from gymnasium.envs.phys2d.cartpole import CartPoleFunctional
        >>> from_functional(CartPoleFunctional(), time_limit=500).action_space
        Discrete(2)
    """
    return Functional(env, time_limit)


def gymnax_names() -> list[str]:
    """Lists the names that gymnax knows; none if it is not installed."""
    try:
        return list(importlib.import_module("gymnax").registered_envs)
    except ImportError:
        return []


@lru_cache(maxsize=64)
def _gymnax(world: Gymnax) -> Parts:
    """Returns what a world is made of; made once, as gymnax's methods are jitted by identity.

    gymnax computes its spaces with JAX, and the result is cached: it must not hold the
    tracers, or the 64-bit numbers, of whoever asks first.
    """
    with jax.ensure_compile_time_eval(), jax.enable_x64(False):
        env = _made(world.env) if isinstance(world.env, str) else world.env
        params = _replaced(env, dict(world.params))
        seen, action = env.observation_space(params), env.action_space(params)
        return Parts(env, params, _converted(seen), _converted(action))


def _replaced(env: Any, changes: dict[str, Scalar]) -> Any:
    defaults = env.default_params
    known = {field.name for field in dataclasses.fields(defaults)}
    for name in changes:
        if name not in known:
            raise InvalidSetting(
                f"{env.name} was given the parameter {name!r}.",
                "It has no such parameter.",
                f"Use one of {', '.join(sorted(known))}.",
            )
    return dataclasses.replace(defaults, **changes)


def _made(name: str) -> Any:
    gymnax = _imported()
    if name not in gymnax.registered_envs:
        raise UnknownWorld(
            f"There is no gymnax environment called {name!r}.",
            "gymnax has not registered it.",
            f"Use one of {', '.join(gymnax.registered_envs)}.",
        )
    return gymnax.make(name)[0]


def _imported() -> Any:
    try:
        return importlib.import_module("gymnax")
    except ImportError as error:
        raise MissingExtra(
            "A gymnax world was asked for.",
            f"gymnax could not be imported: {error}.",
            "Run `pip install catallax[gymnax]`.",
        ) from error


def _converted(space: Any) -> gymnasium.Space[Any]:
    module = importlib.import_module("gymnax.environments.spaces")
    return module.gymnax_space_to_gym_space(space)


def _differences(params: Any, defaults: Any) -> dict[str, Any]:
    if type(params) is not type(defaults):
        raise InvalidSetting(
            f"Parameters of type {type(params).__name__} were given.",
            f"The environment has parameters of type {type(defaults).__name__}.",
            "Change the environment's own with `env.default_params.replace(...)`.",
        )
    names = [field.name for field in dataclasses.fields(params)]
    return {
        name: getattr(params, name)
        for name in names
        if not np.array_equal(getattr(params, name), getattr(defaults, name))
    }


def _plain_number(name: str, value: Any) -> Scalar:
    if np.ndim(value) != 0 or not isinstance(np.asarray(value).item(), (bool, int, float)):
        raise InvalidSetting(
            f"The parameter {name!r} was given as {value!r}.",
            "Only single numbers are kept with a world, so that it can be hashed and saved.",
            "Give an environment whose default parameters already hold it.",
        )
    return np.asarray(value).item()


def _shaped(space: gymnasium.Space[Any], action: jax.Array) -> jax.Array:
    """Gives an action the shape, and the first number, of the environment's space."""
    shaped = jnp.reshape(action, space.shape or ())
    start = getattr(space, "start", None)
    return shaped if start is None else shaped + jnp.asarray(start, jnp.int32)


def _scalar(value: Any, dtype: Any) -> jax.Array:
    return jnp.reshape(jnp.asarray(value), ()).astype(dtype)


def _settled(
    begin: Callable[[jax.Array], Seen],
    advance: Callable[..., tuple[Seen, jax.Array, jax.Array]],
    space: gymnasium.Space[Any],
    key: jax.Array,
) -> Seen:
    """Begins in the dtypes that a step gives back, which a scan must be able to carry.

    An environment may begin with a Python 0 and continue with a float.
    """
    state = jax.tree.map(jnp.asarray, begin(key))
    dtype = jnp.float32 if isinstance(space, gymnasium.spaces.Box) else jnp.int32
    size = () if isinstance(space, gymnasium.spaces.Discrete) else (action_size(space),)
    given = jnp.zeros(size, dtype)
    after = jax.eval_shape(lambda s, a, k: advance(s, a, k)[0], state, given, key)

    def widened(old: jax.Array, new: jax.ShapeDtypeStruct) -> jax.Array:
        same = old.dtype == new.dtype
        return _cast(old, old.dtype if same else jnp.promote_types(old.dtype, new.dtype))

    return jax.tree.map(widened, state, after)


def _like(new: Seen, old: Seen) -> Seen:
    """Casts a state to the dtypes of the one before; `_settled` has made them wide enough."""
    return jax.tree.map(lambda a, b: _cast(jnp.asarray(a), b.dtype), new, old)


def _cast(array: jax.Array, dtype: Any) -> jax.Array:
    """Gives an array a dtype for good: a cast also ends JAX's weak types. Keys have no casts."""
    return array if array.dtype == dtype and not array.weak_type else array.astype(dtype)
