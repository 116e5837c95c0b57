"""The deep market as a wide one: a single indivisible good, `selection`, whose owner acts.

Its prices come from `cx.indivisible`, its payments from the wide market's own settlement, and the
production is a walk. A `cx.DeepMarket` in the same world keeps the same books, tick for tick.
"""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax import _drivers
from catallax._ledger import (
    N_SYSTEM,
    Account,
    Reason,
    account_names,
    empty_ledger,
    post,
    transfers,
)
from catallax._payments import pay_trade
from catallax._settlement import collect_rent
from catallax._stocks import bequeath, empty_stocks
from catallax._trade import trade
from catallax._types import exact, ticks_of
from catallax.clearing.indivisible import wishes
from catallax.wide._step import HEIR, _discounted, _rewarded, _solvent
from small_wide import economy

UNIT = np.array([1e-6])
"""So that a price for one quantum is a whole number of ticks."""
LEFT, RIGHT, TICKS, PLACES = 0, 1, 16, 4

CASES = {
    "Vickrey": {"auction": cx.Vickrey(), "rent": 0.03},
    "ties and a reserve": {
        "auction": cx.Vickrey(reserve=0.25),
        "capital": 0.6,
        "offers": (0.25, 0.28125, 0.28125),
    },
    "first price with a reserve": {"auction": cx.FirstPrice(reserve=0.28125), "capital": 0.35},
    "debts": {"auction": cx.FirstPrice(), "reward": -0.7, "capital": 0.9, "discount": 1.0},
}


MUST_HAPPEN = {"Vickrey": ("rent", "discount"), "debts": ("loss",)}


class Case:
    """Three agents who always do and bid the same, in a walk that pays at its end."""

    def __init__(self, auction, discount=0.9, capital=1.0, rent=0.0, reward=0.8, offers=None):
        self.auction, self.discount, self.capital = auction, discount, capital
        self.rent, self.reward = cx.Rent(rent), reward
        self.offers = offers or (0.3125, 0.28125, 0.1875)
        self.actions = (RIGHT, LEFT, RIGHT)

    def deep(self):
        """The journal's rows, tick by tick, of a deep market."""
        pairs = zip(self.actions, self.offers, strict=True)
        market = cx.DeepMarket(
            agents=[cx.Constant(action=action, offer=offer) for action, offer in pairs],
            auction=self.auction,
            discount=self.discount,
            exploration=cx.NoExploration(),
            capital=cx.Hard(self.capital),
            rent=self.rent,
            nobody=cx.DefaultAction(RIGHT),
            learning=cx.Learning(horizon=1),
        )
        world = cx.worlds.Chain(PLACES, self.reward, time_limit=None)
        driver = _drivers.driver_of(market, world, 1, 0)
        run = cx.Economy(driver, world, 0)
        run.train(TICKS)
        moved = [entry for entry in run.journal if entry.last_tick > entry.first_tick]
        return [set(entry.rows) for entry in moved], run.balances


