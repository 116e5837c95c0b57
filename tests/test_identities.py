"""Markets that are known algorithms: each against the textbook, update by update.

The library runs tick by tick on the bench of ``test_deep`` (which does what the compiled driver
does, tested there); the textbook's table lives beside it in float64 and sees the same states,
actions and rewards. The books are followed to the tick by the integer twin in the same run.
"""

import functools
from dataclasses import dataclass
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._state import Plan
from catallax._types import NOBODY, exact
from oracles.deep_twin import Rules, Twin, td
from test_deep import (
    CREDIT,
    ONE_BY_ONE,
    Bench,
    bids_in,
    epsilon_pick,
    follow,
    reward_ticks,
    small_world,
    tables_of,
)

RATE, GAMMA, ENDOWMENT = 0.1, 0.9, 1000
WORLDS = {
    "chain": cx.worlds.Chain(length=4, time_limit=7),
    "loops": small_world(seed=3, limit=9),
    "ice": cx.worlds.FrozenLake(is_slippery=True, time_limit=20),
}
AUCTIONS = {"q": cx.Vickrey(seats=2), "sarsa": cx.FirstPrice(), "one": cx.Vickrey(seats=2)}
SHARES = [Fraction(0), Fraction(1, 5), Fraction(1)]


def market_of(auction, agents=(cx.Tabular(),)):
    """Exploration follows progress from 0 to 1, which the tests set to the rate they want."""
    return cx.DeepMarket(
        agents=agents,
        auction=auction,
        discount=GAMMA,
        exploration=cx.EpsilonGreedy(0.0, 1.0),
        capital=cx.Refinanced(ENDOWMENT, 0.0),
        learning=ONE_BY_ONE,
    )


def hold_progress(bench, share):
    """Makes progress, and with it the exploration rate of `market_of`, a constant."""
    with exact():
        start = bench.economy.tick - share.numerator
        plan = Plan(jnp.asarray(start, jnp.int64), jnp.int64(share.denominator))
        bench.economy = bench.economy._replace(plan=plan)


class Textbook:
    """Tables in float64 and the trades whose successor is not seen yet, one a world."""

    def __init__(self, table, worlds, rule):
        self.table, self.rule = np.asarray(table, np.float64).tolist(), rule
        self.open = [None] * worlds
        self.updates = 0

    def see(self, event):
        """Learns from the last tick's trades, then remembers this one's."""
        steps = []
        for world, trade in enumerate(self.open):
            if trade is not None:
                action, state, reward, over = trade
                target = reward if over else reward + GAMMA * self._ahead(event, world)
                steps.append((action, state, target))
        td(self.table, RATE / len(self.open), steps)
        self.updates += len(steps)
        self.open = [
            None if slot == NOBODY else (int(slot), int(state), float(reward), bool(ended))
            for slot, state, reward, ended in zip(
                event.actor, event.seen, event.reward, event.ended, strict=True
            )
        ]

    def _ahead(self, event, world):
        """What the next state is worth: the greedy bid, or with SARSA that of who acts."""
        column = [row[int(event.seen[world])] for row in self.table]
        if self.rule == "sarsa" and not event.closing[world]:
            return column[int(event.actor[world])]
        return max(column)


def rules_of(auction):
    return Rules(
        k=auction.k,
        seats=auction.seats,
        gamma=Fraction(9, 10),
        endowment=ENDOWMENT * CREDIT,
        floor=0,
    )


