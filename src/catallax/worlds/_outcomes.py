"""Finite worlds as tables of outcomes: what may follow each state and action."""

import abc
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

NEVER = 2.0  # above every uniform draw in [0, 1)


class Outcome(NamedTuple):
    """One thing that may follow a state and an action."""

    probability: float
    state: int
    reward: float
    terminated: bool


class OutcomeTable(NamedTuple):
    """All outcomes of a finite world with S states, A actions, at most K outcomes each.

    Row s * A + a belongs to state s and action a. One flat axis makes a lookup one gather.
    """

    start: np.ndarray  # float32 [S], cumulative
    cumulative: np.ndarray  # float32 [S*A, K]
    state: np.ndarray  # int32 [S*A, K]
    reward: np.ndarray  # float32 [S*A, K]
    terminated: np.ndarray  # bool [S*A, K]

    @property
    def states(self) -> int:
        """S."""
        return len(self.start)

    @property
    def actions(self) -> int:
        """A."""
        return len(self.cumulative) // self.states


def build_table(
    outcomes: Sequence[Sequence[Sequence[Outcome]]], start: Sequence[float]
) -> OutcomeTable:
    """Lays out outcomes[s][a], a list of `Outcome`, and the start distribution as arrays."""
    rows = [row for actions in outcomes for row in actions]
    width = max(len(row) for row in rows)
    never = Outcome(0.0, 0, 0.0, False)
    padded = [[*row, *[never] * (width - len(row))] for row in rows]
    probability = np.array([[item.probability for item in row] for row in padded])
    return OutcomeTable(
        _cumulative(np.asarray(start)),
        _cumulative(probability),
        np.array([[item.state for item in row] for row in padded], np.int32),
        np.array([[item.reward for item in row] for row in padded], np.float32),
        np.array([[item.terminated for item in row] for row in padded], bool),
    )


def _cumulative(probability: np.ndarray) -> np.ndarray:
    """Returns cumulative probabilities, `NEVER` from the last possible outcome onwards.

    The sum may be rounded to less than 1; a draw above it must not select an outcome of
    probability 0.
    """
    later = np.flip(np.cumsum(np.flip(probability, -1), -1), -1) - probability
    return np.where(later > 0, np.cumsum(probability, -1), NEVER).astype(np.float32)


def draw(cumulative: jax.Array | np.ndarray, key: jax.Array) -> jax.Array:
    """Returns an index drawn from cumulative probabilities [K], with one uniform number."""
    if cumulative.shape[-1] == 1:
        return jnp.zeros((), jnp.int32)
    uniform = jax.random.uniform(key, (), jnp.float32)
    return jnp.sum(uniform >= cumulative[:-1], dtype=jnp.int32)


class TableWorld(abc.ABC):
    """A world made of a table; a subclass says which table and which time limit.

    The state is the int32 number of the present state, which is also the observation.
    """

    @abc.abstractmethod
    def table(self) -> OutcomeTable:
        """Returns the outcomes of this world."""

    @property
    def observation_space(self) -> spaces.Discrete:
        """The number of the present state."""
        return spaces.Discrete(self.table().states)

    @property
    def action_space(self) -> spaces.Discrete:
        """The actions, counted from 0."""
        return spaces.Discrete(self.table().actions)

    def initial(self, key: jax.Array) -> jax.Array:
        """Returns a state drawn from the start distribution."""
        start = self.table().start
        first = int(np.argmax(start == NEVER))
        # A certain start needs no random number.
        if not (start[:first] > 0).any():
            return jnp.full((), first, jnp.int32)
        return draw(start, key)

    def observe(self, state: jax.Array) -> jax.Array:
        """Returns the state itself."""
        return state

    def step(
        self, state: jax.Array, action: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Draws an outcome and returns its state, its reward and whether it terminates."""
        table = self.table()
        row = state * table.actions + action.astype(jnp.int32)
        chosen = draw(jnp.asarray(table.cumulative)[row], key)
        place = (row, chosen)
        after = jnp.asarray(table.state)[place]
        return after, jnp.asarray(table.reward)[place], jnp.asarray(table.terminated)[place]
