"""Settlement by hand, against the oracle, and every fault that its checks must find."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax import _ledger
from catallax._auctions import FirstPrice, Vickrey
from catallax._clearing import Luck, Sale, clear_within_means
from catallax._exploration import NoExploration
from catallax._ledger import (
    N_SYSTEM,
    Account,
    Reason,
    check_books,
    empty_ledger,
    faults_named,
    post,
    post_each,
    transfers,
)
from catallax._settlement import (
    check_sale_prices,
    check_sales,
    collect_rent,
    kept_of,
    pay_rewards,
    refinance,
    sale_transfers,
    settle_estates,
)
from catallax._types import NOBODY, exact
from oracles.money import Books

FIRST, A, B, C = N_SYSTEM, N_SYSTEM, N_SYSTEM + 1, N_SYSTEM + 2
NAMES = [*(account.name.lower() for account in Account), "A", "B", "C"]
ORIGINAL = Account.ORIGINAL_OWNER
TENTH_OFF, HALF = Fraction(9, 10), Fraction(1, 2)


def ticks(numbers):
    return jnp.asarray(numbers, jnp.int64)


def slots(numbers):
    return jnp.asarray(numbers, jnp.int32)


def opened(*wealth):
    """A ledger on which A, B and C have been endowed by nature, whose account is then forgotten."""
    with exact():
        amounts = ticks([*wealth, *[0] * (3 - len(wealth))])
        ledger = empty_ledger(len(NAMES))
        return post_each(ledger, FIRST, amounts, Account.NATURE, Reason.ENDOWMENT)


def sell(ledger, owner, buyer, price, paid=None, gamma=TENTH_OFF, sold=True):
    """Sells one world (or, given lists, several) and checks it."""
    owner, buyer, price, paid, sold = (
        np.atleast_1d(part) for part in (owner, buyer, price, price if paid is None else paid, sold)
    )
    with exact():
        terms = slots(owner), slots(buyer), ticks(price), ticks(paid), jnp.asarray(sold), gamma
        return check_sales(ledger, post(ledger, sale_transfers(*terms)), *terms)


def reward(ledger, owner, amount):
    with exact():
        return pay_rewards(ledger, slots([Account.NATURE]), slots([owner]), ticks([amount]))[0]


def since(before, after):
    """Who gained what: every account that changed, by name."""
    assert faults_named(after.faults) == []
    with exact():
        assert faults_named(check_books(after).faults) == []
    gains = np.asarray(after.balances) - np.asarray(before.balances)
    return {name: int(gain) for name, gain in zip(NAMES, gains, strict=True) if gain}


def by_reason(before, after, reason):
    """What an account received net for one reason."""
    gains = np.asarray(after.flows - before.flows)[:, reason]
    return {name: int(gain) for name, gain in zip(NAMES, gains, strict=True) if gain}


# --- worked examples: sales


def test_signed_prices():
    """γ = .9 and three steps of −1: values −2.71, −1.9 and −1; every agent nets 0.

    Nature takes 3, the original owner has paid 2.71 to be rid of the world, and .29 of the
    payments to buyers came from the discount: −.29. Here with 100 ticks to a credit.
    """
    before = ledger = opened()
    for owner, buyer, price in ((ORIGINAL, A, -271), (A, B, -190), (B, C, -100)):
        ledger = reward(sell(ledger, owner, buyer, price), buyer, -100)
    assert since(before, ledger) == {"nature": 300, "original_owner": -271, "discount": -29}


def test_signed_prices_come_out_of_an_auction():
    """The same three sales, at the first price of the three values: only one bidder a step."""
    before = ledger = opened()
    owner, luck = ORIGINAL, Luck(jnp.zeros(1), jnp.zeros((2, 1)))
    for buyer, value in enumerate((-271, -190, -100)):
        with exact():
            sale = clear_within_means(
                FirstPrice(),
                NoExploration(),
                ticks([[value]] * 3),
                (slots([0, 1, 2]) == buyer)[:, None],
                jnp.maximum(ledger.balances[FIRST:], 0),
                jnp.zeros(1, bool),
                luck,
                jnp.float32(0),
            )
        assert int(sale.winner[0]) == buyer
        ledger = sell(ledger, owner, FIRST + buyer, int(sale.price[0]), int(sale.paid[0]))
        owner = FIRST + buyer
        ledger = reward(ledger, owner, -100)
    assert since(before, ledger) == {"nature": 300, "original_owner": -271, "discount": -29}


def test_the_first_sale_is_not_discounted():
    """The original owner gets the whole 100, of either sign."""
    before = opened(500)
    assert since(before, sell(before, ORIGINAL, A, 100)) == {"A": -100, "original_owner": 100}
    assert since(before, sell(before, ORIGINAL, A, -100)) == {"A": 100, "original_owner": -100}


def test_later_sales_are_discounted():
    """Of 100 the seller keeps 90 and the account `discount` 10."""
    before = opened(500, 500)
    gains = since(before, sell(before, A, B, 100))
    assert gains == {"A": 90, "B": -100, "discount": 10}


def test_a_negative_price_is_discounted_as_well():
    """At −100 the buyer receives 100, the seller pays 90, `discount` the other 10."""
    before = opened(500, 500)
    gains = since(before, sell(before, A, B, -100))
    assert gains == {"A": -90, "B": 100, "discount": -10}


@pytest.mark.parametrize(
    ("price", "gamma", "kept", "rest"),
    [
        (15, TENTH_OFF, 13, 2),  # 13.5
        (-15, TENTH_OFF, -14, -1),  # −13.5
        (1, TENTH_OFF, 0, 1),  # .9
        (-1, TENTH_OFF, -1, 0),  # −.9
        (3, HALF, 1, 2),
        (-3, HALF, -2, -1),
        (0, TENTH_OFF, 0, 0),
        (7, Fraction(1), 7, 0),
        (2**40, Fraction(2**20 - 1, 2**20), 2**40 - 2**20, 2**20),
        (-(2**40), Fraction(2**20 - 1, 2**20), 2**20 - 2**40, -(2**20)),
    ],
)
def test_the_discount_rounds_down(price, gamma, kept, rest):
    """What the seller keeps is rounded down, also below 0; not a tick is lost."""
    before = opened(2**41, 2**41)
    after = sell(before, A, B, price, gamma=gamma)
    with exact():
        assert int(kept_of(ticks([price]), slots([A]), gamma)[0]) == kept
    expected = {"A": kept, "B": -price, "discount": rest}
    assert since(before, after) == {name: gain for name, gain in expected.items() if gain}


def test_exploration_is_bought_at_a_positive_price():
    """Price 60, the explorer's own bid 20: it pays 20, `exploration` 40, the seller gets 54."""
    before = opened(500, 500)
    after = sell(before, A, B, 60, paid=20)
    assert since(before, after) == {"A": 54, "B": -20, "exploration": -40, "discount": 6}
    assert by_reason(before, after, Reason.EXPLORATION) == {"exploration": -40, "clearing": 40}


