"""The checker of worlds: the library's pass, and each clause finds its culprit, late ones too."""

import itertools
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary

from catallax import worlds
from catallax._errors import CheckFailed
from catallax.checks import check_world

COUNT = itertools.count()


def broken(findings):
    return {finding.clause for finding in findings if not finding.passed}


@pytest.mark.parametrize(
    "world",
    [
        worlds.CartPole(),
        worlds.Acrobot(),
        worlds.MountainCar(),
        worlds.MountainCarContinuous(),
        worlds.Pendulum(),
        worlds.FrozenLake(),
        worlds.CliffWalking(is_slippery=True),
        worlds.Chain(),
        worlds.Bandit(),
        worlds.Corridor(),
        worlds.Tabular([[[1.0]]], [[0.5]], [False]),
        worlds.Remember(worlds.CartPole(), 2),
        worlds.from_gymnax("CartPole-v1"),
        "CliffWalking-v1",
        worlds.GymnasiumWorlds("CartPole-v1", 3),
        worlds.GymnasiumWorlds("Pendulum-v1", 2),
        worlds.HostSpec("Taxi-v4"),
        worlds.HostSpec("FrozenLake-v1", symbols=2),
        worlds.FunctionalOnHost(worlds.Corridor(), 2),
    ],
    ids=lambda world: str(world)[:30],
)
def test_the_worlds_of_the_library_pass(world):
    assert all(finding.passed for finding in check_world(world))


# --- compiled worlds that are wrong


@dataclass(frozen=True)
class Clock:
    """Counts its ticks; a world without faults, for the others to spoil."""

    time_limit: Any = 500

    @property
    def observation_space(self):
        return Box(0.0, 1_000.0, (1,))

    @property
    def action_space(self):
        return Discrete(2)

    def initial(self, key):
        return jnp.int32(0)

    def observe(self, state):
        return state.astype(jnp.float32)[None]

    def step(self, state, action, key):
        return state + jnp.int32(1), jnp.float32(1), jnp.asarray(False)


@dataclass(frozen=True)
class BlindAt100(Clock):
    def observe(self, state):
        return jnp.where(state == 100, jnp.nan, state.astype(jnp.float32))[None]


@dataclass(frozen=True)
class RichAt100(Clock):
    def step(self, state, action, key):
        after, reward, ended = super().step(state, action, key)
        return after, jnp.where(state == 100, jnp.inf, reward), ended


@dataclass(frozen=True)
class OffTheMapAt100(Clock):
    @property
    def observation_space(self):
        return Discrete(100)

    def observe(self, state):
        return state


@dataclass(frozen=True)
class Widening(Clock):
    def step(self, state, action, key):
        return (state + 1.0, *super().step(state, action, key)[1:])


@dataclass(frozen=True)
class WideInWide(Clock):
    def step(self, state, action, key):
        return state + 1, jnp.sum(jnp.arange(3.0)), jnp.asarray(False)


@dataclass(frozen=True)
class CountsEnds(Clock):
    def step(self, state, action, key):
        return (*super().step(state, action, key)[:2], jnp.float32(0))


@dataclass(frozen=True)
class Moody(Clock):
    def step(self, state, action, key):
        after, reward, ended = super().step(state, action, key)
        return after, reward + jnp.float32(next(COUNT)), ended


@dataclass(frozen=True)
class Pressing(Clock):
    @property
    def action_space(self):
        return MultiBinary(2)


class Loose:
    time_limit = None

    def initial(self, key):
        return jnp.int32(0)


CULPRITS = [
    (Loose(), "follows the protocol"),
    (Loose(), "is a frozen value"),
    (Pressing(), "has spaces that agents can use"),
    (Clock(time_limit=0), "has a time limit in ticks, or None"),
    (Clock(time_limit=2.5), "has a time limit in ticks, or None"),
    (Widening(), "keeps its dtypes"),
    (OffTheMapAt100(), "shows observations of its space"),
    (BlindAt100(), "shows finite observations"),
    (RichAt100(), "pays finite float32 rewards"),
    (CountsEnds(), "tells the end by a bool"),
    (Moody(), "is the same given the same key"),
    (WideInWide(), "is the same where 64-bit numbers are allowed"),
]


@pytest.mark.parametrize(("world", "clause"), CULPRITS, ids=lambda part: str(part)[:30])
def test_each_clause_of_compiled_worlds_finds_its_culprit(world, clause):
    assert clause in broken(check_world(world, on_fail="report"))


def test_every_clause_of_compiled_worlds_has_a_culprit_and_a_clock_has_none():
    clauses = {finding.clause for finding in check_world(Clock(time_limit=None))}
    assert clauses == {clause for _, clause in CULPRITS}


