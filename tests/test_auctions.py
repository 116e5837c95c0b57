"""Auctions against an oracle: every small case there is, and properties of the larger ones."""

import itertools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._auctions import FirstPrice, KthPrice, Vickrey
from catallax._errors import InvalidSetting
from catallax._types import NOBODY, TICKS_MAX, TICKS_PER_CREDIT, exact
from oracles.money import kth_price

RULES = [
    {"k": k, "seats": seats, "reserve": reserve, "ties": ties}
    for k in (1, 2, 3, 4)
    for seats in (1, 2)
    for reserve in (None, 0, 1)
    for ties in ("first", "random")
]
N, W = 5, 6
CLEARERS = {}


def ticks(number):
    """A reserve of so many ticks, in credits."""
    return Fraction(number, TICKS_PER_CREDIT)


def clear(auction, bids, enters, luck):
    """Clears under `auction`, compiled once a rule and shape; NumPy in, NumPy out."""
    compiled = CLEARERS.setdefault(auction, jax.jit(auction.clear))
    with exact():
        clearing = compiled(
            jnp.asarray(bids, jnp.int64), jnp.asarray(enters, bool), jnp.asarray(luck, jnp.float32)
        )
    return type(clearing)(*(np.asarray(column) for column in clearing))


def one(auction, bids, luck=0.5):
    """Clears one world; None abstains."""
    values = [[0 if bid is None else bid] for bid in bids]
    clearing = clear(auction, values, [[bid is not None] for bid in bids], [luck])
    return tuple(int(column[0]) for column in clearing)


def every_case(n_agents):
    """Every vector of bids in −1, 0, 1, 2 credits with every mask: two arrays `[N, cases]`."""
    bids = list(itertools.product((-1, 0, 1, 2), repeat=n_agents))
    masks = list(itertools.product((False, True), repeat=n_agents))
    cases = list(itertools.product(bids, masks))
    return (
        np.array([bids for bids, _ in cases], np.int64).T * TICKS_PER_CREDIT,
        np.array([mask for _, mask in cases], bool).T,
    )


@pytest.fixture(scope="module")
def small_worlds():
    """Every small case under every rule, cleared in one compiled call for each number of agents."""

    def all_rules(bids, enters, luck):
        return [KthPrice(**rule).clear(bids, enters, luck) for rule in RULES]

    compiled, cleared = jax.jit(all_rules), {}
    for n_agents in (1, 2, 3, 4):
        bids, enters = every_case(n_agents)
        luck = np.random.default_rng(n_agents).random(bids.shape[1], np.float32)
        with exact():
            cleared[n_agents] = jax.tree.map(np.asarray, compiled(bids, enters, luck))
    return cleared


# --- every small case


@pytest.mark.parametrize("index", range(len(RULES)), ids=[str(rule) for rule in RULES])
def test_every_small_case_clears_as_the_oracle_says(index, small_worlds):
    rule = RULES[index]
    reserve = None if rule["reserve"] is None else rule["reserve"] * TICKS_PER_CREDIT
    for n_agents, cleared in small_worlds.items():
        bids, enters = every_case(n_agents)
        rows = np.where(enters, bids, None).T.tolist()
        columns = (column.tolist() for column in cleared[index])
        for row, winner, price, setter in zip(rows, *columns, strict=True):
            verdict = kth_price(row, rule["k"], rule["seats"], reserve)
            if verdict is None:
                assert (winner, price, setter) == (NOBODY, 0, NOBODY)
                continue
            assert price == verdict.price
            assert winner in (verdict.tied if rule["ties"] == "random" else verdict.tied[:1])
            assert (setter == NOBODY) == verdict.by_reserve
            assert verdict.by_reserve or row[setter] == price