def test_exploration_is_bought_at_a_negative_price():
    """Price −40, own bid −90: B receives 90, of which A pays 36, γ 4 and `exploration` 50."""
    before = opened(500, 500)
    after = sell(before, A, B, -40, paid=-90)
    assert since(before, after) == {"A": -36, "B": 90, "exploration": -50, "discount": -4}


def test_exploration_is_bought_across_zero():
    """Price 30, own bid −20: the seller keeps 27, B is paid 20, `exploration` pays 50."""
    before = opened(500, 500)
    after = sell(before, A, B, 30, paid=-20)
    assert since(before, after) == {"A": 27, "B": 20, "exploration": -50, "discount": 3}


def test_an_agent_that_keeps_its_world_pays_the_discount():
    """A sells to A at 100: it pays 100 and keeps 90."""
    before = opened(500)
    assert since(before, sell(before, A, A, 100)) == {"A": -10, "discount": 10}


def test_truncation_is_a_sale_to_the_original_owner():
    """At 100 the last owner gets 90; at −100 it pays 90. The original owner pays the price."""
    before = opened(500)
    gains = since(before, sell(before, A, ORIGINAL, 100))
    assert gains == {"original_owner": -100, "A": 90, "discount": 10}
    gains = since(before, sell(before, A, ORIGINAL, -100))
    assert gains == {"original_owner": 100, "A": -90, "discount": -10}


