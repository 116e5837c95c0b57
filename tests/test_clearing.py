"""Clearing within means: against an oracle, and what no agent may ever pay."""

import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._auctions import FirstPrice, KthPrice, Vickrey
from catallax._clearing import Luck, clear_within_means
from catallax._exploration import EpsilonGreedy, NoExploration
from catallax._types import NOBODY, exact
from oracles.money import NO_DEAL, Deal, clear, means_of, spent


class Appointed:
    """An exploration rule for tests: luck itself names the bidder that explores, or NOBODY."""

    def explorer(self, bids, enters, progress, luck):
        named = luck[0].astype(jnp.int32)
        slots = jnp.arange(bids.shape[0], dtype=jnp.int32)[:, None]
        return jnp.where(jnp.any(enters & (slots == named), axis=0), named, NOBODY)


APPOINTED, CREDIT = Appointed(), 10**6
COMPILED = {}
ONE_TICK = Fraction(1, CREDIT)


def compiled(auction, exploration, batched):
    """The library's clearing, compiled once for each rule; `batched` over a leading axis."""

    def run(valuations, enters, means, closing, luck):
        return clear_within_means(
            auction, exploration, valuations, enters, means, closing, luck, jnp.float32(0.0)
        )

    key = auction, exploration, batched
    return COMPILED.setdefault(key, jax.jit(jax.vmap(run) if batched else run))


def sell(
    auction, valuations, means, explorers=None, exploration=APPOINTED, batched=False, closing=None
):
    """Clears; valuations by agent and world, explorers by world; None abstains, or is nobody."""
    values = np.array(valuations, object)
    if explorers is None:
        explorers = np.full(np.delete(values.shape, -2), None)
    enters = np.not_equal(values, None).astype(bool)
    someone = np.not_equal(np.array(explorers, object), None).astype(bool)
    named = np.where(someone, explorers, NOBODY).astype(np.float32)
    luck = Luck(ties=np.zeros_like(named), explore=np.stack([named, named], axis=-2))
    with exact():
        sale = compiled(auction, exploration, batched)(
            jnp.asarray(np.where(enters, values, 0).astype(np.int64)),
            jnp.asarray(enters),
            jnp.asarray(np.array(means, np.int64)),
            jnp.asarray(np.zeros(named.shape, bool) if closing is None else np.array(closing)),
            jax.tree.map(jnp.asarray, luck),
        )
    return type(sale)(*(np.asarray(column) for column in sale))


def deals_of(sale):
    """The library's answer as the oracle's."""
    nobody = {NOBODY: None}
    return [
        Deal(nobody.get(winner, winner), nobody.get(buyer, buyer), price, paid)
        for winner, buyer, price, paid in zip(
            *(column.tolist() for column in (sale.winner, sale.buyer, sale.price, sale.paid)),
            strict=True,
        )
    ]


def settings_of(auction):
    return {"k": auction.k, "seats": auction.seats, "reserve": auction.reserve_ticks}


# --- every small case


@pytest.mark.parametrize(
    "auction",
    [FirstPrice(), Vickrey(), Vickrey(reserve=ONE_TICK), Vickrey(seats=2, reserve=0)],
    ids=lambda value: type(value).__name__,
)
def test_every_small_case_clears_as_the_oracle_says(auction):
    """Two agents, two worlds, values −1..2 or none, means −1..3, anybody exploring anywhere."""
    rows = [(None, 1), (-1, -1), (-1, 2), (0, 0), (1, 1), (1, 2), (2, -1), (2, 1), (2, 2)]
    cases = [
        (values, means, explorers)
        for values in itertools.product(rows, repeat=2)
        for means in itertools.product((-1, 0, 1, 2, 3), repeat=2)
        for explorers in itertools.product((None, 0, 1), repeat=2)
        if all(e is None or values[e][w] is not None for w, e in enumerate(explorers))
    ]
    sale = sell(auction, *zip(*cases, strict=True), batched=True)
    columns = [column.tolist() for column in (sale.winner, sale.buyer, sale.price, sale.paid)]
    rationings = 0
    for case, *answers in zip(cases, *columns, strict=True):
        deals, rationed = clear(*case, **settings_of(auction))
        rationings += bool(rationed)
        expected = [
            [NOBODY if deal.winner is None else deal.winner for deal in deals],
            [NOBODY if deal.buyer is None else deal.buyer for deal in deals],
            [deal.price for deal in deals],
            [deal.paid for deal in deals],
        ]
        assert answers == expected, case
    assert rationings > 100


