import dataclasses

import gymnasium
import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._errors import (
    AgentFailed,
    BadBid,
    BadBirth,
    BadObservation,
    BadReward,
    CannotRestore,
    CannotWrite,
    InvalidSetting,
    LedgerError,
    MarketExtinct,
    TrainingInterrupted,
    UnknownAgent,
    UnsupportedSpace,
    WorldFailed,
)

MARKET = cx.DeepMarket(
    agents=[cx.Tabular(initial=0.8)],
    exploration=cx.EpsilonGreedy(0.3, 0.1),
    learning=cx.Learning(rate=0.1, epochs=2),
)
HARD = dataclasses.replace(MARKET, capital=cx.Hard(endowment=5.0))


def trained(market=MARKET, world=None, steps=1_000, **settings):
    return cx.train(market, world or cx.worlds.Chain(), steps=steps, worlds=4, **settings)


def assert_kept(economy, digest):
    """After an error nothing is lost: the books stand as before and balance."""
    assert economy.digest == digest
    assert economy.audit().balanced


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


def test_training_goes_on_and_the_journal_with_it():
    economy = trained()
    first, tick = economy.digest, economy.tick
    economy.train(1_000)
    assert economy.tick == 2 * tick
    assert economy.digest != first
    assert economy.audit().balanced
    assert [e.last_tick for e in economy.journal] == sorted(e.last_tick for e in economy.journal)


def test_training_on_is_the_same_from_disk_as_from_memory(tmp_path):
    economy = trained()
    restored = cx.load(economy.save(tmp_path / "run"))
    assert restored.train(1_000).digest == economy.train(1_000).digest
    assert cx.load(tmp_path / "run").digest == restored.digest


def test_wealth_and_balances_are_python_integers_that_sum_to_zero():
    economy = trained()
    assert sum(economy.balances.values()) == 0
    assert all(type(ticks) is int for ticks in economy.balances.values())
    assert set(economy.wealth) == {0, 1}


def test_evaluation_repeats_and_leaves_the_books_alone():
    economy = trained(steps=20_000)
    digest, balances = economy.digest, economy.balances
    first, second = economy.evaluate(20), economy.evaluate(20)
    assert np.array_equal(first.returns, second.returns)
    assert first.mean == pytest.approx(0.8)
    assert (economy.digest, economy.balances) == (digest, balances)


@pytest.mark.parametrize("episodes", [0, -1])
def test_no_episodes_are_refused(episodes):
    with pytest.raises(InvalidSetting, match="episodes"):
        trained(steps=100).evaluate(episodes)


def test_predictions_are_batched_and_single():
    economy = trained(steps=20_000)
    batch = economy.predict(np.arange(5))
    assert batch.shape == (5,)
    assert economy.predict(2) == batch[2] == 1


def test_predictions_of_impossible_observations_are_refused():
    with pytest.raises(BadObservation):
        trained(steps=100).predict(np.asarray([99]))


def test_inspection_tells_the_richest_first():
    records = trained(steps=20_000).inspect()
    assert [r.wealth_ticks for r in records] == sorted(r.wealth_ticks for r in records)[::-1]
    assert sum(record.share_won for record in records) == pytest.approx(1.0)
    winner = max(records, key=lambda record: record.share_won)
    assert winner.does == "action 1"
    for record in records:
        parts = record.resold_ticks + record.rewards_ticks + record.capital_ticks
        assert record.wealth_ticks == parts - record.paid_ticks - record.rent_ticks


def test_agents_come_and_go_with_their_books():
    economy = trained()
    gone = economy.remove(0)
    assert 0 not in economy.wealth
    assert economy.balances["treasury"] == gone.wealth_ticks
    (back,) = economy.add(gone, endowment=3.5)
    assert back == 2
    assert economy.wealth[2] == 3_500_000
    assert economy.audit().balanced
    economy.train(500)
    assert economy.audit().balanced


def test_a_new_species_can_join(tmp_path):
    economy = trained()
    ids = economy.add(cx.Linear(encoder=cx.Raw()))
    economy.train(1_000)
    assert set(ids) <= set(economy.wealth)
    again = cx.load(economy.save(tmp_path / "run"))
    assert again.digest == economy.digest
    assert again.evaluate(5).mean == economy.evaluate(5).mean