def test_where_nothing_is_sold_nothing_moves():
    before = opened(500, 500)
    after = sell(before, A, B, 100, sold=False)
    assert since(before, after) == {}
    assert int(after.transfers) == int(before.transfers)


def test_worlds_are_settled_together():
    """A sells to B at 100 and buys from B at 50; C buys from the original owner at 10."""
    before = opened(500, 500, 500)
    after = sell(before, [A, B, ORIGINAL], [B, A, C], [100, 50, 10], sold=[True] * 3)
    assert since(before, after) == {
        "A": 90 - 50,
        "B": 45 - 100,
        "C": -10,
        "original_owner": 10,
        "discount": 15,
    }


@given(
    owner=st.lists(st.sampled_from([ORIGINAL, A, B, C]), min_size=3, max_size=3),
    buyer=st.lists(st.sampled_from([ORIGINAL, A, B, C]), min_size=3, max_size=3),
    price=st.lists(st.integers(-50, 50) | st.integers(-(2**40), 2**40), min_size=3, max_size=3),
    short=st.lists(st.integers(0, 2**40), min_size=3, max_size=3),
    sold=st.lists(st.booleans(), min_size=3, max_size=3),
    gamma=st.sampled_from([TENTH_OFF, HALF, Fraction(1), Fraction(999_983, 2**20 - 3)]),
)
def test_any_sales_settle_as_the_oracle_says(owner, buyer, price, short, sold, gamma):
    paid, books = [p - s for p, s in zip(price, short, strict=True)], Books()
    for world in range(3):
        if sold[world]:
            sides = NAMES[owner[world]], NAMES[buyer[world]]
            books.sell(*sides, price[world], paid[world], gamma)
    before = opened()
    gains = since(before, sell(before, owner, buyer, price, paid, gamma, sold))
    assert gains == {name: gain for name, gain in books.balances.items() if gain}


# --- worked examples: rewards, rent, death, refinancing


def test_a_reward_comes_from_nature_and_a_penalty_goes_to_it():
    before = opened(100)
    assert since(before, reward(before, A, 7)) == {"nature": -7, "A": 7}
    assert since(before, reward(before, A, -7)) == {"nature": 7, "A": -7}


def rent(ledger, held, n_worlds, rate):
    with exact():
        return collect_rent(ledger, FIRST, ticks(held), n_worlds, rate)


def test_rent_is_for_the_worlds_held():
    """ε = 1 %, 8 worlds: A holds 3 and pays floor(10·3/8) = 3; B holds none; C all: 20."""
    before = opened(1000, 1000, 2000)
    after, due = rent(before, [3, 0, 8], 8, Fraction(1, 100))
    assert due.tolist() == [3, 0, 20]
    assert since(before, after) == {"A": -3, "C": -20, "treasury": 23}


def test_a_debtor_pays_no_rent():
    before = opened(-1000, 99)
    after, due = rent(before, [1, 1, 0], 2, Fraction(1, 100))
    assert due.tolist() == [0, 0, 0]
    assert since(before, after) == {}


@given(
    wealth=st.lists(st.integers(-(2**50), 2**50), min_size=3, max_size=3),
    held=st.lists(st.integers(0, 21), min_size=3, max_size=3),
    rate=st.sampled_from([Fraction(1, 1000), Fraction(999_983, 10**6), Fraction(1, 999_983)]),
)
def test_any_rent_is_the_floor_of_its_fraction(wealth, held, rate):
    _, due = rent(opened(*wealth), held, 64, rate)
    for w, k, paid in zip(wealth, held, due.tolist(), strict=True):
        exactly = rate * max(w, 0) * k / 64
        assert paid == exactly.numerator // exactly.denominator


@pytest.mark.parametrize("n_worlds", [1, 4096, 2**17])
def test_rent_of_many_worlds_does_not_overflow(n_worlds):
    """All worlds held, at a rate with long numbers, of all the wealth an account may have."""
    rate = Fraction(999_983, 10**6)
    for wealth in (2**60, 10**6 * n_worlds - 1):
        _, due = rent(opened(wealth), [n_worlds, 0, 0], n_worlds, rate)
        assert int(due[0]) == rate.numerator * wealth // rate.denominator