# --- properties of larger cases

N, W = 4, 3
AUCTIONS = [
    FirstPrice(),
    Vickrey(),
    Vickrey(seats=2, reserve=0),
    KthPrice(k=3, reserve=Fraction(3, CREDIT)),
]
values = st.none() | st.integers(-4, 12) | st.integers(-(10**8), 10**8)
wealths = st.integers(-5, 20) | st.integers(-(10**8), 3 * 10**8)


@st.composite
def markets(draw):
    """(valuations, wealths, bond, explorers), the explorers among the bidders."""
    row = st.lists(values, min_size=W, max_size=W)
    rows = draw(st.lists(row, min_size=N, max_size=N))
    wealth = draw(st.lists(wealths, min_size=N, max_size=N))
    explorers = [
        draw(st.sampled_from([None, *(slot for slot in range(N) if rows[slot][world] is not None)]))
        for world in range(W)
    ]
    return rows, wealth, draw(st.sampled_from([0, 0, 3])), explorers


@given(auction=st.sampled_from(AUCTIONS), market=markets())
def test_any_case_clears_as_the_oracle_says(auction, market):
    rows, wealth, bond, explorers = market
    means = [means_of(w, bond) for w in wealth]
    deals, _ = clear(rows, means, explorers, **settings_of(auction))
    assert deals_of(sell(auction, rows, means, explorers)) == deals


@given(auction=st.sampled_from(AUCTIONS), market=markets())
def test_nobody_pays_more_than_it_had(auction, market):
    """Over all worlds at most `max(w, 0) − bond`, whatever is received; in none over its bid."""
    rows, wealth, bond, explorers = market
    means = [means_of(w, bond) for w in wealth]
    deals = deals_of(sell(auction, rows, means, explorers))
    for slot in range(N):
        assert spent(deals, slot) <= max(means[slot], 0)
    for world, deal in enumerate(deals):
        if deal.winner is None:
            assert deal == NO_DEAL
            continue
        assert deal.paid <= min(rows[deal.buyer][world], means[deal.buyer])
        best = min(rows[deal.winner][world], means[deal.winner])
        assert deal.paid <= deal.price <= best
        if auction.reserve_ticks is not None:
            assert deal.price >= auction.reserve_ticks


@given(auction=st.sampled_from(AUCTIONS), market=markets())
def test_an_explorer_pays_its_own_bid_or_the_price_if_less(auction, market):
    """With means for everything: the explorer's bid or the price, the winner's as if alone."""
    rows, _, _, explorers = market
    means = [10**12] * N
    plain = deals_of(sell(auction, rows, means))
    for world, deal in enumerate(deals_of(sell(auction, rows, means, explorers))):
        assert deal.winner == plain[world].winner
        explorer, reserve = explorers[world], auction.reserve_ticks
        own = None if explorer is None else rows[explorer][world]
        if deal.winner is None or own is None or (reserve is not None and own < reserve):
            assert deal == plain[world]
        else:
            assert deal.buyer == explorer
            assert deal.paid == min(own, plain[world].price)
            assert deal.price == (own if auction == FirstPrice() else plain[world].price)


def test_rationing_ends_where_everybody_overspends():
    """Eight worlds, six agents, all poor, all bids high: each pays at most a world's share."""
    rng = np.random.default_rng(0)
    rows = rng.integers(50, 100, (40, 6, 8)).tolist()
    means = rng.integers(0, 100, (40, 6)).tolist()
    nobody = [[None] * 8] * 40
    sale = sell(FirstPrice(), rows, means, nobody, batched=True)
    for case in range(40):
        part = type(sale)(*(column[case] for column in sale))
        expected, rationed = clear(rows[case], means[case], nobody[case], 1)
        assert deals_of(part) == expected
        assert rationed