def test_an_unknown_agent_is_named():
    economy = trained(steps=100)
    with pytest.raises(UnknownAgent, match="77"):
        economy.remove(77)
    with pytest.raises(UnknownAgent):
        economy.freeze(77)


def test_adding_nobody_is_refused():
    with pytest.raises(BadBirth):
        trained(steps=100).add(cx.Constant(count=0, capacity=1))


def test_more_births_than_capacity_are_refused():
    market = dataclasses.replace(MARKET, entry=cx.Enumerate(births_per_chunk=9))
    with pytest.raises(BadBirth, match="9 births"):
        trained(market)


def test_a_frozen_agent_does_not_learn():
    economy = trained()
    economy.freeze(0)
    before = np.asarray(economy._run.economy.groups[0].genes.learned["weights"])
    economy.train(1_000)
    after = np.asarray(economy._run.economy.groups[0].genes.learned["weights"])
    assert np.array_equal(before[0], after[0])
    assert not np.array_equal(before[1], after[1])


def test_callbacks_are_called_and_can_stop():
    class Watch(cx.Callback):
        def __init__(self):
            self.seen = []

        def on_training_start(self, economy):
            self.seen.append("start")

        def on_segment_end(self, economy):
            self.seen.append(economy.tick)
            return False

        def on_training_end(self, economy):
            self.seen.append("end")

    watch = Watch()
    economy = trained(steps=10_000_000, callbacks=[watch])
    assert watch.seen == ["start", economy.tick, "end"]
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


def test_a_python_agent_learns_nothing_but_trades():
    market = cx.DeepMarket(
        agents=[cx.Program(function=lambda seen: (1, 0.9)), cx.Tabular()],
        exploration=cx.NoExploration(),
    )
    economy = trained(market, steps=400)
    assert economy.audit().balanced
    assert economy.inspect()[0].does == "function <lambda>" or economy.wealth


def test_a_function_of_a_script_cannot_be_restored_by_itself(tmp_path):
    market = cx.DeepMarket(agents=[cx.Program(function=lambda seen: (1, 0.9))])
    economy = trained(market, steps=100)
    path = economy.save(tmp_path / "run")
    with pytest.raises(CannotRestore, match="market="):
        cx.load(path)
    assert cx.load(path, market=market).digest == economy.digest


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


def test_a_market_in_which_nobody_lives_says_so(tmp_path):
    market = dataclasses.replace(
        HARD,
        agents=[cx.Constant(action=0, offer=4.0)],
        auction=cx.FirstPrice(),
        discount=0.5,
        exploration=cx.NoExploration(),
    )
    with pytest.raises(MarketExtinct, match="treasury"):
        cx.train(market, cx.worlds.Corridor(), steps=400_000, worlds=1, out=tmp_path / "run")
    economy = cx.load(tmp_path / "run")
    assert economy.wealth == {}
    assert economy.audit().balanced


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("inf"), float("nan")])
def test_rents_that_mean_nothing_are_refused(rate):
    with pytest.raises(InvalidSetting, match="rent"):
        cx.Rent(rate)


def test_an_undiscounted_market_in_a_world_that_truncates_is_refused():
    market = dataclasses.replace(MARKET, discount=1.0, capital=cx.Hard(endowment=1.0))
    with pytest.raises(InvalidSetting, match="discount=1"):
        trained(market)


def test_a_file_in_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("here first")
    with pytest.raises(CannotWrite):
        trained(steps=100, out=tmp_path / "file" / "run")


def test_ctrl_c_keeps_what_was_learned(tmp_path):
    class Press(cx.Callback):
        def on_segment_end(self, economy):
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        trained(steps=10_000_000, out=tmp_path / "run", callbacks=[Press()])
    economy = cx.load(tmp_path / "run")
    assert economy.tick > 0
    assert economy.audit().balanced


def test_a_full_disk_is_named_and_memory_keeps_everything(tmp_path, monkeypatch):
    economy = trained(steps=100, out=tmp_path / "run")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CannotWrite):
        economy.train(1_000)
    monkeypatch.undo()
    assert economy.audit().balanced
    economy.train(1_000)
    assert cx.load(tmp_path / "run").digest == economy.digest
