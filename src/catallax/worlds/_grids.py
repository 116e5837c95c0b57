"""FrozenLake and CliffWalking: walks on a grid."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from catallax._errors import InvalidSetting

from ._checks import require_finite_setting, require_time_limit
from ._outcomes import Outcome, OutcomeTable, TableWorld, build_table

Move = tuple[int, int]  # rows down, columns right

LEFT, DOWN, RIGHT, UP = (0, -1), (1, 0), (0, 1), (-1, 0)
LAKE_MOVES: tuple[Move, ...] = (LEFT, DOWN, RIGHT, UP)
CLIFF_MOVES: tuple[Move, ...] = (UP, RIGHT, DOWN, LEFT)

LAKES = {
    "4x4": ("SFFF", "FHFH", "FFFH", "HFFG"),
    "8x8": (
        "SFFFFFFF",
        "FFFFFFFF",
        "FFFHFFFF",
        "FFFFFHFF",
        "FFFHFFFF",
        "FHHFFFHF",
        "FHFFHFHF",
        "FFFHFFFG",
    ),
}
LAKE_LIMITS = {"4x4": 100, "8x8": 200}

CLIFF_ROWS, CLIFF_COLUMNS = 4, 12
CLIFF_START = (3, 0)
CLIFF_GOAL = (3, 11)


@dataclass(frozen=True)
class FrozenLake(TableWorld):
    """Gymnasium's FrozenLake-v1 in JAX: cross the ice without falling into a hole.

    Observation: int32, row * columns + column. Action: int32, 0 left, 1 down, 2 right, 3 up.
    Reward: 1 on reaching the goal, 0 otherwise. A hole and the goal end the episode.

    Args:
        map_name: "4x4" or "8x8".
        is_slippery: Whether a step may slip to either side of the direction chosen.
        success_rate: Probability of not slipping; the rest is shared by the two sides.
        reward_schedule: Paid on reaching goal, hole, ice.
        time_limit: Ticks until the driver truncates; None for no limit; 0 means the limit
            that Gymnasium registers for the map, 100 for 4x4 and 200 for 8x8.

    Raises:
        InvalidSetting: The map is unknown, a reward not finite, the rate not a probability,
            or the time limit not a positive integer, 0 or None.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> world = FrozenLake(is_slippery=False)
        >>> state, reward, terminated = world.step(jnp.int32(14), jnp.int32(2), jax.random.key(0))
        >>> int(state), float(reward), bool(terminated), world.time_limit
        (15, 1.0, True, 100)

    Source:
        gymnasium.envs.toy_text.frozen_lake.
    """

    map_name: str = "4x4"
    is_slippery: bool = True
    success_rate: float = 1.0 / 3.0
    reward_schedule: tuple[float, float, float] = (1.0, 0.0, 0.0)
    time_limit: int | None = 0

    def __post_init__(self) -> None:
        """Checks the settings and looks up the time limit of the map."""
        if self.map_name not in LAKES:
            raise InvalidSetting(
                f"FrozenLake was given map_name={self.map_name!r}.",
                "There is no such map.",
                f"Use one of {', '.join(LAKES)}, or 'gymnasium:FrozenLake-v1' with a desc.",
            )
        _require_rate(self.success_rate)
        object.__setattr__(self, "reward_schedule", _three_rewards(self.reward_schedule))
        if self.time_limit == 0:
            object.__setattr__(self, "time_limit", LAKE_LIMITS[self.map_name])
        require_time_limit("FrozenLake", self.time_limit)

    def table(self) -> OutcomeTable:
        """Returns the outcomes, in the order of Gymnasium's table P."""
        return _lake_table(self)