# --- by hand: values and means in ticks


def test_a_cap_lowers_a_bid_to_the_wealth():
    """Values 9 and 5, wealth 7 and 100: bids 7 and 5; the winner pays its 7, capped."""
    sale = sell(FirstPrice(), [[9], [5]], [7, 100])
    assert deals_of(sale) == [Deal(0, 0, 7, 7)]
    assert sale.capped.tolist() == [True]
    assert not sell(FirstPrice(), [[7], [5]], [7, 100]).capped.any()


def test_a_cap_on_somebody_who_abstains_is_none():
    assert not sell(FirstPrice(), [[None], [5]], [0, 100]).capped.any()


def test_caps_across_parallel_worlds():
    """Wealth 10, values 8 and 7 against a rival's 3 and 4: 8 + 7 is more than 10.

    Rationed to 5 a world it still wins both and pays 5 + 5, first price.
    """
    assert deals_of(sell(FirstPrice(), [[8, 7], [3, 4]], [10, 100])) == [
        Deal(0, 0, 5, 5),
        Deal(0, 0, 5, 5),
    ]


def test_a_rationed_agent_may_lose_a_world():
    """As before with a rival of 3 and 6: at 5 a world it keeps the first and loses the second."""
    assert deals_of(sell(FirstPrice(), [[8, 7], [3, 6]], [10, 100])) == [
        Deal(0, 0, 5, 5),
        Deal(1, 1, 6, 6),
    ]


def test_rationing_one_may_ration_the_next():
    """A (wealth 10) outbids B on both worlds, rationed to 5 it loses both to B (wealth 11).

    B's 6 + 6 is over 11; at 5 a world it ties with A, and the first slot wins both for 5.
    """
    sale = sell(FirstPrice(), [[8, 8], [6, 6]], [10, 11])
    assert deals_of(sale) == [Deal(0, 0, 5, 5), Deal(0, 0, 5, 5)]


def test_at_the_second_price_nobody_is_rationed_who_can_pay():
    """Bids 8 and 7 over 3 and 4 cost 3 + 4: within 10."""
    assert deals_of(sell(Vickrey(), [[8, 7], [3, 4]], [10, 100])) == [
        Deal(0, 0, 3, 3),
        Deal(0, 0, 4, 4),
    ]


def test_what_is_received_does_not_count():
    """World 0 pays its buyer 5 (a burden), world 1 costs 4 of 4: two worlds, 4 in all.

    Were the 5 counted, a third at 3 could be bought too: with three worlds it is rationed to
    floor(4/3) = 1 a world.
    """
    assert deals_of(sell(FirstPrice(), [[-5, 4, None], [-9, 0, None]], [4, 9])) == [
        Deal(0, 0, -5, -5),
        Deal(0, 0, 4, 4),
        NO_DEAL,
    ]
    assert deals_of(sell(FirstPrice(), [[-5, 4, 3], [-9, 0, 0]], [4, 9])) == [
        Deal(0, 0, -5, -5),
        Deal(0, 0, 1, 1),
        Deal(0, 0, 1, 1),
    ]


def test_a_debtor_bids_nothing_for_goods_and_takes_burdens():
    """Wealth −3: means 0; it bids 0 for what it values at 6, and −2 for a burden of −2."""
    assert means_of(-3, 0) == 0
    assert deals_of(sell(FirstPrice(), [[6, -2]], [0])) == [Deal(0, 0, 0, 0), Deal(0, 0, -2, -2)]


def test_a_bond_is_not_bid():
    """Wealth 10 and 1, bond 3: means 7 and −2. At a value of 9 and 9: bids 7 and −2."""
    means = [means_of(10, 3), means_of(1, 3)]
    assert means == [7, -2]
    assert deals_of(sell(Vickrey(), [[9], [9]], means)) == [Deal(0, 0, -2, -2)]
    assert deals_of(sell(FirstPrice(), [[9], [9]], means)) == [Deal(0, 0, 7, 7)]


