"""A market, not a value function with receipts: ruin, mixture, selection, and who caps bind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Discrete

import catallax as cx
from catallax._errors import InvalidSetting, UnsupportedSpace
from test_deep import tables_of

LEARNING = cx.Learning(horizon=8, trace=0.0, optimizer="sgd", rate=0.5, decay="none")
SCHOOL = cx.EpsilonGreedy(1.0, 0.05, until=0.7)


# --- ruin


def test_an_overbidding_newcomer_is_bankrupt_within_sixteen_auctions():
    """Whoever pays 2 for a world and then throws it away, at -0.7, cannot last on 10 credits.

    It buys for 2 and loses 0.7: 7.3, 4.6, 1.9; the cap lets it bid 1.9 once more, and the last 0.7
    is more than it has. Four auctions, and the debt is paid by `losses`.
    """
    # Two places and an end: 0 goes on, 1 jumps off.
    chances = np.zeros((3, 2, 3))
    chances[0, 0, 1] = chances[1, 0, 2] = chances[:, 1, 2] = chances[2, 0, 2] = 1
    rewards = [[0.0, -0.7], [1.0, -0.7], [0.0, 0.0]]
    world = cx.worlds.Tabular(chances, rewards, [False, False, True])
    market = cx.DeepMarket(
        agents=[cx.Tabular()],
        discount=0.9,
        capital=cx.Hard(500.0),
        exploration=cx.EpsilonGreedy(0.5, 0.0),
        learning=LEARNING,
    )
    economy = cx.train(market, world, steps=1200, worlds=1)
    assert economy.evaluate(3).mean == 1.0
    (newcomer,) = economy.add(cx.Constant(action=1, offer=2.0), endowment=10.0)
    assert economy.evaluate(3).mean == pytest.approx(-0.7)
    before = economy.balances["losses"]
    economy.train(16)
    assert newcomer not in economy.wealth
    assert economy.balances["losses"] < before
    assert economy.metrics["deaths"][-1] == 1
    assert economy.evaluate(3).mean == 1.0
    assert economy.audit().balanced


# --- mixture


def test_a_market_of_mixed_species_learns_the_chain():
    """Tables, networks, lines and fixed rules bid against one another."""
    market = cx.DeepMarket(
        agents=[
            cx.Tabular(),
            cx.Neural(hidden=(16,)),
            cx.Linear(encoder=cx.Raw()),
            cx.Rule(count=8, offer_max=0.2),
            cx.Constant(action=0, offer=0.05),
        ],
        discount=0.9,
        exploration=SCHOOL,
        learning=cx.Learning(horizon=8, trace=0.0, rate=0.02),
    )
    economy = cx.train(market, cx.worlds.Chain(length=4), steps=8000, worlds=8, seed=0)
    assert economy.evaluate(5).mean == pytest.approx(0.8)
    records = economy.inspect()
    assert len(records) == 2 + 2 + 2 + 8 + 1
    assert sum(1 for record in records if record.wins > 0) > 10
    assert economy.audit().balanced


# --- selection alone


@pytest.mark.parametrize("breeds", [False, True])
def test_selection_alone_solves_a_small_world_on_five_seeds(breeds):
    """Fixed rules; entry tries new ones, wealth keeps the good ones, and nobody learns."""
    market = cx.DeepMarket(
        agents=[cx.Rule(count=32, capacity=128, offer_max=0.8)],
        auction=cx.FirstPrice(),
        discount=0.95,
        exploration=cx.NoExploration(),
        capital=cx.Hard(2.0),
        rent=cx.Rent(0.001),
        entry=cx.Mutate(allowance=2.0, threshold=2.0) if breeds else cx.Enumerate(allowance=2.0),
        learning=cx.Learning(horizon=64),
        treasury=200.0,
    )
    world, first = cx.worlds.Chain(length=3, time_limit=10), []
    for seed in range(5):
        economy = cx.train(market, world, steps=12_000, worlds=1, seed=seed)
        returns, episodes = economy.metrics["returns"], economy.metrics["episodes"]
        first.append(returns[0] / episodes[0])
        quarter = len(returns) // 4
        late = returns[-quarter:].sum() / episodes[-quarter:].sum()
        assert late == pytest.approx(0.8, abs=0.01), seed
        assert economy.evaluate(3).mean == pytest.approx(0.8), seed
        assert economy.metrics["births"][-1] > 32
        assert economy.audit().balanced
    assert np.median(first) < 0.7


# --- memory


def test_a_register_is_used_where_one_is_needed():
    """The cue is gone when it matters: half of all episodes pay without memory, all of them with.

    The trace is 1: what a symbol was written for is seen in the end of the chain of owners.
    """
    market = cx.DeepMarket(
        agents=[cx.Tabular()],
        discount=0.9,
        exploration=cx.EpsilonGreedy(1.0, 0.1, until=0.8),
        learning=cx.Learning(horizon=4, trace=1.0, optimizer="sgd", rate=2.0),
    )
    economy = cx.train(market, cx.worlds.Remember(Cue(), 2), steps=24_000, worlds=8, seed=0)
    assert len(economy.wealth) == 4
    assert economy.evaluate(40).mean == 1.0
    forgetful = cx.train(market, Cue(), steps=4000, worlds=8, seed=0)
    assert forgetful.evaluate(60).mean < 0.8


class Cue:
    """Shows 0 or 1, then 2; the second action earns 1 if it equals what was shown first."""

    observation_space, action_space, time_limit = Discrete(3), Discrete(2), None

    def __hash__(self):
        return hash(Cue)

    def __eq__(self, other):
        return isinstance(other, Cue)

    def initial(self, key):
        return jax.random.randint(key, (), 0, 2, jnp.int32), jnp.int32(0)

    def observe(self, state):
        return jnp.where(state[1] == 0, state[0], jnp.int32(2))

    def step(self, state, action, key):
        cue, tick = state
        right = (tick == 1) & (action == cue)
        return (cue, tick + 1), right.astype(jnp.float32), tick == 1


# --- consumers


def likes_the_end(observation, reward):
    return (observation == 3) * 0.5


def hates_the_start(observation, reward):
    return (observation == 0) * -0.25


def test_consumers_stand_in_place_of_the_reward():
    """Nature pays nothing; wants of both signs are paid and taken, within each one's balance."""
    market = cx.DeepMarket(
        agents=[cx.Tabular()],
        discount=0.9,
        consumers=[
            cx.Consumer(wants=likes_the_end, budget=4000.0, stipend=0.01),
            cx.Consumer(wants=hates_the_start, budget=0.0),
        ],
        exploration=SCHOOL,
        learning=LEARNING,
    )
    economy = cx.train(market, cx.worlds.Chain(length=4), steps=4000, worlds=8, seed=0)
    balances, setting = economy.balances, economy._driver.setting
    given = economy.tick * 10_000
    endowed = 2 * setting.endowment_ticks + 4000 * 10**6
    assert balances["nature"] == -(endowed + given)
    assert balances["consumer/0"] < 4000 * 10**6 + given
    assert balances["consumer/1"] > 0
    assert economy.evaluate(3).lengths.tolist() == [3, 3, 3]
    # Reaching place 3 is worth 0.5; the way there 0.9 of it and so on.
    table = np.asarray(tables_of(economy._run.economy))
    np.testing.assert_allclose(table[1, :3], [0.405, 0.45, 0.5], atol=0.02)