def identity(rule, world, share, worlds=1, ticks=150, agents=(cx.Tabular(),)):
    """Runs market, textbook and twin side by side."""
    auction = AUCTIONS[rule]
    bench = Bench(market_of(auction, agents), world, worlds, seed=7)
    n_agents, n_states = bench.tables.shape
    tables = np.random.default_rng(11).normal(0, 1, (n_agents, n_states)).astype(np.float32)
    bench.set_tables(tables)
    book = Textbook(tables, worlds, rule)
    twin = Twin(rules_of(auction), [ENDOWMENT * CREDIT] * n_agents, worlds)
    floats, trades = np.full(n_agents, float(ENDOWMENT * CREDIT)), np.zeros(n_agents)
    owner = [None] * worlds
    for _ in range(ticks):
        hold_progress(bench, share)
        event = bench.tick()
        follow(twin, event, bids_in(event), epsilon_pick(event, share))
        greedy_if_clear(event, book.table, share)
        book.see(event)
        np.testing.assert_allclose(bench.tables, book.table, rtol=1e-6, atol=1e-6)
        owner = account(event, owner, floats, trades)
    ledger = np.array([twin.wealth(slot) for slot in range(n_agents)])
    assert (np.abs(ledger - floats) <= 2 * trades).all()
    assert event.population.refinanced == 0
    assert book.updates > ticks * worlds / 2
    return twin


def greedy_if_clear(event, table, share):
    """Without exploration whoever acts has the highest entry of the textbook's own table."""
    if share == 0:
        for slot, state in zip(event.actor, event.seen, strict=True):
            column = [row[int(state)] for row in table]
            if slot != NOBODY:
                assert column[int(slot)] > max(column) - 1e-5


def account(event, owner, floats, trades):
    """Keeps the accounts in floats, of the prices that learners read."""
    after = []
    for world, slot in enumerate(event.actor.tolist()):
        if owner[world] is not None and event.sold[world]:
            floats[owner[world]] += GAMMA * float(event.price[world]) * CREDIT
        if slot != NOBODY:
            floats[slot] += (float(event.reward[world]) - float(event.paid[world])) * CREDIT
            trades[slot] += 1
        after.append(None if event.ended[world] or slot == NOBODY else slot)
    return after


