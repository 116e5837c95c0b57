"""Markets on the host: Python agents, Gymnasium, observations and actions of many kinds."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import catallax as cx
from catallax._errors import AgentFailed, BadBid
from catallax._host import Stage, outside_offers
from catallax.worlds import FunctionalOnHost, GymnasiumWorlds

LEARNING = cx.Learning(horizon=8, trace=0.0, optimizer="adam", rate=0.1)


class Signal(gymnasium.Env):
    """One step: press the button that the lamp shows, for 1; observations are a Dict."""

    def __init__(self):
        self.observation_space = spaces.Dict(
            {"lamp": spaces.Discrete(2), "noise": spaces.Box(-1, 1, (1,), np.float32)}
        )
        self.action_space = spaces.MultiDiscrete([2, 2])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.lamp = int(self.np_random.integers(2))
        return self._seen(), {}

    def step(self, action):
        button, other = (int(part) for part in action)
        return self._seen(), float(button == self.lamp and other == 1), True, False, {}

    def _seen(self):
        noise = self.np_random.uniform(-1, 1, 1).astype(np.float32)
        return {"lamp": self.lamp, "noise": noise}


def test_a_dict_of_observations_and_a_tuple_of_choices_through_gymnasium():
    """Four agents, one a joint action, learn which of them the lamp calls for."""
    market = cx.DeepMarket(
        agents=[cx.Linear(encoder=cx.Raw())],
        learning=LEARNING,
        exploration=cx.EpsilonGreedy(1.0, 0.1),
    )
    batch = GymnasiumWorlds(Signal, 8)
    economy = cx.train(market, batch, steps=1600, seed=0)
    assert len(economy.wealth) == 4
    assert economy.audit().balanced
    earned = [Signal() for _ in range(20)]
    for index, env in enumerate(earned):
        seen, _ = env.reset(seed=index)
        batched = {name: np.asarray([value]) for name, value in seen.items()}
        (action,) = economy.predict(batched)
        assert env.step(action)[1] == 1.0
    assert economy.evaluate(40, world=GymnasiumWorlds(Signal, 10)).mean == 1.0


def market_of(species, nobody=None, **rules):
    return cx.DeepMarket(
        agents=species,
        auction=cx.Vickrey(),
        exploration=cx.NoExploration(),
        learning=cx.Learning(horizon=4),
        nobody=nobody or cx.RandomAction(),
        **rules,
    )


def test_a_python_function_trades_like_the_constant_that_does_the_same():
    """Beside a rival, on the host both: the same bids, the same books."""

    def function(observation):
        return 1, 0.75

    def books(agent):
        market = market_of([agent, cx.Constant(action=0, offer=0.5)])
        return cx.train(market, FunctionalOnHost(cx.worlds.Chain(), 2), steps=96, seed=1)

    mine, theirs = books(cx.Program(function=function)), books(cx.Constant(action=1, offer=0.75))
    assert mine.balances == theirs.balances
    assert mine.digest == theirs.digest
    assert mine.metrics["episodes"].sum() > 0


def test_a_program_that_abstains_leaves_the_world_to_others():
    def timid(observation):
        return 1, (1.0 if observation >= 2 else None)

    market = market_of([cx.Program(function=timid), cx.Constant(action=1, offer=0.1)])
    economy = cx.train(market, cx.worlds.Chain(length=5), steps=64, worlds=2, seed=0)
    records = {record.id: record for record in economy.inspect()}
    assert records[0].wins > 0 and records[1].wins > 0
    assert economy.evaluate(5, world=cx.worlds.Chain(length=5)).mean == pytest.approx(0.8)


def broken(observation):
    raise ZeroDivisionError("no idea")


def vague(observation):
    return 7, 1.0


def endless(observation):
    return 0, float("nan")


@pytest.mark.parametrize(
    ("function", "error", "word"),
    [(broken, AgentFailed, "no idea"), (vague, AgentFailed, "vague"), (endless, BadBid, "bid")],
)
def test_what_a_program_gets_wrong_is_said(function, error, word):
    with pytest.raises(error, match=word):
        cx.train(market_of([cx.Program(function=function)]), cx.worlds.Chain(), steps=16, worlds=2)


def test_the_dead_are_not_asked():
    asked = []

    def function(observation):
        asked.append(observation)
        return 0, 1.0

    market = market_of([cx.Program(function=function, count=2)], capital=cx.Hard(1.0))
    driver = cx._drivers.driver_of(market, cx.worlds.Chain(), 3, 0)
    economy = driver.first_state(0).economy
    dead = economy.population._replace(alive=np.array([False, True]))
    offers = outside_offers(
        driver.setting, economy._replace(population=dead), np.zeros(3, np.int32)
    )
    assert len(asked) == 3
    assert offers.enters.tolist() == [[False] * 3, [True] * 3]


def test_the_stage_closes_truncated_worlds_and_resets_ended_ones():
    """A world cut short is shown once more, unmoved, before it begins again."""
    stage = Stage(FunctionalOnHost(cx.worlds.Corridor(steps=9, time_limit=2), 2), 0, [0, 0])
    right, none = np.zeros(2, np.int32), np.zeros(2, bool)
    for _ in range(2):
        reward, over = stage.move(right, none)
        stage.turn(reward, over, none)
    assert stage.closing.all() and stage.observation.tolist() == [2, 2]
    stage.move(right, none)
    assert stage.observation.tolist() == [2, 2]
    stage.turn(np.zeros(2), np.ones(2, bool), none)
    assert not stage.closing.any() and stage.observation.tolist() == [0, 0]
    assert stage.resets.tolist() == [2, 2]
