"""The deep market, tick by tick and to the tick, against a twin in plain integers."""

import functools
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import catallax as cx
from catallax._chunk import end_chunk
from catallax._compiled import first_run_state
from catallax._deep import collect, trade
from catallax._drivers import Compiled, driver_of
from catallax._keys import stream
from catallax._ledger import Account, Reason, faults_named
from catallax._state import draws_of
from catallax._types import NOBODY, TICKS_PER_CREDIT, exact, floats
from catallax._xla import compiler_options
from oracles.deep_twin import Rules, Twin

SYSTEM = [account.name.lower() for account in Account]
CREDIT = TICKS_PER_CREDIT


class Event(NamedTuple):
    """What a bench tells of one tick, as NumPy arrays."""

    seen: np.ndarray  # [W], the states on sale
    closing: np.ndarray
    tables: np.ndarray  # float32 [N, S], the bids, before
    luck: np.ndarray  # [2, W]
    actor: np.ndarray
    action: np.ndarray
    price: np.ndarray  # float32, as learners read it
    paid: np.ndarray
    sold: np.ndarray
    reward: np.ndarray  # float32, from the world
    terminated: np.ndarray
    ended: np.ndarray
    capped: int
    ledger: object
    population: object
    owner: np.ndarray


class Bench:
    """One economy driven tick by tick, with the draws and keys of the compiled driver."""

    def __init__(self, market, world, worlds=1, seed=0):
        self.world, self.worlds = world, worlds
        self.setting = driver_of(market, world, worlds, seed).setting
        run = first_run_state(self.setting, world, seed)
        self.economy, self.state = run.economy, run.worlds.state
        self.age, self.closing = np.zeros(worlds, int), np.zeros(worlds, bool)
        self.advance = advance_of(market, world, worlds)

    def tick(self):
        with exact():
            self.economy, self.state, seen = self.advance(self.economy, self.state, self.closing)
            seen = Event(**jax.tree.map(np.asarray, seen))
        self.age += ~self.closing
        limit = self.world.time_limit
        late = (self.age >= limit) if limit else np.zeros(self.worlds, bool)
        self.closing = late & ~seen.ended
        self.age[seen.ended] = 0
        return seen

    @property
    def tables(self):
        return tables_of(self.economy)

    def endow(self, wealth):
        """Gives every agent so many ticks, from nature, before anything was traded."""
        with exact():
            ledger, first = self.economy.ledger, self.setting.first_agent
            balances = np.array(ledger.balances)
            balances[Account.NATURE] += balances[first:].sum() - sum(wealth)
            balances[first:] = wealth
            self.economy = self.economy._replace(
                ledger=ledger._replace(balances=jnp.asarray(balances))
            )

    def set_tables(self, tables):
        groups = list(self.economy.groups)
        for index, rows in enumerate(np.split(np.float32(tables), self.setting.offsets[1:])):
            learned = {"weights": jnp.asarray(rows)}
            genes = groups[index].genes._replace(learned=learned)
            groups[index] = groups[index]._replace(genes=genes)
        self.economy = self.economy._replace(groups=tuple(groups))


@functools.cache
def advance_of(market, world, worlds):
    setting = driver_of(market, world, worlds, 0).setting

    def advance(economy, state, closing):
        key = stream(economy.key, "ticks", economy.tick.astype(jnp.uint32))
        draws = jax.tree.map(lambda column: column[0], draws_of(setting, key, 1))
        tables = tables_of(economy)
        with floats():
            seen = jax.vmap(world.observe)(state)
        economy, decision = trade(setting, economy, seen, closing, draws)
        with floats():
            after, reward, over = jax.vmap(world.step)(state, decision.action, draws.world[:, 0])
            fresh = jax.vmap(world.initial)(draws.world[:, 1])
        economy, record, _ = collect(setting, economy, decision, reward, over, None)
        told = {
            "seen": seen, "closing": closing, "tables": tables, "luck": draws.luck.explore,
            "actor": record.actor, "action": record.action, "price": record.price,
            "paid": record.paid, "sold": record.sold, "reward": reward, "terminated": over,
            "ended": record.ended, "capped": decision.capped, "ledger": economy.ledger,
            "population": economy.population, "owner": economy.owner,
        }  # fmt: skip
        rows = jax.tree.map(lambda leaf: leaf[None], record)
        economy, _ = end_chunk(setting, economy, rows, seen[None], {})
        return economy, jnp.where(record.ended, fresh, after), told

    return jax.jit(advance, compiler_options=compiler_options(level=1))


