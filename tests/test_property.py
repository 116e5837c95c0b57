"""Property rights: who acts on which part of a state, against queues and proportions by hand."""

from collections import deque
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax._errors import InvalidSetting
from catallax._property import Identity, PropertyRights, ProRata, TitledLots, act_on_property
from catallax._types import exact

FEW = settings(max_examples=30, deadline=None)
GOOD_OF = (0, 1, 0, 0, 1)
AMOUNTS = st.integers(0, 50)


def split(draw, total, agents=3):
    """Splits whole totals at random: a list of bundles."""
    cuts = [sorted(draw(st.integers(0, part)) for _ in range(agents - 1)) for part in total]
    ends = [[0, *cut, part] for cut, part in zip(cuts, total, strict=True)]
    return [[end[a + 1] - end[a] for end in ends] for a in range(agents)]


@st.composite
def ownerships(draw, steps=1):
    """A state [5], parts of three owners, and some steps of bundles [3, 2] to trade to."""
    state = draw(st.lists(AMOUNTS, min_size=5, max_size=5))
    seen = [sum(s for s, g in zip(state, GOOD_OF, strict=True) if g == m) for m in range(2)]
    bundles = [split(draw, seen) for _ in range(steps)]
    return state, split(draw, state), bundles


@pytest.mark.parametrize("rights", [Identity(3), ProRata(GOOD_OF), TitledLots(GOOD_OF)])
def test_rights_are_frozen_values_that_follow_the_protocol(rights):
    assert isinstance(rights, PropertyRights)
    assert rights in {rights}


def test_what_is_seen_is_the_total_of_each_good():
    states = jnp.arange(10.0).reshape(2, 5)
    seen = [[0 + 2 + 3, 1 + 4], [5 + 7 + 8, 6 + 9]]
    assert ProRata(GOOD_OF).observe(states).tolist() == seen
    assert TitledLots(GOOD_OF).observe(states).tolist() == seen
    assert Identity(5).observe(states) is states


# --- pro rata


@FEW
@given(case=ownerships())
def test_a_share_of_a_good_is_that_share_of_all_that_is_in_it(case):
    state, _, [bundles] = case
    parts = ProRata(GOOD_OF).private(jnp.array(state, float), jnp.array(bundles, float), None)
    for agent, bundle in enumerate(bundles):
        for component, good in enumerate(GOOD_OF):
            seen = sum(s for s, g in zip(state, GOOD_OF, strict=True) if g == good)
            share = state[component] * bundle[good] / seen if seen else 0.0
            assert float(parts[agent, component]) == pytest.approx(share, rel=1e-5, abs=1e-5)


@FEW
@given(case=ownerships())
def test_whole_shares_are_exact_in_sum_and_close_to_proportion(case):
    state, _, [bundles] = case
    with exact():
        parts = np.asarray(ProRata(GOOD_OF).private(jnp.array(state), jnp.array(bundles), None))
    assert parts.dtype == np.int64
    assert parts.sum(axis=0).tolist() == state
    assert (parts >= 0).all()
    for agent, bundle in enumerate(bundles):
        for good in range(2):
            mine = [parts[agent, c] for c in range(5) if GOOD_OF[c] == good]
            assert sum(mine) == bundle[good]
        for component, good in enumerate(GOOD_OF):
            seen = sum(s for s, g in zip(state, GOOD_OF, strict=True) if g == good)
            share = Fraction(state[component] * bundle[good], seen) if seen else Fraction(0)
            # Roundings of the (at most two) components before it add to its own.
            assert abs(int(parts[agent, component]) - share) < 3


def test_huge_stocks_are_shared_out_exactly():
    state = [2**39 + 1, 2**38 - 7, 2**39 - 3]
    bundles = [[2**39], [2**36 + 5], [sum(state) - 2**39 - 2**36 - 5]]
    with exact():
        found = ProRata((0, 0, 0)).private(jnp.array(state), jnp.array(bundles), None)
        parts = np.asarray(found)
    assert parts.sum(axis=0).tolist() == state
    assert parts.sum(axis=1).tolist() == [bundle[0] for bundle in bundles]


# --- titled lots