def test_a_consumer_never_pays_more_than_it_has():
    poor = cx.Consumer(wants=cx.world_reward, budget=1.0)
    market = cx.DeepMarket(agents=[cx.Tabular()], consumers=[poor], learning=LEARNING)
    economy = cx.train(market, cx.worlds.Bandit((1.0, 1.0)), steps=800, worlds=8, seed=0)
    assert 0 <= economy.balances["consumer/0"] < 8
    assert economy.audit().balanced


# --- capital


@pytest.mark.parametrize(("capital", "binds"), [(cx.Refinanced(), False), (cx.Hard(0.5), True)])
def test_refinanced_capital_hardly_caps_and_little_hard_capital_does(capital, binds):
    """Counted are the sales in which a cap lowered somebody's bid.

    Rewards make even the poor rich in the end, so hard capital binds early; refinanced capital must
    not bind in the last half, and does not at all.
    """
    market = cx.DeepMarket(
        agents=[cx.Tabular(initial=0.5)],
        capital=capital,
        exploration=cx.EpsilonGreedy(0.3, 0.05),
        learning=LEARNING,
    )
    metrics = cx.train(market, cx.worlds.Chain(length=4), steps=4000, worlds=8, seed=0).metrics
    early = metrics["capped"][:4].sum() / metrics["sales"][:4].sum()
    half = len(metrics["sales"]) // 2
    late = metrics["capped"][half:].sum() / metrics["sales"][half:].sum()
    assert (early > 0.2) == binds
    assert late < 0.001


# --- the rules as values


@pytest.mark.parametrize(
    "rules",
    [
        {"agents": []},
        {"discount": 0.0},
        {"discount": 1.5},
        {"discount": 1 - 1e-9},
        {"bond": -1.0},
        {"treasury": float("nan")},
        {"reward_max": 0.0},
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_market_refuses_what_means_nothing(rules):
    with pytest.raises(InvalidSetting):
        cx.DeepMarket(**{"agents": [cx.Tabular()], **rules})


def test_a_species_that_cannot_serve_the_world_is_refused_when_it_meets_it():
    market = cx.DeepMarket(agents=[cx.Tabular()])
    with pytest.raises(UnsupportedSpace):
        cx.train(market, "CartPole-v1", steps=8)


def test_markets_are_values():
    one, two = (cx.DeepMarket(agents=[cx.Tabular()], discount=0.9) for _ in range(2))
    assert one == two and hash(one) == hash(two)
    assert one != cx.DeepMarket(agents=[cx.Tabular()], discount=0.8)