def close(ledger, *dead):
    with exact():
        return settle_estates(ledger, FIRST, jnp.asarray(dead))


def test_a_bankrupts_debt_is_a_loss():
    """A at 100 sells a burden at −500 to B: it owes 450 (γ = .9) and is 350 short."""
    before = opened(100, 1000)
    sold = sell(before, A, B, -500)
    assert int(sold.balances[A]) == -350
    closed = close(sold, True, False, False)
    assert since(sold, closed) == {"A": 350, "losses": -350}
    assert by_reason(sold, closed, Reason.LOSS) == {"A": 350, "losses": -350}


def test_an_estate_goes_to_the_treasury():
    before = opened(80, 70)
    after = close(before, True, False, False)
    assert since(before, after) == {"A": -80, "treasury": 80}
    assert by_reason(before, after, Reason.ESTATE) == {"A": -80, "treasury": 80}


def test_estates_and_debts_are_settled_apart():
    """A leaves 80, B a debt of 50: the treasury gets the 80 whole, `losses` pays the 50."""
    before = opened(80, -50, 7)
    gains = since(before, close(before, True, True, False))
    assert gains == {"A": -80, "B": 50, "treasury": 80, "losses": -50}


def top_up(ledger, poor, endowment):
    with exact():
        return refinance(ledger, FIRST, jnp.asarray(poor), endowment)


def test_refinancing_tops_up_to_the_endowment():
    """Endowment 1000: A at −250 gets 1250, B at 400 gets 600, C is left alone."""
    before = opened(-250, 400, 10)
    after = top_up(before, [True, True, False], 1000)
    assert since(before, after) == {"A": 1250, "B": 600, "losses": -1850}
    assert by_reason(before, after, Reason.REFINANCE) == {"A": 1250, "B": 600, "losses": -1850}


def test_refinancing_takes_nothing_from_anybody():
    """A at 1500 and an endowment of 1000: nothing is missing."""
    before = opened(1500, 1000)
    assert since(before, top_up(before, [True, True, False], 1000)) == {}


# --- every fault of the sales


@pytest.fixture(params=[0, 2**12])
def either_way(request, monkeypatch):
    """Both ways to sum by account: all compared with all, and scattered."""
    monkeypatch.setattr(_ledger, "DENSE", request.param)


HONEST = {"owner": A, "buyer": B, "price": 100, "paid": 60}


def checked(before, after, **terms):
    """What the check finds where `after` is said to be one sale on these terms."""
    terms = HONEST | terms
    with exact():
        found = check_sales(
            before,
            after,
            slots([terms["owner"]]),
            slots([terms["buyer"]]),
            ticks([terms["price"]]),
            ticks([terms["paid"]]),
            jnp.asarray([terms.get("sold", True)]),
            TENTH_OFF,
        )
    return faults_named(found.faults)


def moved(ledger, debit, credit, amount):
    with exact():
        return post(ledger, transfers(debit, credit, ticks([amount]), Reason.PURCHASE))


