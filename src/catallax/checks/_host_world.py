"""The contract of a batch of worlds on the host, tested over whole episodes."""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Discrete

from catallax.checks._clauses import Clause, clause, demand, demand_members
from catallax.checks._draws import draw_actions
from catallax.worlds._spaces import (
    observation_size,
    require_action_space,
    require_observation_space,
)

HOST_TICKS, LONGEST = 320, 1_000
HOST_CONTRACT: list[Clause] = []
MEMBERS = ("count", "observation_space", "action_space", "time_limit", "reset", "step")


class Answer(NamedTuple):
    """What a tick of W worlds answered."""

    observation: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray

    @property
    def ended(self) -> np.ndarray:
        """Worlds whose episode is over."""
        return self.terminated | self.truncated


class Stage:
    """A batch of worlds, and how it answers random play."""

    def __init__(self, worlds: Any) -> None:
        self.worlds = worlds

    def actions(self, seed: int) -> np.ndarray:
        """Returns random actions of all worlds for one tick."""
        return draw_actions(self.worlds.action_space, (self.worlds.count,), seed)

    def seeds(self, first: int) -> list[int]:
        """Returns one seed a world."""
        return list(range(first, first + self.worlds.count))

    def begin(self, first_seed: int) -> np.ndarray:
        """Resets all worlds."""
        return np.array(self.worlds.reset(self.seeds(first_seed)))

    def step(self, seed: int, active: np.ndarray) -> Answer:
        """Steps the active worlds with random actions; copies, for arrays may be used again."""
        return Answer(*(np.array(part) for part in self.worlds.step(self.actions(seed), active)))

    def episode(self, first_seed: int) -> list[Answer]:
        """Plays one episode in every world; those that end wait for the others."""
        self.begin(first_seed)
        going, answers = np.ones(self.worlds.count, bool), []
        while going.any() and len(answers) < LONGEST:
            answers.append(self.step(len(answers), going))
            going = going & ~answers[-1].ended
        return answers

    @cached_property
    def play(self) -> tuple[np.ndarray, list[Answer]]:
        """First observations, and 320 ticks in which worlds that end begin again."""
        first, answers = self.begin(0), []
        for tick in range(HOST_TICKS):
            answers.append(self.step(tick, np.ones(self.worlds.count, bool)))
            if answers[-1].ended.any():
                self.worlds.reset(self.seeds(1000 + tick), answers[-1].ended)
        return first, answers


@clause(
    HOST_CONTRACT,
    "follows the protocol",
    "A market calls these by name.",
    "Give it what catallax.worlds.HostWorld lists.",
)
def follows_protocol(stage: Stage) -> None:
    """It has every member, and a count."""
    demand_members(stage.worlds, MEMBERS)
    count = stage.worlds.count
    demand(isinstance(count, int) and count >= 1, f"its count is {count!r}")


@clause(
    HOST_CONTRACT,
    "has spaces that agents can use",
    "Agents see and give arrays of fixed size.",
    "Wrap the worlds so that both spaces have a form that catallax.worlds.World describes.",
)
def has_spaces(stage: Stage) -> None:
    """Both are supported."""
    require_observation_space(stage.worlds.observation_space)
    require_action_space(stage.worlds.action_space)


@clause(
    HOST_CONTRACT,
    "has a time limit in ticks, or None",
    "Whoever plays wants to know when it ends.",
    "Give a positive int or None.",
)
def has_time_limit(stage: Stage) -> None:
    """Positive whole number, or None."""
    limit = stage.worlds.time_limit
    demand(limit is None or (type(limit) is int and limit >= 1), f"it is {limit!r}")


@clause(
    HOST_CONTRACT,
    "answers in the right form",
    "The driver hands these arrays on as they are.",
    "Return int32 [W] or float32 [W, D], float64 [W], bool [W] and bool [W].",
)
def answers_in_form(stage: Stage) -> None:
    """Shapes and dtypes of reset and of every step."""
    first, answers = stage.play
    for tick, answer in enumerate(answers):
        _demand_form(stage, answer.observation, f"at tick {tick}, an observation")
        flags = (
            ("float64", answer.reward),
            ("bool", answer.terminated),
            ("bool", answer.truncated),
        )
        for wanted, part in flags:
            right = part.dtype.name == wanted and part.shape == (stage.worlds.count,)
            demand(right, f"at tick {tick}, {part.dtype} {part.shape} stands for {wanted} [W]")
    _demand_form(stage, first, "after reset, an observation")


def _demand_form(stage: Stage, seen: np.ndarray, what: str) -> None:
    space, count = stage.worlds.observation_space, stage.worlds.count
    found = (seen.dtype.name, seen.shape)
    if isinstance(space, Discrete):
        demand(found == ("int32", (count,)), f"{what} is {found}, not int32 [W]")
        inside = (seen >= 0) & (seen < int(space.n))
        demand(inside.all(), f"{what} is {seen.tolist()}, which is not of {space}")
    else:
        wanted = ("float32", (count, observation_size(space)))
        demand(found == wanted, f"{what} is {found}, not {wanted}")