@pytest.mark.parametrize("k", [1, 2, 3])
def test_random_ties_let_all_of_the_tied_win_and_nobody_else(k):
    """With m tied, luck in each m-th of [0, 1) picks another: all win, each as often."""
    bids, enters = every_case(4)
    levels = (np.arange(12) + 0.5) / 12
    auction = KthPrice(k=k, ties="random")
    tall = [np.repeat(array, 12, axis=1) for array in (bids, enters)]
    winners = clear(auction, *tall, np.tile(levels, bids.shape[1])).winner.reshape(-1, 12)
    entered = np.where(enters, bids, -(10**9))
    tied = enters & (entered == entered.max(axis=0))
    wins = np.stack([(winners == slot).sum(axis=1) for slot in range(4)])
    share = np.where(tied, 12 // np.maximum(tied.sum(axis=0), 1), 0)
    np.testing.assert_array_equal(wins, share)


@pytest.mark.parametrize("luck", [0.0, float(np.nextafter(np.float32(1), np.float32(0)))])
def test_the_ends_of_luck_stay_among_the_tied(luck):
    assert one(KthPrice(ties="random"), [7, 3, 7, None, 7], luck)[0] == (0 if luck == 0 else 4)


# --- properties

amounts = st.integers(-(10**9), 10**9)
small = st.integers(-3, 3)


def matrix(values):
    return st.lists(st.lists(values, min_size=W, max_size=W), min_size=N, max_size=N)


auctions = st.sampled_from(
    [
        FirstPrice(ties="random"),
        Vickrey(),
        Vickrey(seats=2, reserve=0, ties="random"),
        KthPrice(k=3, reserve=ticks(2)),
        KthPrice(k=4, ties="random"),
        KthPrice(k=4, seats=2),
    ]
)
lucks = st.lists(st.floats(0, 1, exclude_max=True, width=32), min_size=W, max_size=W)


@given(auction=auctions, bids=matrix(small | amounts), enters=matrix(st.booleans()), luck=lucks)
def test_any_case_clears_as_the_oracle_says(auction, bids, enters, luck):
    clearing = clear(auction, bids, enters, luck)
    for world in range(W):
        row = [bids[i][world] if enters[i][world] else None for i in range(N)]
        verdict = kth_price(row, auction.k, auction.seats, auction.reserve_ticks)
        assert clearing.price[world] == (0 if verdict is None else verdict.price)
        tied = (NOBODY,) if verdict is None else verdict.tied
        assert clearing.winner[world] in (tied if auction.ties == "random" else tied[:1])


@given(
    truth=st.lists(small | amounts, min_size=N, max_size=N),
    lies=st.lists(small | amounts, min_size=W - 1, max_size=W - 1),
    liar=st.integers(0, N - 1),
    reserve=st.sampled_from([None, 0, ticks(1)]),
    ties=st.sampled_from(["first", "random"]),
    luck=st.floats(0, 1, exclude_max=True, width=32),
)
def test_in_vickreys_auction_the_truth_is_dominant(truth, lies, liar, reserve, ties, luck):
    """World 0 hears the truth, the others lies around it: no lie gains, whatever others bid.

    (One bidder alone without a reserve pays its own bid; here there are always two.)
    """
    bids = np.tile(np.array(truth)[:, None], W)
    bids[liar, 1:] = [lie if abs(lie) > 3 else truth[liar] + lie for lie in lies]
    clearing = clear(Vickrey(reserve=reserve, ties=ties), bids, np.ones((N, W)), [luck] * W)
    gains = np.where(clearing.winner == liar, truth[liar] - clearing.price, 0)
    assert gains[0] >= 0
    if ties == "first" or truth.count(max(truth)) == 1:
        assert (gains[0] >= gains).all()


def test_with_two_seats_the_truth_is_not_dominant():
    """The winner pays its own 10; bidding 8 over the rival's 7 saves 2."""
    assert one(Vickrey(seats=2), [10, 7]) == (0, 10, 0)
    assert one(Vickrey(seats=2), [8, 7]) == (0, 8, 0)


@given(
    auction=auctions.filter(lambda auction: auction.reserve is None),
    bids=matrix(small | amounts),
    enters=matrix(st.booleans()),
    luck=lucks,
    shift=amounts,
)
def test_a_constant_on_all_bids_shifts_the_price(auction, bids, enters, luck, shift):
    before = clear(auction, bids, enters, luck)
    after = clear(auction, np.array(bids) + shift, enters, luck)
    np.testing.assert_array_equal(after.winner, before.winner)
    np.testing.assert_array_equal(after.setter, before.setter)
    sold = before.winner != NOBODY
    np.testing.assert_array_equal(after.price, np.where(sold, before.price + shift, 0))


@given(
    auction=auctions,
    bids=matrix(small),
    enters=matrix(st.booleans()),
    order=st.permutations(range(N)),
    luck=lucks,
)
def test_permuting_agents_permutes_the_result(auction, bids, enters, order, luck):
    """Bids are told apart by their last digit, so that there are no ties."""
    bids = np.array(bids) * 10 + np.arange(N)[:, None]
    enters, order = np.array(enters), np.array(order)
    before = clear(auction, bids, enters, luck)
    after = clear(auction, bids[order], enters[order], luck)
    moved = np.append(order, NOBODY)
    np.testing.assert_array_equal(moved[after.winner], before.winner)
    np.testing.assert_array_equal(moved[after.setter], before.setter)
    np.testing.assert_array_equal(after.price, before.price)


@given(auction=auctions, bids=matrix(small), enters=matrix(st.booleans()), luck=lucks)
def test_the_price_lies_between_the_reserve_and_the_winners_bid(auction, bids, enters, luck):
    clearing = clear(auction, bids, enters, luck)
    for world in np.flatnonzero(clearing.winner != NOBODY):
        assert enters[clearing.winner[world]][world]
        assert clearing.price[world] <= bids[clearing.winner[world]][world]
        if auction.reserve_ticks is not None:
            assert clearing.price[world] >= auction.reserve_ticks


# --- by hand: bids in ticks, (winner, price, setter)


@pytest.mark.parametrize(
    ("auction", "bids", "result"),
    [
        (FirstPrice(), [3, 9, 5], (1, 9, 1)),
        (Vickrey(), [3, 9, 5], (1, 5, 2)),
        (KthPrice(k=3), [3, 9, 5], (1, 3, 0)),
        (Vickrey(seats=2), [3, 9, 5], (1, 9, 1)),
        (KthPrice(k=3, seats=2), [3, 9, 5], (1, 5, 2)),
        (KthPrice(k=5, seats=2), [3, 9, 5], (1, 3, 0)),
        (KthPrice(k=7), [3, 9, 5], (1, 3, 0)),
        (KthPrice(k=7, reserve=ticks(2)), [3, 9, 5], (1, 2, NOBODY)),
        (Vickrey(reserve=ticks(4)), [3, 9, None], (1, 4, NOBODY)),
        (Vickrey(reserve=ticks(9)), [3, 9, 5], (1, 9, NOBODY)),
        (Vickrey(reserve=ticks(10)), [3, 9, 5], (NOBODY, 0, NOBODY)),
        (Vickrey(), [-3, -9, -5], (0, -5, 2)),
        (Vickrey(), [None, -9, None], (1, -9, 1)),
        (Vickrey(reserve=0), [-3, -9, -5], (NOBODY, 0, NOBODY)),
        (Vickrey(reserve=ticks(-4)), [-3, -9, -5], (0, -4, NOBODY)),
        (Vickrey(), [None, None, None], (NOBODY, 0, NOBODY)),
        (Vickrey(), [None, 0, None], (1, 0, 1)),
        (Vickrey(), [4, 4, 4], (0, 4, 1)),
        (FirstPrice(), [TICKS_MAX, -TICKS_MAX, None], (0, TICKS_MAX, 0)),
        (Vickrey(), [TICKS_MAX, -TICKS_MAX, None], (0, -TICKS_MAX, 1)),
    ],
)
def test_by_hand(auction, bids, result):
    assert one(auction, bids) == result


def test_worlds_do_not_know_of_each_other():
    """Agent 0 wins world 0, agent 1 world 1, nobody world 2."""
    bids, enters = [[5, 1, 7], [2, 4, 7]], [[True, True, False], [True, True, False]]
    clearing = clear(Vickrey(), bids, enters, [0.0] * 3)
    assert clearing.winner.tolist() == [0, 1, NOBODY]
    assert clearing.price.tolist() == [2, 1, 0]


def test_a_reserve_is_rounded_down_to_ticks():
    assert Vickrey(reserve=1.0000009).reserve_ticks == 1_000_000
    assert Vickrey(reserve=-1.0000001).reserve_ticks == -1_000_001
    assert Vickrey(reserve=0.0).reserve_ticks == 0
    assert Vickrey().reserve_ticks is None


# --- settings

CLASSES = {"KthPrice": KthPrice, "FirstPrice": FirstPrice, "Vickrey": Vickrey}
BAD = [
    (kind, {name: value})
    for kind, names in (("KthPrice", ("k", "seats")), ("Vickrey", ("seats",)))
    for name in names
    for value in (0, -1, 1.5, math.nan, math.inf)
] + [
    (kind, {name: value})
    for kind in CLASSES
    for name, value in (
        ("reserve", math.nan),
        ("reserve", math.inf),
        ("reserve", -math.inf),
        ("reserve", 2e6),
        ("ties", "last"),
        ("ties", None),
    )
]


@pytest.mark.parametrize(("kind", "setting"), BAD, ids=lambda value: type(value).__name__)
def test_a_bad_setting_is_refused_by_name(kind, setting):
    [(name, value)] = setting.items()
    with pytest.raises(InvalidSetting, match=name) as refusal:
        CLASSES[kind](**setting)
    assert f"{name}={value!r}" in refusal.value.what
    assert refusal.value.why.endswith(".")
    assert refusal.value.remedy.startswith("Give ")


def test_a_named_price_rule_has_its_k():
    assert (FirstPrice().k, Vickrey().k, KthPrice().k) == (1, 2, 2)
    assert FirstPrice() == FirstPrice() and FirstPrice() != Vickrey()
    with pytest.raises(TypeError):
        Vickrey(k=3)