def tables_of(economy):
    """Bids in credits by agent and state; agents that bid a share of wealth have no table."""
    parts = [g.genes.learned.get("weights") for g in economy.groups]
    if any(part is None for part in parts):
        return jnp.zeros((0, 0), jnp.float32)
    return jnp.concatenate(parts)


def in_ticks(credits):
    """Rounds down, exactly."""
    return int(np.floor(float(np.float32(credits)) * CREDIT))


def reward_ticks(credits):
    """Rounds to the nearest tick."""
    return round(float(np.float32(credits)) * CREDIT)


def bids_in(event, shy=False):
    """What each agent bids for each world, in ticks; the shy do not bid 0 or less."""
    bids = [[in_ticks(table[state]) for state in event.seen] for table in event.tables]
    if shy:
        bids = [[bid if table[state] > 0 else None for bid, state in zip(row, event.seen,
                 strict=True)] for row, table in zip(bids, event.tables, strict=True)]  # fmt: skip
    return bids


def epsilon_pick(event, epsilon):
    """With probability ε one of the bidders, each as likely, from the tick's own draws."""

    def pick(world, bidders):
        first, second = event.luck[:, world]
        if not bidders or first >= np.float32(epsilon):
            return None
        return bidders[min(int(second * np.float32(len(bidders))), len(bidders) - 1)]

    return pick


def balances_of(twin):
    return [twin.books.balances[name] for name in [*SYSTEM, *twin.agents]]


def account_of(twin, name):
    return SYSTEM.index(name) if name in SYSTEM else len(SYSTEM) + twin.agents.index(name)


def follow(twin, event, bids, pick):
    """Lets the twin live through the tick and compares everything that the library did."""
    tick = twin.trade(bids, event.closing, pick)
    # What the world would have said where it did not move is not the market's to know.
    twin.collect(tick, [reward_ticks(r) for r in event.reward], event.terminated)
    assert [NOBODY if a is None else a for a in tick.actors] == event.actor.tolist()
    assert [deal.winner is not None for deal in tick.deals] == event.sold.tolist()
    for name in ("price", "paid"):
        told = [getattr(deal, name) / CREDIT for deal in tick.deals]
        np.testing.assert_allclose(getattr(event, name), told, rtol=1e-6, atol=2 / CREDIT)
    assert balances_of(twin) == event.ledger.balances.tolist()
    assert [account_of(twin, owner) for owner in twin.owner] == event.owner.tolist()
    assert twin.alive == event.population.alive.tolist()
    assert twin.refinanced == event.population.refinanced
    assert not faults_named(event.ledger.faults)
    return tick


# --- a small world in which everything happens


@dataclass(frozen=True, kw_only=True)
class Shy(cx.Tabular):
    """Abstains where its entry is not above 0."""

    def enters(self, genes, senses):
        return genes.learned["weights"][senses] > 0


def small_world(seed=0, states=5, actions=3, limit=4):
    """Random transitions with self-loops, rewards of both signs, one terminal state."""
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.full(states, 0.5), (states, actions))
    for state in range(states):
        chances[state, state % actions] = np.eye(states)[state] * 0.5 + chances[state, 0] * 0.5
    chances /= chances.sum(-1, keepdims=True)
    rewards = random.normal(size=(states, actions, states))
    start = [*random.dirichlet(np.ones(states - 1)).tolist(), 0.0]
    terminal = [False] * (states - 1) + [True]
    return cx.worlds.Tabular(chances, rewards, terminal, start, limit)


ONE_BY_ONE = cx.Learning(
    horizon=1, trace=0.0, optimizer="sgd", rate=0.1, decay="none", epochs=1, minibatches=1
)


@dataclass(frozen=True)
class Case:
    """A market for the library, and the same rules for the twin."""

    name: str
    auction: object
    worlds: int = 3
    shy: bool = False
    nobody: object = cx.RandomAction()
    hard: bool = True
    epsilon: float = 0.3
    rent: float = 0.0
    bond: float = 0.0
    discount: float = 0.9
    limit: int | None = 4

    @property
    def market(self):
        capital = cx.Hard(5.0) if self.hard else cx.Refinanced(5.0, 1.0)
        explores = cx.EpsilonGreedy(self.epsilon, self.epsilon)
        return cx.DeepMarket(
            agents=[Shy() if self.shy else cx.Tabular()],
            auction=self.auction,
            discount=self.discount,
            exploration=explores if self.epsilon else cx.NoExploration(),
            capital=capital,
            rent=cx.Rent(self.rent),
            bond=self.bond,
            nobody=self.nobody,
            learning=ONE_BY_ONE,
            treasury=2.0,
        )

    @property
    def rules(self):
        reserve = self.auction.reserve
        return Rules(
            k=self.auction.k,
            seats=self.auction.seats,
            reserve=None if reserve is None else round(reserve * CREDIT),
            gamma=Fraction(str(self.discount)),
            bond=round(self.bond * CREDIT),
            rent=Fraction(str(self.rent)),
            endowment=5 * CREDIT,
            floor=None if self.hard else CREDIT,
            stops=isinstance(self.nobody, cx.Stop),
        )