@dataclass(frozen=True)
class CliffWalking(TableWorld):
    """Gymnasium's CliffWalking-v1 in JAX: walk along a cliff to the goal.

    Observation: int32, row * 12 + column. Action: int32, 0 up, 1 right, 2 down, 3 left.
    Reward: -1 on every tick, -100 for a step into the cliff, which leads back to the start.
    The goal ends the episode.

    Args:
        is_slippery: Whether a step goes to either side of the direction chosen, each with
            probability 1/3.
        time_limit: Ticks until the driver truncates; None for no limit. Gymnasium has none;
            200 here, because a walk that never finds the goal would never end.

    Raises:
        InvalidSetting: The time limit is not a positive integer or None.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> state, reward, _ = CliffWalking().step(
        ...     jnp.int32(36), jnp.int32(1), jax.random.key(0)
        ... )
        >>> int(state), float(reward)
        (36, -100.0)

    Source:
        Sutton and Barto (2018), Reinforcement learning, example 6.6;
        gymnasium.envs.toy_text.cliffwalking.
    """

    is_slippery: bool = False
    time_limit: int | None = 200

    def __post_init__(self) -> None:
        """Checks the settings."""
        require_time_limit("CliffWalking", self.time_limit)

    def table(self) -> OutcomeTable:
        """Returns the outcomes, in the order of Gymnasium's table P."""
        return _cliff_table(self.is_slippery)


@lru_cache(maxsize=64)
def _lake_table(world: FrozenLake) -> OutcomeTable:
    lake = LAKES[world.map_name]
    rows, columns = len(lake), len(lake[0])
    pay = dict(zip("GHF", world.reward_schedule, strict=True))
    slip = (1.0 - world.success_rate) / 2.0
    shares = (slip, world.success_rate, slip) if world.is_slippery else (1.0,)

    def arrive(row: int, column: int) -> tuple[int, float, bool]:
        tile = lake[row][column].replace("S", "F")
        return row * columns + column, pay[tile], tile in "GH"

    outcomes = _walks(rows, columns, LAKE_MOVES, shares, arrive)
    for state, tile in enumerate("".join(lake)):
        if tile in "GH":
            outcomes[state] = [[Outcome(1.0, state, 0.0, True)] for _ in LAKE_MOVES]
    return build_table(outcomes, np.eye(rows * columns)[0].tolist())


@lru_cache(maxsize=2)
def _cliff_table(is_slippery: bool) -> OutcomeTable:
    home = CLIFF_START[0] * CLIFF_COLUMNS + CLIFF_START[1]

    def arrive(row: int, column: int) -> tuple[int, float, bool]:
        if row == CLIFF_ROWS - 1 and 0 < column < CLIFF_COLUMNS - 1:
            return home, -100.0, False
        return row * CLIFF_COLUMNS + column, -1.0, (row, column) == CLIFF_GOAL

    shares = (1 / 3, 1 / 3, 1 / 3) if is_slippery else (1.0,)
    outcomes = _walks(CLIFF_ROWS, CLIFF_COLUMNS, CLIFF_MOVES, shares, arrive)
    return build_table(outcomes, np.eye(CLIFF_ROWS * CLIFF_COLUMNS)[home].tolist())


def _walks(
    rows: int,
    columns: int,
    moves: tuple[Move, ...],
    shares: tuple[float, ...],
    arrive: Callable[[int, int], tuple[int, float, bool]],
) -> list[list[list[Outcome]]]:
    """Returns outcomes[state][action] of walks that stop at the border of a grid.

    With three shares, they belong to the move before the chosen one, the chosen one, and
    the move after it; with one share, the chosen move is certain.
    """
    turns = (-1, 0, 1) if len(shares) == 3 else (0,)

    def outcome(place: Move, action: int, turn: int, share: float) -> Outcome:
        down, right = moves[(action + turn) % len(moves)]
        row = min(max(place[0] + down, 0), rows - 1)
        column = min(max(place[1] + right, 0), columns - 1)
        return Outcome(share, *arrive(row, column))

    places = [(row, column) for row in range(rows) for column in range(columns)]
    return [
        [
            [outcome(place, action, *way) for way in zip(turns, shares, strict=True)]
            for action in range(len(moves))
        ]
        for place in places
    ]


def _require_rate(rate: float) -> None:
    require_finite_setting("FrozenLake", "success_rate", rate)
    if not 0 <= rate <= 1:
        raise InvalidSetting(
            f"FrozenLake was given success_rate={rate}.",
            "It is a probability.",
            "Give a number from 0 to 1.",
        )


def _three_rewards(rewards: tuple[float, float, float]) -> tuple[float, ...]:
    if len(rewards) != 3:
        raise InvalidSetting(
            f"FrozenLake was given reward_schedule={rewards!r}.",
            "It pays for three things: goal, hole, ice.",
            "Give three finite numbers.",
        )
    for reward in rewards:
        require_finite_setting("FrozenLake", "reward_schedule", reward)
    return tuple(float(reward) for reward in rewards)
