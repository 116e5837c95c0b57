import dataclasses

import gymnasium
import jax.numpy as jnp
import pytest

import catallax as cx
from catallax._errors import (
    AgentFailed,
    BadBid,
    BadObservation,
    BadReward,
    LedgerError,
    UnsupportedSpace,
    WorldFailed,
)
from small_markets import MARKET, trained


@dataclasses.dataclass(frozen=True)
class Spoiled:
    """A Chain of which one part turns bad at a certain age."""

    part: str
    from_tick: int = 40

    observation_space = gymnasium.spaces.Box(-1, 1, (2,))
    action_space = gymnasium.spaces.Discrete(2)
    time_limit = 100

    def initial(self, key):
        return jnp.zeros((), jnp.int32)

    def observe(self, state):
        bad = (state >= self.from_tick) & (self.part == "observation")
        return jnp.where(bad, jnp.nan, 0.0) * jnp.ones(2, jnp.float32)

    def step(self, state, action, key):
        bad = (state >= self.from_tick) & (self.part == "reward")
        return state + 1, jnp.where(bad, jnp.inf, 1.0).astype(jnp.float32), jnp.zeros((), bool)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drunk(cx.Linear):
    """Bids NaN."""

    def bid(self, genes, senses):
        return jnp.float32(jnp.nan)


@dataclasses.dataclass(frozen=True)
class Crooked(cx.Vickrey):
    """Charges more than the winner bid."""

    def clear(self, bids, enters, luck):
        cleared = super().clear(bids, enters, luck)
        return cleared._replace(price=cleared.price + 7)


def assert_kept(economy, digest):
    """After an error nothing is lost: the books stand as before and balance."""
    assert economy.digest == digest
    assert economy.audit().balanced


@pytest.mark.parametrize(
    ("part", "error"), [("observation", BadObservation), ("reward", BadReward)]
)
def test_a_world_that_turns_bad_loses_nothing(part, error):
    market = cx.DeepMarket(agents=[cx.Linear(encoder=cx.Raw())])
    economy = cx.train(market, Spoiled(part, from_tick=10**6), steps=100, worlds=1)
    digest = economy.digest
    economy._driver = dataclasses.replace(economy._driver, world=Spoiled(part))
    with pytest.raises(error, match="Nothing was lost"):
        economy.train(10_000)
    assert_kept(economy, digest)


def test_a_bid_that_is_not_a_number_is_refused():
    market = cx.DeepMarket(agents=[Drunk(encoder=cx.Raw())])
    with pytest.raises(BadBid, match="not finite"):
        trained(market)


def test_agents_whose_weights_explode_are_named():
    learning = cx.Learning(optimizer="sgd", rate=1e30, epochs=4, decay="none")
    with pytest.raises(BadBid, match="agent/"):
        trained(dataclasses.replace(MARKET, learning=learning), steps=10_000)


def test_an_auction_that_overcharges_is_caught_in_the_step():
    with pytest.raises(LedgerError, match="price above bid"):
        trained(dataclasses.replace(MARKET, auction=Crooked()))


@pytest.mark.parametrize("offer", [lambda seen: 1 / 0, lambda seen: 3, lambda seen: (7, 1.0)])
def test_a_python_agent_that_misbehaves_is_named(offer):
    market = cx.DeepMarket(agents=[cx.Program(function=offer)])
    with pytest.raises(AgentFailed, match="lambda"):
        trained(market)


def test_a_python_agent_that_bids_nan_is_refused():
    market = cx.DeepMarket(agents=[cx.Program(function=lambda seen: (0, float("nan")))])
    with pytest.raises(BadBid):
        trained(market, steps=200)


class Fragile(gymnasium.Env):
    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.age = 0
        return 0, {}

    def step(self, action):
        self.age += 1
        if self.age > 20:
            raise RuntimeError("the motor is hot")
        return 0, 1.0, False, False, {}


def test_a_world_that_raises_is_named():
    worlds = cx.worlds.GymnasiumWorlds(Fragile, 4)
    with pytest.raises(WorldFailed, match="the motor is hot"):
        trained(world=worlds)


def test_spaces_that_a_species_cannot_serve_are_named():
    with pytest.raises(UnsupportedSpace, match="table"):
        cx.train(MARKET, "CartPole-v1", steps=100)
    with pytest.raises(UnsupportedSpace, match="Neural"):
        cx.train(cx.DeepMarket(agents=[cx.Linear()]), "Pendulum-v1", steps=100)