CASES = [
    Case("cloned Vickrey", cx.Vickrey(seats=2)),
    Case("Vickrey, shy, rent", cx.Vickrey(seats=1), shy=True, rent=0.013),
    Case("first price, refinanced", cx.FirstPrice(), hard=False, rent=0.007, discount=0.95),
    Case("third price, bond", cx.KthPrice(k=3, seats=2), bond=0.75, epsilon=1.0, worlds=4),
    Case("stop below a reserve", cx.Vickrey(seats=2, reserve=0.25), nobody=cx.Stop(), worlds=4),
    Case("first price, default", cx.FirstPrice(reserve=0.1), nobody=cx.DefaultAction(2), shy=True),
    Case("one world, no exploration", cx.Vickrey(seats=2), worlds=1, epsilon=0.0, rent=0.25),
    Case("one world, no limit", cx.Vickrey(), worlds=1, discount=1.0, limit=None, shy=True),
]
purses = st.integers(0, 4 * CREDIT) | st.integers(0, 100)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@settings(max_examples=8)
@given(seed=st.integers(0, 2**31), scale=st.sampled_from([0.3, 1.0, 4.0]), data=st.data())
def test_books_agree_with_an_integer_twin_to_the_tick(case, seed, scale, data):
    """Caps, rationing, exploration, discount, both ends of episodes, rent, ruin and rescue."""
    bench = Bench(case.market, small_world(limit=case.limit), case.worlds, seed)
    wealth = data.draw(st.lists(purses, min_size=3, max_size=3))
    random = np.random.default_rng(seed)
    bench.endow(wealth)
    bench.set_tables(random.normal(0.3 * scale, scale, (3, 5)))
    twin = Twin(case.rules, wealth, case.worlds, treasury=2 * CREDIT)
    for _ in range(25):
        event = bench.tick()
        follow(twin, event, bids_in(event, case.shy), epsilon_pick(event, case.epsilon))
    flows = np.asarray(bench.economy.ledger.flows)
    for reason in Reason:
        if reason == Reason.ENDOWMENT:
            continue
        told = [twin.books.flows[name, reason.name.lower()] for name in [*SYSTEM, *twin.agents]]
        assert flows[:, reason].tolist() == told, reason


def test_the_cases_meet_what_they_are_for():
    """Without this, the comparison might agree on nothing happening."""
    met = dict.fromkeys(("capped", "closing", "terminated", "ruined", "rescued", "nobody"), 0)
    for case in CASES:
        for seed in range(4):
            bench = Bench(case.market, small_world(limit=case.limit), case.worlds, seed)
            bench.endow([CREDIT // 2, 0, 3 * CREDIT])
            bench.set_tables(np.random.default_rng(seed).normal(0.3, 1, (3, 5)))
            for _ in range(25):
                event = bench.tick()
                met["capped"] += int(event.capped)
                met["closing"] += int(event.closing.sum())
                met["terminated"] += int((event.terminated & ~event.closing).sum())
                met["nobody"] += int(((event.actor == NOBODY) & ~event.closing).sum())
            met["ruined"] += int(event.population.deaths)
            met["rescued"] += int(event.population.refinanced)
    assert min(met.values()) >= 5, met


def test_the_bench_does_what_the_compiled_driver_does():
    """So whatever holds on the bench holds on the main path."""
    case = CASES[0]
    bench = Bench(case.market, small_world(), case.worlds, 5)
    for _ in range(40):
        bench.tick()
    driver = driver_of(case.market, small_world(), case.worlds, 5)
    assert isinstance(driver, Compiled)
    segment = driver.segment(driver.first_state(5), 40)
    economy = segment.run.economy
    np.testing.assert_array_equal(tables_of(economy), bench.tables)
    np.testing.assert_array_equal(economy.ledger.balances, bench.economy.ledger.balances)
    np.testing.assert_array_equal(segment.run.worlds.state, bench.state)
    np.testing.assert_array_equal(segment.flows.flows, bench.economy.ledger.flows)
