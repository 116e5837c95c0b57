"""A step of a wide market around its clearing, against plain integers and fractions."""

from fractions import Fraction
from math import inf

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax._goods import Good
from catallax._ledger import N_SYSTEM, Account
from catallax._types import exact
from catallax.industries import Household, Industry, Inflow, Producer, Want
from catallax.techniques import LinearActivity, Storage
from catallax.wide import Rewards, Stipends, WideEconomy, WideMarket
from catallax.wide._bids import bidders_of
from catallax.wide._step import Cleared, Pace, offered, settled
from oracles.goods import TICKS, columns, cost
from oracles.wide import Kind, Recipe, Rules, Then, settle

SHAPES = ((2, 1, 1, 1), (3, 2, 2, 3), (4, 3, 3, 4))
"""Goods, owners, households and producers: every shape is compiled once."""

RATE, MEMORY = 0.25, 0.125
AMOUNTS = (0.25, 0.5, 1.0, 2.0, 4.0)
ODD = 385 / 1024
"""Credits that floats know exactly, and that are no whole number of ticks."""

run_offered = jax.jit(offered, static_argnums=(2,))
run_settled = jax.jit(settled, static_argnums=(2, 4, 5, 9))


class Drawn:
    """A market, a state and a clearing, for the library and for the oracle."""

    def __init__(self, luck, shape, stipended):
        self.luck = luck
        self.m, self.owners, self.households, self.makers = shape
        self.names = [f"g{j}" for j in range(self.m)]
        self.alive = [luck.random() < 0.8 for _ in range(self.makers)]
        self.goods, self.kinds = zip(*(self.a_good(name) for name in self.names), strict=True)
        self.holders = ["original_owner", *(f"o{k}" for k in range(1, self.owners))]
        self.holders += [f"h{k}" for k in range(self.households)]
        self.holders += [f"p{k}" for k in range(self.makers)]
        self.arrivals = [[0] * self.m for _ in self.holders]
        inflows = [self.an_inflow(row) for row in range(self.owners)]
        inflows += [self.an_inflow(luck.choice(self.living())) for _ in range(3)]
        wants = [self.some_wants(k) for k in range(self.households)]
        producers = [self.a_technique() for _ in range(self.makers)]
        gamma = luck.choice(["0.5", "0.9", "0.99"])
        stipends = [luck.choice([0, 1, 250_000, 7_000_001]) for _ in wants] if stipended else None
        industry = Industry(
            self.names,
            inflows,
            [Producer(f"p{k}", one) for k, (one, _) in enumerate(producers)],
            [Household(f"h{k}", one) for k, (one, _) in enumerate(wants)],
            float(gamma),
        )
        closure = Rewards(1.0)
        if stipended:
            paid = {f"h{k}": ticks / TICKS for k, ticks in enumerate(stipends)}
            closure = Stipends(paid, 1.0, 1.0)
        self.market = WideMarket(industry, closure, "none", goods=self.goods)
        self.rules = Rules(
            self.owners,
            list(self.kinds),
            self.arrivals,
            [one for _, one in wants],
            [one for _, one in producers],
            Fraction(gamma),
            stipends,
        )
        self.prices = [luck.choice([0.0, 0.375, 1.0, 2.5]) for _ in self.names]
        self.begin()

    def living(self):
        first = len(self.holders) - self.makers
        return [row for row in range(len(self.holders)) if row < first or self.alive[row - first]]

    def a_good(self, name):
        choose = self.luck.choice
        unit, lost = choose([0.125, 0.5, 1.0]), choose(["0", "0.1", "0.25", "1"])
        carrying, perishable = choose([0.0, 0.0, ODD, 3.0]), choose([False, False, True])
        good = Good(name, unit, float(lost), carrying, perishable)
        return good, Kind(Fraction(unit), Fraction(lost), Fraction(carrying), perishable)

    def an_inflow(self, row):
        j, quanta = self.luck.randrange(self.m), self.luck.choice([0, 1, 3, 10])
        self.arrivals[row][j] += quanta
        return Inflow(self.names[j], quanta * self.goods[j].unit, self.holders[row])

    def some_wants(self, number):
        """The first household always wants the first good in two ways, so that shapes are few."""
        told, known, choose = [], [], self.luck.choice
        for j in range(self.m):
            count = 2 if (number, j) == (0, 0) else self.luck.randrange(3)
            pairs = [
                (self.luck.choice([0.375, 1.0, 5.0]), choose([0.0, 0.75, 3.0, inf]))
                for _ in range(count)
            ]
            told += [Want(self.names[j], *pair) for pair in pairs]
            known.append([(Fraction(w), None if m == inf else Fraction(m)) for w, m in pairs])
        return tuple(told), known

    def a_technique(self):
        choose = self.luck.choice
        most, fee = choose([0.0, 1.5, 4.0]), choose([0.0, ODD, 3.0])
        if self.luck.random() < 0.3:
            j, keeps = self.luck.randrange(self.m), choose([0.5, 0.75, 1.0])
            one = Storage(self.names[j], most, fee, keeps)
            takes, makes = {j: Fraction(1)}, {j: Fraction(keeps)}
            return one, Recipe(takes, makes, Fraction(most), Fraction(fee))
        most = choose([most, inf])
        takes, makes = (
            {j: choose(amounts) for j in self.luck.sample(range(self.m), choose([1, 2]))}
            for amounts in (AMOUNTS, (*AMOUNTS, 0.1875, 3.0))
        )
        named = [{self.names[j]: x for j, x in side.items()} for side in (takes, makes)]
        exactly = [{j: Fraction(x) for j, x in side.items()} for side in (takes, makes)]
        limit = None if most == inf else Fraction(most)
        return LinearActivity(*named, most, fee), Recipe(*exactly, limit, Fraction(fee))

    def begin(self):
        """Draws a state in which the dead have nothing, and bundles that fit."""
        choose, living = self.luck.choice, self.living()
        holdings, carry, wants = ([[0] * self.m for _ in self.holders] for _ in range(3))
        for row in living:
            holdings[row] = [choose([0, 1, 4, 9, 400]) for _ in self.names]
            carry[row] = [Fraction(choose([0, 0, 3, 7]), 8) for _ in self.names]
        self.forecasts = [choose([0.0, 0.5, 3.0]) for _ in self.names]
        self.scales = [choose([0.0, 1.25]) for _ in self.alive]
        for j, supply in enumerate(map(sum, columns(holdings, self.m))):
            supply += sum(row[j] for row in self.arrivals)
            weights = {row: choose([0, 0, 1, 2, 5]) for row in living}
            part = 4 * max(sum(weights.values()), 1)
            share = choose([0, 1, 3, 4])
            for row, weight in weights.items():
                wants[row][j] = Fraction(8 * supply * weight * share // part, 8)
        units = [kind.unit for kind in self.kinds]
        self.bundles = [[q * u for q, u in zip(row, units, strict=True)] for row in wants]
        money = [choose([0, 1, 10**6, 10**9]) if row in living else 0 for row in range(len(wants))]
        price = [p * u * TICKS for p, u in zip(map(Fraction, self.prices), units, strict=True)]
        for row, bundle in enumerate(wants):
            needed = sum(cost(int(q), p) for q, p in zip(bundle, price, strict=True))
            money[row] = max(money[row], needed)
        if self.luck.random() < 0.3:
            money[0] -= 10**7 if wants[0] == [0] * self.m else 0
        system = {"treasury": choose([0, 3, 10**6, 10**10]), "discount": 5, "losses": -2}
        system |= {"clearing": 0, "nature": -sum(money) - sum(system.values())}
        self.before = Then(holdings, carry, [3] * self.m, money, system, self.alive)

    def answer(self):
        prices = [Fraction(price) for price in self.prices]
        return settle(self.rules, self.before, prices, self.bundles)


def stepped(drawn):
    """The same, by the library: the state after, and what was seen."""
    economy = WideEconomy(drawn.market)
    cast, bidders, before = economy._cast, bidders_of(drawn.market.industry), drawn.before
    assert list(economy.names) == drawn.holders
    with exact():
        balances = np.zeros(N_SYSTEM - 1 + len(drawn.holders), np.int64)
        for name, ticks in before.system.items():
            balances[Account[name.upper()]] = ticks
        balances[np.asarray(cast.accounts)] = before.money
        state = economy.state._replace(
            ledger=economy.state.ledger._replace(balances=jnp.asarray(balances)),
            stocks=economy.state.stocks._replace(
                holdings=jnp.asarray(before.holdings),
                disposal=jnp.asarray(before.disposal),
                carry=jnp.asarray(np.array(before.carry, float)),
            ),
            forecasts=jnp.asarray(drawn.forecasts),
            habits=economy.state.habits._replace(scales=jnp.asarray(drawn.scales)),
            alive=jnp.asarray(before.alive),
        )
        cleared = Cleared(jnp.asarray(drawn.prices), jnp.asarray(np.array(drawn.bundles, float)))
        offer = run_offered(cast, state, drawn.market.rights)
        return economy, *run_settled(
            cast,
            bidders.makers,
            bidders.others,
            bidders.wants,
            bidders.tastes,
            drawn.owners,
            offer,
            cleared,
            Pace(RATE, (MEMORY, 0.97, 4.0, 0.03), (0.9, 4.0, 0.03), (0.5, 0.25)),
            drawn.market.rights,
        )


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=40)
@given(luck=st.randoms(use_true_random=False), stipended=st.booleans())
def test_any_step_is_the_oracles(shape, luck, stipended):
    drawn = Drawn(luck, shape, stipended)
    then, moved, levels = drawn.answer()
    economy, state, seen = stepped(drawn)
    assert int(state.ledger.faults) == 0
    balances = np.asarray(state.ledger.balances)
    assert balances[np.asarray(economy._cast.accounts)].tolist() == then.money
    system = {name: int(balances[Account[name.upper()]]) for name in then.system}
    assert system == then.system
    assert balances.sum() == 0
    assert state.stocks.holdings.tolist() == then.holdings
    assert state.stocks.disposal.tolist() == then.disposal
    assert state.stocks.carry.tolist() == then.carry
    assert state.alive.tolist() == then.alive
    assert np.stack(seen.moved).tolist() == moved
    assert seen.levels.tolist() == levels
    for found, old, new, rate in (
        (state.forecasts, drawn.forecasts, drawn.prices, RATE),
        (state.habits.scales, drawn.scales, levels, 1 - MEMORY),
    ):
        moves = [a + rate * (float(b) - a) for a, b in zip(old, new, strict=True)]
        assert found.tolist() == moves