@pytest.mark.usefixtures("either_way")
def test_an_honest_sale_passes():
    before = opened(500, 500, 500)
    assert checked(before, sell(before, **HONEST)) == []
    assert checked(before, before, sold=False) == []


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    "terms",
    [
        {"owner": C},
        {"owner": ORIGINAL},
        {"buyer": C},
        {"buyer": ORIGINAL},
        {"price": 101},
        {"price": -100},
        {"paid": 61},
        {"sold": False},
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_sale_on_other_terms_is_found(terms):
    before = opened(500, 500, 500)
    assert checked(before, sell(before, **HONEST), **terms) == ["wrong payee"]


def test_a_sale_that_is_not_booked_is_found():
    before = opened(500, 500, 500)
    assert checked(before, before) == ["wrong payee"]


def test_a_seller_paid_in_full_is_found():
    """The market that mints money: the discount never leaves the seller's pocket."""
    before = opened(500, 500, 500)
    after = moved(sell(before, **HONEST), Account.DISCOUNT, A, 10)
    assert checked(before, after) == ["wrong payee"]


@pytest.mark.parametrize("stranger", [C, Account.NATURE, Account.TREASURY, Account.CLEARING])
@pytest.mark.parametrize("amount", [1, -1])
def test_a_stranger_who_is_touched_is_found(stranger, amount):
    before = opened(500, 500, 500)
    after = moved(sell(before, **HONEST), B, stranger, amount)
    assert "wrong payee" in checked(before, after)


def prices_checked(sale, valuations, means, reserve=None):
    """What the check finds of a sale `(winner, buyer, price, paid)` of each world."""
    columns = np.array(sale).T
    with exact():
        found = check_sale_prices(
            empty_ledger(len(NAMES)),
            Sale(
                winner=slots(columns[0]),
                buyer=slots(columns[1]),
                price=ticks(columns[2]),
                paid=ticks(columns[3]),
                setter=slots(columns[0]),
                capped=jnp.zeros(len(sale), bool),
            ),
            ticks(valuations),
            ticks(means),
            reserve,
        )
    return faults_named(found.faults)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("sale", "valuations", "means", "reserve", "found"),
    [
        ([(0, 0, 5, 5)], [[9], [5]], [9, 9], None, []),
        ([(0, 1, 7, 5)], [[9], [5]], [9, 9], 7, []),
        ([(0, 0, -5, -5)], [[-2], [-5]], [0, 0], None, []),
        ([(NOBODY, NOBODY, 0, 0)], [[9], [5]], [9, 9], 7, []),
        ([(0, 0, 10, 10)], [[9], [5]], [99, 9], None, ["price above bid"]),
        ([(0, 1, 6, 6)], [[9], [5]], [99, 9], None, ["price above bid"]),
        ([(0, 1, 4, 5)], [[9], [5]], [9, 9], None, ["price above bid"]),
        ([(0, 0, -1, -1)], [[-2], [-5]], [0, 0], None, ["price above bid"]),
        ([(0, 0, 5, 5)], [[9], [5]], [9, 9], 6, ["price below reserve"]),
        ([(0, 1, 5, 4)], [[9], [5]], [9, 9], 6, ["price below reserve"]),
        ([(0, 0, -1, -1)], [[9], [-1]], [9, 9], 0, ["price below reserve"]),
        ([(0, 0, 5, 5)], [[9], [5]], [4, 9], None, ["over means"]),
        ([(0, 0, 1, 1)], [[9], [5]], [0, 9], None, ["over means"]),
        ([(0, 0, -2, -2)], [[9], [5]], [-5, 9], None, ["over means"]),
        ([(0, 0, 5, 5), (0, 0, 5, 5)], [[9, 9], [5, 5]], [9, 9], None, ["over means"]),
        ([(0, 0, 5, 5), (0, 1, 5, 5)], [[9, 9], [5, 5]], [5, 5], None, []),
        ([(0, 0, 5, 5), (0, 0, -5, -5)], [[9, 9], [5, 5]], [5, 5], None, []),
        ([(0, 0, 6, 6), (0, 0, -5, -5)], [[9, 9], [5, 5]], [5, 5], None, ["over means"]),
    ],
)
def test_prices_are_checked(sale, valuations, means, reserve, found):
    assert prices_checked(sale, valuations, means, reserve) == found


@jax.jit
def clear_and_check(valuations, means):
    luck = Luck(jnp.zeros(3), jnp.zeros((2, 3)))
    everybody, open_ = jnp.ones(valuations.shape, bool), jnp.zeros(3, bool)
    auction = Vickrey(reserve=Fraction(2, 10**6))
    sale = clear_within_means(
        auction, NoExploration(), valuations, everybody, means, open_, luck, jnp.float32(0)
    )
    ledger = empty_ledger(len(NAMES))
    return check_sale_prices(ledger, sale, valuations, means, auction.reserve_ticks).faults


@given(
    valuations=st.lists(
        st.lists(st.integers(-9, 30), min_size=3, max_size=3), min_size=3, max_size=3
    ),
    means=st.lists(st.integers(-3, 40), min_size=3, max_size=3),
)
def test_clearing_passes_the_checks_of_its_prices(valuations, means):
    with exact():
        assert faults_named(clear_and_check(ticks(valuations), ticks(means))) == []
