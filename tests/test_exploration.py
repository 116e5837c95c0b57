"""Who explores: only bidders, each as often as the rule says; and what that costs whom."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._errors import InvalidSetting
from catallax._exploration import Boltzmann, EpsilonGreedy, NoExploration
from catallax._types import NOBODY, TICKS_PER_CREDIT, exact

N, W = 4, 5
ALMOST_ONE = float(1 - np.float32(2**-23))  # the largest that jax.random.uniform draws
EXPLORERS = {}

units = st.floats(0, 1, exclude_max=True, width=32).map(lambda luck: min(luck, ALMOST_ONE))


def explorer(rule, bids, enters, luck, progress=0.0):
    """Asks the rule, compiled once a rule and shape; bids in ticks."""
    compiled = EXPLORERS.setdefault(rule, jax.jit(rule.explorer))
    with exact():
        chosen = compiled(
            jnp.asarray(bids, jnp.int64),
            jnp.asarray(enters, bool),
            jnp.asarray(progress, jnp.float32),
            jnp.asarray(luck, jnp.float32),
        )
    assert chosen.dtype == np.int32
    return np.asarray(chosen)


def draws(rule, bids, enters, progress=0.0):
    """How often each slot explores in one world over a fine grid of luck; NOBODY last."""
    grid = (np.arange(100) + 0.5) / 100
    luck = np.stack(np.meshgrid(grid, grid)).reshape(2, -1)
    spread = [
        np.repeat(np.array(values)[:, None], luck.shape[1], axis=1) for values in (bids, enters)
    ]
    chosen = explorer(rule, *spread, luck, progress)
    return np.bincount(
        np.where(chosen == NOBODY, len(bids), chosen), minlength=len(bids) + 1
    ) / len(chosen)


RULES = [EpsilonGreedy(1.0, 1.0), Boltzmann(1.0), Boltzmann(1e-3)]


@given(
    rule=st.sampled_from([NoExploration(), *RULES]),
    bids=st.lists(
        st.lists(st.integers(-(2**40), 2**40), min_size=W, max_size=W), min_size=N, max_size=N
    ),
    enters=st.lists(st.lists(st.booleans(), min_size=W, max_size=W), min_size=N, max_size=N),
    luck=st.lists(st.lists(units, min_size=W, max_size=W), min_size=2, max_size=2),
)
def test_only_bidders_explore(rule, bids, enters, luck):
    chosen = explorer(rule, bids, enters, luck)
    for world in range(W):
        bidders = {slot for slot in range(N) if enters[slot][world]}
        if rule == NoExploration() or not bidders:
            assert chosen[world] == NOBODY
        else:
            assert chosen[world] in bidders


@pytest.mark.parametrize("rule", RULES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("luck", [0.0, ALMOST_ONE])
@pytest.mark.parametrize("n_agents", [2, 16, 300])
def test_only_bidders_explore_at_the_ends_of_luck(rule, luck, n_agents):
    """Slot 0 never bids, and is what a failed search for a maximum gives."""
    rng = np.random.default_rng(n_agents)
    bids = rng.integers(-TICKS_PER_CREDIT, TICKS_PER_CREDIT, (n_agents, 500))
    enters = np.ones(bids.shape, bool)
    enters[0] = False
    chosen = explorer(rule, bids, enters, np.full((2, 500), luck))
    assert (chosen > 0).all()


def test_any_temperature_that_is_accepted_chooses_a_bidder():
    bids, enters = [[3], [2], [-9]], [[False], [True], [True]]
    assert explorer(Boltzmann(1e-6), bids, enters, [[0.5], [0.5]]).tolist() == [1]


# --- how often


def test_epsilon_greedy_sends_every_bidder_equally_often():
    """ε = .4 and three of four bid: each explores in .4/3 of the worlds."""
    share = draws(EpsilonGreedy(0.4, 0.4), [5, -5, 0, 9], [True, False, True, True])
    np.testing.assert_allclose(share, [0.4 / 3, 0, 0.4 / 3, 0.4 / 3, 0.6], atol=0.012)


@pytest.mark.parametrize(
    ("progress", "epsilon"), [(0.0, 0.8), (0.125, 0.5), (0.25, 0.2), (0.5, 0.2), (1.0, 0.2)]
)
def test_epsilon_falls_linearly_and_then_stays(progress, epsilon):
    """From .8 to .2 over the first quarter of the training."""
    share = draws(EpsilonGreedy(0.8, 0.2, until=0.25), [0, 0], [True, True], progress)
    np.testing.assert_allclose(share, [epsilon / 2, epsilon / 2, 1 - epsilon], atol=0.012)


def test_epsilon_of_zero_and_one_mean_never_and_always():
    luck = [[0.0, 0.5, ALMOST_ONE], [0.0, 0.5, ALMOST_ONE]]
    bids, enters = np.zeros((2, 3)), np.ones((2, 3))
    assert explorer(EpsilonGreedy(0.0, 0.0), bids, enters, luck).tolist() == [NOBODY] * 3
    assert explorer(EpsilonGreedy(1.0, 1.0), bids, enters, luck).tolist() == [0, 1, 1]


def test_boltzmann_draws_from_the_softmax_of_bids_in_credits():
    """Temperature 2, bids 0, 2 and 4 credits: odds 1 : e : e²; who abstains has none."""
    bids = [n * TICKS_PER_CREDIT for n in (0, 2, 90, 4)]
    share = draws(Boltzmann(2.0), bids, [True, True, False, True])
    odds = np.array([1, math.e, 0, math.e**2, 0])
    np.testing.assert_allclose(share, odds / odds.sum(), atol=0.012)


def test_boltzmann_shifts_with_its_bids():
    """Only differences of bids count, at any height."""
    bids = np.array([0, TICKS_PER_CREDIT])
    shares = [draws(Boltzmann(1.0), bids + height, [True, True]) for height in (0, 2**39, -(2**39))]
    np.testing.assert_array_equal(shares[0], shares[1])
    np.testing.assert_array_equal(shares[0], shares[2])


# --- settings

BAD = [
    (EpsilonGreedy, name, value)
    for name, values in (
        ("start", (-0.1, 1.1, math.nan, math.inf, -math.inf)),
        ("end", (-0.1, 1.1, math.nan, math.inf)),
        ("until", (0, -1, 1.5, math.nan, math.inf)),
    )
    for value in values
] + [(Boltzmann, "temperature", value) for value in (0, -1, math.nan, math.inf, -math.inf, 1e-50)]


@pytest.mark.parametrize(("rule", "name", "value"), BAD)
def test_a_bad_setting_is_refused_by_name(rule, name, value):
    with pytest.raises(InvalidSetting) as refusal:
        rule(**{name: value})
    assert f"{name}={value!r}" in refusal.value.what
    assert refusal.value.why.endswith(".")
    assert refusal.value.remedy.startswith("Give ")