def wide(case):
    """The same rows of the wide market's settlement, and the balances that it ends with."""
    n = len(case.offers) + 1
    names = account_names(0, np.arange(n - 1))
    cast = economy()._cast._replace(
        accounts=jnp.asarray(
            [Account.ORIGINAL_OWNER, *range(N_SYSTEM, N_SYSTEM + n - 1)], jnp.int32
        ),
        discounted=jnp.arange(n) > 0,
        discount=jnp.asarray(Fraction(case.discount).limit_denominator(10**6).as_integer_ratio()),
        rewarded=jnp.asarray(True),
    )
    ledger = empty_ledger(N_SYSTEM + n - 1)
    endowments = jnp.full(n - 1, ticks_of(case.capital))
    ledger = post(
        ledger, transfers(Account.NATURE, cast.accounts[1:], endowments, Reason.ENDOWMENT)
    )
    stocks = empty_stocks(n, 1)
    stocks = stocks._replace(holdings=stocks.holdings.at[HEIR, 0].set(1))
    alive, place, rows = jnp.ones(n - 1, bool), 0, []
    for _ in range(TICKS):
        ledger = ledger._replace(flows=jnp.zeros_like(ledger.flows))
        means = jnp.maximum(ledger.balances[cast.accounts], 0)
        deal = sale(case, np.asarray(alive), np.asarray(stocks.holdings), means)
        ledger = pay_trade(ledger, deal, cast.accounts, means)
        ledger = _discounted(cast, ledger, deal)
        stocks = stocks._replace(holdings=deal.holdings)
        ledger, stocks, alive = _solvent(ledger, stocks, alive, 1, jnp.zeros_like(alive))
        owner = int(np.argmax(np.asarray(stocks.holdings)[:, 0]))
        buyer = int(np.argmax(np.asarray(deal.bought)[:, 0])) if np.any(deal.bought) else 0
        place = max(place + (1 if not buyer or case.actions[buyer - 1] == RIGHT else -1), 0)
        ends = place == PLACES - 1
        worths = jnp.zeros(n).at[owner].set(case.reward if ends else 0.0)
        ledger = _rewarded(cast, ledger, worths, jnp.zeros(0), n)
        if case.rent.rate:
            held = stocks.holdings[1:, 0]
            ledger, _ = collect_rent(ledger, N_SYSTEM, held, 1, case.rent.fraction)
        if ends:
            stocks, place = bequeath(stocks, jnp.arange(n) == owner, HEIR), 0
        rows.append(rows_of(names, np.asarray(ledger.flows)))
        assert int(ledger.faults) == 0 and int(stocks.holdings.sum()) == 1
    return rows, dict(zip(names, np.asarray(ledger.balances).tolist(), strict=True))


def sale(case, alive, holdings, means):
    """Clears the market of the one good, `min(v, w)`; the reserve is a last bidder."""
    offers = np.where(alive, [ticks_of(offer) for offer in case.offers], 0)
    money, reserve = np.asarray(means)[1:], case.auction.reserve
    if reserve is not None:
        offers, money = np.append(offers, ticks_of(reserve)), np.append(money, ticks_of(reserve))
    found = cx.indivisible(
        wishes.UnitDemand(offers[:, None]),
        [1],
        money,
        money="cap",
        selection="highest" if isinstance(case.auction, cx.FirstPrice) else "lowest",
    )
    bundles = np.zeros((len(case.offers) + 1, 1))
    bundles[1:, 0] = found.bundles[: len(case.offers), 0] * UNIT
    prices = jnp.asarray(found.prices, jnp.float64)
    return trade(jnp.asarray(holdings), prices, jnp.asarray(bundles), means, jnp.asarray(UNIT))


def rows_of(names, flows):
    """Rows of the journal."""
    cells = zip(*np.nonzero(flows), strict=True)
    return {(names[who], Reason(int(why)).name.lower(), int(flows[who, why])) for who, why in cells}


def netted(rows):
    """What everybody received for what, the clearing house left out.

    The wide market books the whole price to the seller and takes the discount from it; the deep one
    books what the seller keeps. That is the only difference.
    """
    flows = {}
    for account, reason, ticks in rows:
        own = "resale" if reason == "discount" and account != "discount" else reason
        if account != "clearing":
            flows[account, own] = flows.get((account, own), 0) + ticks
    return {cell: ticks for cell, ticks in flows.items() if ticks}


@pytest.mark.parametrize("name", CASES)
def test_the_books_are_those_of_the_deep_market_tick_for_tick(monkeypatch, name):
    monkeypatch.setattr(_drivers, "STEPS_PER_SEGMENT", 1)
    case = Case(**CASES[name])
    deep_rows, deep_balances = case.deep()
    with exact():
        wide_rows, wide_balances = wide(case)
    assert len(deep_rows) == TICKS
    for tick, (one, other) in enumerate(zip(deep_rows, wide_rows, strict=True)):
        assert netted(one) == netted(other), f"tick {tick}"
    assert {n: t for n, t in deep_balances.items() if t} == {
        n: t for n, t in wide_balances.items() if t
    }
    said = {reason for rows in deep_rows for _, reason, _ in rows}
    assert {"purchase", "resale", "reward", *MUST_HAPPEN.get(name, ())} <= said
    unsold = sum(all(reason != "purchase" for _, reason, _ in rows) for rows in deep_rows)
    assert (unsold > 0) is (name == "first price with a reserve")
