from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._drivers import driver_of
from catallax._ledger import Fault
from catallax._quotes import Offers, merged, quote, valuations_of
from catallax._types import TICKS_MAX, exact


def begun(*agents, **rules):
    market = cx.DeepMarket(agents=agents, **rules)
    driver = driver_of(market, cx.worlds.Chain(), 2, seed=0)
    return driver.setting, driver.first_state(0).economy


def offered(state, setting, credits):
    offers = Offers(jnp.asarray(credits, jnp.float32), jnp.ones((2, 2), bool), None)
    return valuations_of(setting, state, offers)


@pytest.mark.parametrize(
    ("credits", "ticks"),
    [(0.5, 500_000), (-0.5, -500_000), (1e-7, 0), (-1e-7, -1), (0.0, 0)],
)
def test_bids_round_down_to_ticks(credits, ticks):
    setting, state = begun(cx.Tabular())
    with exact():
        valuations, enters, bad = offered(state, setting, np.full((2, 2), credits))
    assert valuations.tolist() == [[ticks] * 2] * 2
    assert enters.all()
    assert int(bad) == 0


@pytest.mark.parametrize("credits", [np.nan, np.inf, -np.inf, 2 * TICKS_MAX / 1e6])
def test_a_bid_that_cannot_be_booked_is_a_fault_and_stays_out(credits):
    setting, state = begun(cx.Tabular())
    with exact():
        _, enters, bad = offered(state, setting, [[credits, 1.0], [1.0, 1.0]])
    assert int(bad) == Fault.BAD_BID
    assert enters.tolist() == [[False, True], [True, True]]


def test_the_dead_do_not_bid():
    setting, state = begun(cx.Tabular())
    with exact():
        alive = state.population.alive.at[1].set(False)
        state = state._replace(population=state.population._replace(alive=alive))
        _, enters, bad = offered(state, setting, [[1.0, 1.0], [np.nan, 1.0]])
    assert enters.tolist() == [[True, True], [False, False]]
    assert int(bad) == 0


def test_a_stake_is_a_share_of_wealth_to_the_tick():
    capital = cx.Hard(endowment=1.000001)
    setting, state = begun(cx.Tabular(stake=Fraction(1, 3)), capital=capital)
    with exact():
        valuations, _, _ = offered(state, setting, np.ones((2, 2)))
    assert valuations.tolist() == [[1_000_001 // 3] * 2] * 2


def test_quotes_of_two_species_stand_one_below_the_other():
    setting, state = begun(cx.Tabular(initial=0.25), cx.Constant(action=1, offer=0.75))
    with exact():
        _, offers = quote(setting, state, jnp.zeros(2, jnp.int32))
    assert offers.credits.tolist() == [[0.25] * 2, [0.25] * 2, [0.75] * 2]


def test_host_agents_take_the_place_of_their_blanks():
    setting, state = begun(
        cx.Tabular(initial=0.25), cx.Program(function=lambda observation: (0, 0.5))
    )
    with exact():
        _, offers = quote(setting, state, jnp.zeros(2, jnp.int32))
        outside = Offers(np.full((3, 2), 9.0), np.zeros((3, 2), bool), np.zeros((3, 2), np.int32))
        both = merged(setting, offers, outside)
    assert np.asarray(both.credits).tolist() == [[0.25] * 2, [0.25] * 2, [9.0] * 2]
    assert np.asarray(both.enters).tolist() == [[True] * 2, [True] * 2, [False] * 2]
