"""Any finite Markov decision process, given by its tables."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from catallax._errors import InvalidSetting

from ._checks import require_time_limit
from ._outcomes import Outcome, OutcomeTable, TableWorld, build_table

TOLERANCE = 1e-6  # of sums of probabilities


@dataclass(frozen=True)
class Tabular(TableWorld):
    """A finite world with S states and A actions, given by tables.

    Observation: int32, the state. Action: int32. The tables may be given as arrays or
    nested lists; they are kept as nested tuples, so that the world can be hashed.

    Args:
        probabilities: [S, A, S]: of the next state, given state and action.
        rewards: [S, A] or [S, A, S]: paid on the way to the next state.
        terminal: [S] of bool: entering such a state ends the episode. Their own rows are
            never used, but must be distributions.
        start: [S]: probabilities of the first state; None means state 0.
        time_limit: Ticks until the driver truncates; None for no limit.

    Raises:
        InvalidSetting: A shape is wrong, a number is not finite, a row is not a
            distribution, or the time limit is not a positive integer or None.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> flip = Tabular([[[0.0, 1.0]], [[0.0, 1.0]]], [[5.0], [0.0]], [False, True])
        >>> state = flip.initial(jax.random.key(0))
        >>> state, reward, terminated = flip.step(state, jnp.int32(0), jax.random.key(1))
        >>> int(state), float(reward), bool(terminated)
        (1, 5.0, True)

    Source:
        Puterman (1994), Markov decision processes, chapter 2.
    """

    probabilities: tuple[tuple[tuple[float, ...], ...], ...]
    rewards: tuple[tuple[float, ...], ...] | tuple[tuple[tuple[float, ...], ...], ...]
    terminal: tuple[bool, ...]
    start: tuple[float, ...] | None = None
    time_limit: int | None = None

    def __post_init__(self) -> None:
        """Checks the tables and turns them into nested tuples."""
        require_time_limit("Tabular", self.time_limit)
        probabilities = _numbers("probabilities", self.probabilities)
        _require_shapes(self, probabilities)
        start = np.eye(len(probabilities))[0] if self.start is None else self.start
        _require_distribution("probabilities", probabilities)
        _require_distribution("start", _numbers("start", start))
        for name in ("probabilities", "rewards", "start"):
            value = start if name == "start" else getattr(self, name)
            object.__setattr__(self, name, _nested(_numbers(name, value).tolist()))
        terminal = tuple(bool(item) for item in self.terminal)
        object.__setattr__(self, "terminal", terminal)

    def table(self) -> OutcomeTable:
        """Returns the outcomes that have a positive probability."""
        return _table(self)


@lru_cache(maxsize=64)
def _table(world: Tabular) -> OutcomeTable:
    probabilities = np.asarray(world.probabilities)
    rewards = np.asarray(world.rewards)
    wide = rewards if rewards.ndim == 3 else rewards[:, :, None] + np.zeros_like(probabilities)
    assert world.start is not None
    outcomes = [
        [_outcomes(row, paid, world.terminal) for row, paid in zip(*pair, strict=True)]
        for pair in zip(probabilities, wide, strict=True)
    ]
    return build_table(outcomes, world.start)


def _outcomes(row: np.ndarray, paid: np.ndarray, terminal: tuple[bool, ...]) -> list[Outcome]:
    return [
        Outcome(float(row[state]), int(state), float(paid[state]), terminal[state])
        for state in np.flatnonzero(row)
    ]


def _nested(value: Any) -> Any:
    return tuple(_nested(item) for item in value) if isinstance(value, list) else value


def _numbers(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise _invalid(name, f"It is not a table of numbers: {error}.") from error
    if not np.isfinite(array).all():
        raise _invalid(name, "It holds a number that is not finite.")
    return array


def _require_shapes(world: Tabular, probabilities: np.ndarray) -> None:
    if probabilities.ndim != 3 or probabilities.shape[0] != probabilities.shape[2]:
        raise _invalid("probabilities", f"Its shape is {probabilities.shape}, not [S, A, S].")
    states, actions, _ = probabilities.shape
    if states == 0 or actions == 0:
        raise _invalid("probabilities", "It has no state or no action.")
    rewards = _numbers("rewards", world.rewards).shape
    if rewards not in ((states, actions), (states, actions, states)):
        raise _invalid("rewards", f"Its shape is {rewards}, not [S, A] or [S, A, S].")
    if len(world.terminal) != states:
        raise _invalid("terminal", f"It has {len(world.terminal)} entries for {states} states.")
    if world.start is not None and len(world.start) != states:
        raise _invalid("start", f"It has {len(world.start)} entries for {states} states.")


def _require_distribution(name: str, array: np.ndarray) -> None:
    if (array < 0).any() or (np.abs(array.sum(-1) - 1) > TOLERANCE).any():
        raise _invalid(name, "A row has a negative entry or does not sum to 1.")


def _invalid(name: str, why: str) -> InvalidSetting:
    return InvalidSetting(
        f"Tabular cannot use the table `{name}`.",
        why,
        "Give finite numbers of the shape that the documentation of Tabular states.",
    )