@pytest.mark.parametrize("share", SHARES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", WORLDS)
def test_cloned_vickrey_is_q_learning_at_any_exploration_rate(name, share):
    """The next price is the next state's highest bid, whoever is then sent to act."""
    twin = identity("q", WORLDS[name], share)
    if share == 1:
        assert twin.books.balances["exploration"] < 0


@pytest.mark.parametrize("share", SHARES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", WORLDS)
def test_first_price_is_sarsa_at_any_exploration_rate(name, share):
    """The next price is the bid of whoever acts next; exploring costs nobody anything.

    A truncated world is sold with nobody exploring, so there the greedy bid stands for the action
    that is not taken any more.
    """
    twin = identity("sarsa", WORLDS[name], share)
    assert twin.books.balances["exploration"] == 0


@pytest.mark.parametrize("rule", ["q", "sarsa"])
def test_in_many_worlds_the_textbook_steps_by_the_mean(rule):
    identity(rule, WORLDS["loops"], Fraction(1, 5), worlds=4)


def test_one_bidder_evaluates_its_policy():
    """With nobody to outbid it the price is its own bid: TD(0) of its one action."""
    identity("one", WORLDS["loops"], Fraction(0), agents=(cx.Tabular(count=1),))


# --- without clones


def line(rewards):
    """Three states in a row, which every action leaves for the next with a reward of its own."""
    states = len(rewards) + 1
    chances = np.zeros((states, len(rewards[0]), states))
    for state in range(states):
        chances[state, :, min(state + 1, states - 1)] = 1
    paid = [*rewards, [0.0] * len(rewards[0])]
    return cx.worlds.Tabular(chances, paid, [False] * (states - 1) + [True])


@pytest.mark.parametrize(("seats", "best", "share"), [(1, min, 0.3), (1, min, 1.0), (2, max, 0.3)])
def test_vickrey_without_clones_settles_low_where_it_should(seats, best, share):
    """A price is the *second* bid: `Q(s,a) = r(s,a) + γ·min_b Q(s′,b)` with two bidders.

    The clones of `seats=2` make the same market settle at Q-learning's `max`.
    """
    rewards = [[1.0, 0.6], [0.2, 0.5], [0.8, 0.4]]
    expected = np.zeros((2, 4))
    for state in (2, 1, 0):
        ahead = best(expected[:, state + 1])
        expected[:, state] = np.array(rewards[state]) + GAMMA * ahead
    market = cx.DeepMarket(
        agents=[cx.Tabular()],
        auction=cx.Vickrey(seats=seats),
        discount=GAMMA,
        exploration=cx.EpsilonGreedy(share, share),
        learning=ONE_BY_ONE,
    )
    economy = cx.train(market, line(rewards), steps=4000, worlds=1, seed=1)
    table = np.asarray(tables_of(economy._run.economy))
    np.testing.assert_allclose(table[:, :3], expected[:, :3], atol=1e-4)


# --- the bucket brigade


@dataclass(frozen=True, kw_only=True)
class Classifier(cx.Species):
    """Fires in one state and bids a share of its wealth."""

    encoder: cx.agents.Encoder = cx.Index()

    def init(self, key, spaces, index):
        return cx.Genes({}, {"state": jnp.asarray(index, jnp.int32)})

    def bid(self, genes, senses):
        return jnp.float32(0)

    def enters(self, genes, senses):
        return senses == genes.fixed["state"]

    def act(self, genes, senses, key):
        return jnp.int32(0)


BID, TAX = Fraction(1, 10), Fraction(1, 25)


@functools.cache
def brigade(loops):
    """Six states and a terminal one; rewards are not negative, so strengths stay above 0."""
    random = np.random.default_rng(5)
    chances = random.dirichlet(np.ones(7), (7, 1))
    if not loops:
        chances[range(7), 0, range(7)] = 0
        chances /= chances.sum(-1, keepdims=True)
    rewards = random.uniform(0, 2, (7, 1, 7))
    return cx.worlds.Tabular(chances, rewards, [False] * 6 + [True])


@pytest.mark.parametrize("loops", [False, True])
def test_the_bucket_brigade_is_temporal_differences(loops):
    """Strength S is wealth, the bid is b·S, the tax is the rent ε, sales are undiscounted.

    Algorithm 1 takes the rent last, on what is left after the bid and with the reward:
    `S ← (1−ε)·((1−b)·S + r)`, and then the resale `+ b·S′`. With `x = ε·(1−b)` that is

        S ← S − (b+x)·S + b·S′ + (1−ε)·r  =  S + α·(R + γ·S′ − S),

    TD(0) with α = b + x, γ = b/(b+x) and rewards in units `R = (1−ε)·r/α`: the tax is the discount.
    The integer twin agrees to the tick, loops or not. The float recursion is compared where no
    state follows itself (there a rule pays its bid out of a strength that has yet to be paid),
    within the rounding of three floors a trade, which the recursion forgets at the rate α.
    """
    market = cx.DeepMarket(
        agents=[Classifier(count=6, stake=BID)],
        auction=cx.FirstPrice(),
        discount=1.0,
        exploration=cx.NoExploration(),
        capital=cx.Hard(1.0),
        rent=cx.Rent(float(TAX)),
        learning=ONE_BY_ONE,
    )
    alpha = float(BID + TAX * (1 - BID))
    gamma, scale = float(BID) / alpha, float(1 - TAX) / alpha
    bench = Bench(market, brigade(loops), worlds=1, seed=2)
    rules = Rules(k=1, seats=1, gamma=Fraction(1), rent=TAX)
    twin, values = Twin(rules, [CREDIT] * 6, 1), [[float(CREDIT)] * 6]
    trade, compared = None, 0
    for _ in range(250):
        (state,) = bench.state.tolist()
        staked = twin.wealth(state) * BID.numerator // BID.denominator
        event = bench.tick()
        follow(twin, event, [[staked if s == state else None] for s in range(6)], lambda *_: None)
        if trade is not None:
            before, reward, over = trade
            ahead = 0.0 if over else values[0][state]
            td(values, alpha, [(0, before, scale * reward + gamma * ahead)])
        trade = state, reward_ticks(event.reward[0]), bool(event.ended[0])
        if not loops:
            done = [s for s in range(6) if s != state]
            off = [abs(twin.wealth(s) - values[0][s]) for s in done]
            assert max(off) <= 4 / alpha
            compared += 1
    assert compared == (0 if loops else 250)
    assert min(twin.wealth(s) for s in range(6)) > 0