@clause(
    HOST_CONTRACT,
    "shows and pays finite numbers",
    "Money has no NaN, and bids come from observations.",
    "Bound the state and the rewards.",
)
def is_finite(stage: Stage) -> None:
    """Over the whole play."""
    first, answers = stage.play
    demand(np.isfinite(first).all(), "after reset an observation is not finite")
    for tick, answer in enumerate(answers):
        demand(
            np.isfinite(answer.observation).all(), f"at tick {tick} an observation is not finite"
        )
        demand(np.isfinite(answer.reward).all(), f"at tick {tick} a reward is not finite")


@clause(
    HOST_CONTRACT,
    "is the same given the same seeds",
    "An evaluation could not be repeated.",
    "Draw everything, steps too, from a generator that reset seeds.",
)
def is_deterministic(stage: Stage) -> None:
    """A whole episode is, not only its first observation; and other seeds were used between."""
    once = stage.episode(50)
    stage.episode(90)
    again = stage.episode(50)
    for tick, (one, other) in enumerate(zip(once, again, strict=False)):
        same = all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
        demand(same, f"the second episode with the same seeds and actions differs at tick {tick}")
    demand(len(once) == len(again), "the second episode with the same seeds has another length")


@clause(
    HOST_CONTRACT,
    "worlds that are not active do not move",
    "A market would pay for moves of nobody.",
    "Step the worlds of the mask only; the others keep their observation and pay 0.",
)
def idle_worlds_rest(stage: Stage) -> None:
    """They keep their observation, pay nothing, do not end, and are not reset by a mask."""
    first = stage.begin(3)
    for tick in range(8):
        active = np.arange(stage.worlds.count) != 0
        answer = stage.step(tick, active)
        same = np.array_equal(answer.observation[0], first[0])
        demand(same, f"world 0 moved at tick {tick} though it was not active")
        demand(answer.reward[0] == 0, f"world 0 paid {answer.reward[0]} though it was not active")
        demand(not answer.ended[0], "world 0 ended though it was not active")
        if answer.ended.any():
            seen = np.array(stage.worlds.reset(stage.seeds(400 + tick), answer.ended))
            demand(np.array_equal(seen[0], first[0]), "a reset of other worlds moved world 0")


@clause(
    HOST_CONTRACT,
    "a pause changes nothing",
    "A world that waits for its market must go on where it stood.",
    "Leave the state, the clock and the generator of worlds outside the mask alone.",
)
def pause_changes_nothing(stage: Stage) -> None:
    """After a pause world 0 goes on as without one: nothing moved unseen."""
    everyone = np.ones(stage.worlds.count, bool)
    stage.begin(3)
    once = stage.step(0, everyone)
    stage.begin(3)
    for tick in range(3):
        stage.step(tick, np.zeros(stage.worlds.count, bool))
    again = stage.step(0, everyone)
    for name, a, b in zip(Answer._fields, once, again, strict=True):
        demand(np.array_equal(a[0], b[0]), f"after a pause its {name} is {b[0]}, not {a[0]}")


@clause(
    HOST_CONTRACT,
    "nothing resets by itself",
    "The last owner is paid on the final observation.",
    "Return the final observation, and begin again in reset only.",
)
def no_auto_reset(stage: Stage) -> None:
    """Final observations stay, and are not those of beginnings."""
    begun = np.concatenate([stage.begin(seed) for seed in range(0, 40, 2)])
    finals, left = [], False
    for seed in range(200, 240, 10):
        answers = stage.episode(seed)
        over = np.zeros(stage.worlds.count, bool)
        for tick, (before, answer) in enumerate(zip([answers[0], *answers], answers, strict=False)):
            same = np.array_equal(answer.observation[over], before.observation[over])
            demand(same, f"at tick {tick} an ended world that waits shows something else")
            over |= answer.ended
            left = left or bool((~_within(answer.observation[~over], begun)).any())
        finals.append(_within(answers[-1].observation[over], begun))
    looks_begun = np.concatenate(finals)
    renewed = left and looks_begun.size and looks_begun.all()
    demand(not renewed, "every final observation looks like one after a reset")


def _within(seen: np.ndarray, begun: np.ndarray) -> np.ndarray:
    """Returns bool `[n]`: whether an observation is one of the first, or within their range."""
    if seen.ndim == 1:
        return np.isin(seen, begun)
    return ((seen >= begun.min(axis=0)) & (seen <= begun.max(axis=0))).all(axis=1)


@clause(
    HOST_CONTRACT,
    "keeps its time limit",
    "Whoever reads it counts on an end.",
    "Report truncation when an episode has lasted time_limit ticks.",
)
def keeps_its_limit(stage: Stage) -> str | None:
    """No episode of random play is longer."""
    limit = stage.worlds.time_limit
    if limit is None or limit >= LONGEST:
        return f"it has no limit below {LONGEST}"
    ticks = len(stage.episode(5))
    demand(ticks <= limit, f"an episode lasted {ticks} ticks or more, and the limit is {limit}")
    return None