class Queues:
    """First in, first out in plain Python: a queue of (component, amount) by owner and good."""

    def __init__(self, parts):
        self.held = [[deque() for _ in range(2)] for _ in parts]
        for owner, part in enumerate(parts):
            for component, amount in enumerate(part):
                self.held[owner][GOOD_OF[component]].append([component, amount])

    def total(self, owner, good):
        return sum(amount for _, amount in self.held[owner][good])

    def take(self, queue, amount):
        taken = []
        while amount > 0:
            lot = queue[0]
            part = min(lot[1], amount)
            if part:
                taken.append([lot[0], part])
            lot[1], amount = lot[1] - part, amount - part
            if lot[1] == 0:
                queue.popleft()
        return taken

    def trade(self, bundles):
        for good in range(2):
            change = [bundle[good] - self.total(o, good) for o, bundle in enumerate(bundles)]
            pool = deque()
            for owner, more in enumerate(change):
                pool.extend(self.take(self.held[owner][good], max(-more, 0)))
            for owner, more in enumerate(change):
                self.held[owner][good].extend(self.take(pool, max(more, 0)))

    def parts(self):
        found = np.zeros((len(self.held), len(GOOD_OF)), int)
        for owner, goods in enumerate(self.held):
            for lots in goods:
                for component, amount in lots:
                    found[owner, component] += amount
        return found.tolist()


@FEW
@given(case=ownerships(steps=3))
def test_lots_change_hands_as_queues_do(case):
    """Three trades and five ages: no two lots have to be merged."""
    state, parts, steps = case
    rights, queues = TitledLots(GOOD_OF, ages=5), Queues(parts)
    with exact():
        lots = rights.begin(jnp.array(parts))
        for bundles in steps:
            private = rights.private(jnp.array(state), jnp.array(bundles), lots)
            lots = rights.trade(lots, jnp.array(bundles))
            queues.trade(bundles)
            # Inside one lot the order of components may differ once it was bought in pieces.
            assert np.asarray(private).sum(axis=0).tolist() == state
            assert np.asarray(rights.observe(private)).tolist() == bundles
            if bundles is steps[0]:
                assert np.asarray(private).tolist() == queues.parts()


def test_the_oldest_goes_first_and_what_is_bought_is_newest():
    rights = TitledLots((0, 0, 0), ages=3)
    lots = rights.begin(jnp.array([[4.0, 0.0, 0.0], [0.0, 5.0, 0.0]]))
    lots = rights.trade(lots, jnp.array([[6.0], [3.0]]))
    assert lots[0, -1].tolist() == [0.0, 2.0, 0.0]
    lots = rights.trade(lots, jnp.array([[1.0], [8.0]]))
    # Of its 4 of the first kind and 2 of the second it gave the 4 first.
    assert lots[0].sum(axis=0).tolist() == [0.0, 1.0, 0.0]
    assert lots[1].sum(axis=0).tolist() == [4.0, 4.0, 0.0]
    assert lots[1, -1].tolist() == [4.0, 1.0, 0.0]


def test_more_lots_than_ages_make_the_oldest_two_one():
    rights = TitledLots((0,), ages=2)
    lots = rights.begin(jnp.array([[1.0], [9.0]]))
    for mine in (2.0, 4.0, 7.0):
        lots = rights.trade(lots, jnp.array([[mine], [10.0 - mine]]))
    assert lots[0, :, 0].tolist() == [4.0, 3.0]
    assert lots[1, :, 0].tolist() == [3.0, 0.0]


def test_who_neither_buys_nor_sells_is_not_touched():
    rights = TitledLots(GOOD_OF)
    lots = rights.begin(jnp.arange(15.0).reshape(3, 5))
    held = rights.observe(lots.sum(axis=1))
    other = held.at[0, 0].add(2.0).at[2, 0].add(-2.0)
    after = rights.trade(lots, other)
    assert after[1].sum(axis=0).tolist() == lots[1].sum(axis=0).tolist()


# --- acting


def test_everybody_acts_on_its_own_and_on_nothing_else():
    state, bundles = jnp.array([6.0, 2.0, 1.0]), jnp.array([[2.0, 1.0], [6.0, 0.0]])

    def act(parts):
        return parts.at[0].multiply(10.0)  # only the first owner does anything

    after = act_on_property(ProRata((0, 0, 1)), state, bundles, None, act)
    np.testing.assert_allclose(after, [6 + 9 * 1.5, 2 + 9 * 0.5, 10.0])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Identity(0), "components=0"),
        (lambda: ProRata(()), "good_of=()"),
        (lambda: ProRata((0, 2)), "without gaps"),
        (lambda: ProRata((0.0, 1.0)), "whole numbers"),
        (lambda: TitledLots((1,)), "TitledLots was given good_of"),
        (lambda: TitledLots((0,), ages=1), "ages=1"),
    ],
)
def test_a_setting_without_a_meaning_is_refused(make, said):
    with pytest.raises(InvalidSetting, match=said):
        make()