def test_exploration_is_bought_at_a_positive_price():
    """Bids 9, 6, 2 at the second price 6; agent 2 explores, pays 2, and 4 are missing."""
    assert deals_of(sell(Vickrey(), [[9], [6], [2]], [99] * 3, [2])) == [Deal(0, 2, 6, 2)]


def test_exploration_is_bought_at_a_negative_price():
    """Bids −1, −4, −9 at −4; agent 2 explores and is paid its 9, 5 more than the seller pays."""
    assert deals_of(sell(Vickrey(), [[-1], [-4], [-9]], [99] * 3, [2])) == [Deal(0, 2, -4, -9)]


def test_an_explorer_who_could_pay_more_pays_the_price():
    """Agent 1's own bid is the price: it explores for 6; the winner itself may explore, for 6."""
    for slot in (0, 1):
        assert deals_of(sell(Vickrey(), [[9], [6], [2]], [99] * 3, [slot])) == [Deal(0, slot, 6, 6)]


def test_an_explorers_own_bid_is_capped():
    """Agent 1 values the world at 6 and has 4: the price is its 4, and it explores for 4."""
    assert deals_of(sell(Vickrey(), [[9], [6]], [99, 4], [1])) == [Deal(0, 1, 4, 4)]


def test_where_nothing_is_sold_nobody_explores():
    """A reserve of 3 that none of 1 and 2 reaches."""
    auction = KthPrice(k=3, reserve=Fraction(3, CREDIT))
    assert deals_of(sell(auction, [[1], [2]], [99, 99], [1])) == [NO_DEAL]


def test_at_the_first_price_exploration_costs_nothing():
    """SARSA: bids 9 and 6, agent 1 explores for its 6, and the seller is paid on 6."""
    sale = sell(FirstPrice(), [[9], [6]], [99, 99], [1])
    assert deals_of(sale) == [Deal(0, 1, 6, 6)]
    assert sale.setter.tolist() == [1]
    assert deals_of(sell(KthPrice(k=1), [[9], [6]], [99, 99], [1])) == [Deal(0, 1, 6, 6)]


def test_with_two_seats_the_seller_is_paid_on_the_highest_bid():
    """Q-learning at any exploration: bids 9 and 6, agent 1 explores for 6, 3 are missing to 9."""
    assert deals_of(sell(Vickrey(seats=2), [[9], [6]], [99, 99], [1])) == [Deal(0, 1, 9, 6)]


def test_who_does_not_reach_the_reserve_does_not_explore():
    """Bids 9, 6 and 2 over a reserve of 3: agent 2 is no bidder."""
    auction = Vickrey(reserve=Fraction(3, CREDIT))
    assert deals_of(sell(auction, [[9], [6], [2]], [99] * 3, [2])) == [Deal(0, 0, 6, 6)]


def test_a_closing_world_is_bought_by_the_original_owner_in_full():
    """Bids 9, 6 and 2; agent 2 would explore: nobody does, and the whole 6 is paid."""
    sale = sell(Vickrey(), [[9], [6], [2]], [99] * 3, [2], closing=[True])
    assert deals_of(sale) == [Deal(0, None, 6, 6)]


def test_a_closing_world_does_not_ration():
    """Wealth 8: 8 for the open world; the 7 of the closing one is the original owner's to pay."""
    sale = sell(FirstPrice(), [[8, 7], [3, 4]], [8, 99], closing=[False, True])
    assert deals_of(sale) == [Deal(0, 0, 8, 8), Deal(0, None, 7, 7)]


def test_no_exploration_is_the_plain_sale():
    rows = [[9, 3], [6, 4]]
    plain = sell(Vickrey(), rows, [99, 99], [0, 0], NoExploration())
    never = sell(Vickrey(), rows, [99, 99], [0, 0], EpsilonGreedy(0.0, 0.0))
    assert deals_of(plain) == deals_of(never) == [Deal(0, 0, 6, 6), Deal(1, 1, 3, 3)]


def test_the_setter_is_whose_bid_is_the_price():
    assert sell(Vickrey(), [[9], [6], [2]], [99] * 3).setter.tolist() == [1]
    assert sell(Vickrey(reserve=Fraction(7, CREDIT)), [[9], [6]], [99] * 2).setter.tolist() == [-1]