def test_a_late_failure_breaks_one_clause_and_is_told_with_its_tick():
    assert broken(check_world(RichAt100(), on_fail="report")) == {"pays finite float32 rewards"}
    with pytest.raises(CheckFailed, match=r"The world RichAt100 .* inf at tick 100"):
        check_world(RichAt100())
    expected = {"pays finite float32 rewards": "a jackpot"}
    assert all(finding.fine for finding in check_world(RichAt100(), expected_failures=expected))


# --- batches on the host that are wrong


class Walk:
    """Walks at random for `length` ticks; a batch without faults."""

    observation_space, action_space = Box(-100.0, 100.0, (2,)), Discrete(2)

    def __init__(self, count=2, length=12):
        self.count, self.time_limit = count, length
        self.place, self.ticks = np.zeros((count, 2), np.float32), np.zeros(count, int)
        self.draws = [np.random.default_rng(0) for _ in range(count)]

    def reset(self, seeds, which=None):
        for world in range(self.count):
            if which is None or which[world]:
                self.begin(world, seeds[world])
        return self.place.copy()

    def begin(self, world, seed):
        self.draws[world] = np.random.default_rng(seed)
        self.place[world], self.ticks[world] = self.draws[world].random(2), 0

    def step(self, actions, active=None):
        active = np.ones(self.count, bool) if active is None else active
        for world in np.flatnonzero(active):
            self.place[world] += 1 + self.draws[world].random()
            self.ticks[world] += 1
        over = (self.ticks >= self.time_limit) & active
        return self.place.copy(), active.astype(float), np.zeros(self.count, bool), over


class BlindLate(Walk):
    def step(self, actions, active=None):
        seen, *rest = super().step(actions, active)
        return np.where(self.ticks[:, None] == 11, np.nan, seen).astype(np.float32), *rest


class WideSeen(Walk):
    def step(self, actions, active=None):
        seen, *rest = super().step(actions, active)
        return seen.astype(float), *rest


class OwnDice(Walk):
    dice = np.random.default_rng(0)

    def begin(self, world, seed):
        super().begin(world, seed)
        self.draws[world] = self.dice
        self.place[world] = np.random.default_rng(seed).random(2)


class Restless(Walk):
    def step(self, actions, active=None):
        return super().step(actions)


class SecretlyRestless(Walk):
    def step(self, actions, active=None):
        for world in np.flatnonzero(~active):
            self.draws[world].random()
        return super().step(actions, active)


class ResetsItself(Walk):
    def step(self, actions, active=None):
        _, reward, terminated, over = super().step(actions, active)
        for world in np.flatnonzero(over):
            self.begin(world, 7)
        return self.place.copy(), reward, terminated, over


class Endless(Walk):
    def step(self, actions, active=None):
        seen, reward, terminated, over = super().step(actions, active)
        return seen, reward, terminated, over & (self.ticks >= 50)


class NoCount(Walk):
    def __init__(self):
        super().__init__()
        self.count = np.float64(2)


class NoSpace(Walk):
    action_space = MultiBinary(2)


HOST_CULPRITS = [
    (NoCount(), "follows the protocol"),
    (NoSpace(), "has spaces that agents can use"),
    (Walk(length=1.5), "has a time limit in ticks, or None"),
    (WideSeen(), "answers in the right form"),
    (BlindLate(), "shows and pays finite numbers"),
    (OwnDice(), "is the same given the same seeds"),
    (Restless(), "worlds that are not active do not move"),
    (SecretlyRestless(), "a pause changes nothing"),
    (ResetsItself(), "nothing resets by itself"),
    (Endless(), "keeps its time limit"),
]


@pytest.mark.parametrize(("batch", "clause"), HOST_CULPRITS, ids=lambda part: type(part).__name__)
def test_each_clause_of_batches_finds_its_culprit(batch, clause):
    assert clause in broken(check_world(batch, on_fail="report"))


def test_every_clause_of_batches_has_a_culprit_and_a_walk_has_none():
    clauses = {finding.clause for finding in check_world(Walk())}
    assert clauses == {clause for _, clause in HOST_CULPRITS}


def test_a_batch_that_draws_from_its_own_dice_can_be_announced():
    slippery = worlds.FunctionalOnHost(worlds.FrozenLake(), 2)
    reason = "its steps draw from a seed of the whole batch"
    expected = dict.fromkeys(
        ("is the same given the same seeds", "a pause changes nothing"), reason
    )
    findings = check_world(slippery, on_fail="report", expected_failures=expected)
    assert broken(findings) <= set(expected)
