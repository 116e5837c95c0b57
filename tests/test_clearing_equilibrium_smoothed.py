"""Smoothed markets: known prices, agreement with other methods, consistency, derivatives."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from catallax._errors import InvalidSetting
from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._certificate import certificate_of
from catallax.clearing.equilibrium._interior_method import InteriorPoint
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._smoothed import Smoothed, work_for

MONEY = ("budget", "fisher")


@partial(jax.jit, static_argnames=("money", "method", "tol"))
def _solved(values, supply, wealth, start, money, method, tol):
    market = Market(cv.Linear(values), supply, wealth, money)
    found = method.find(market, tol, start)
    return found, certificate_of(market, found.prices, found.bundles)


def solved(values, supply, wealth, money, tol=1e-6, method=Smoothed(), start=None):
    with exact():
        arrays = (jnp.asarray(part, jnp.float64) for part in (values, supply, wealth))
        return jax.tree.map(np.asarray, _solved(*arrays, start, money, method, tol))


def drawn(agents, goods, seed, law="lognormal", theta=0.8):
    random = np.random.default_rng(seed)
    draw = {
        "uniform": lambda s: random.uniform(0.01, 1, s),
        "lognormal": lambda s: random.lognormal(0, 1, s),
    }
    if law == "low rank":
        factors = random.normal(size=(agents, 3)), random.normal(size=(3, goods))
        values = np.exp(0.6 * factors[0] @ factors[1] + 0.2 * random.normal(size=(agents, goods)))
    else:
        values = draw[law]((agents, goods))
    values /= values.max(axis=0).mean()
    wealth = random.lognormal(0, 0.5, agents)
    return values, np.ones(goods), wealth * theta * goods / wealth.sum()


# --- known prices


@pytest.mark.parametrize(
    ("money", "wealth", "prices"),
    [
        ("fisher", [1.0, 0.4], [1.4 / 3, 2.8 / 3]),
        ("budget", [1.0, 0.4], [1.4 / 3, 2.8 / 3]),
        ("budget", [9.0, 9.0], [2.0, 2.0]),  # nobody's budget binds: the highest value is paid
        ("fisher", [9.0, 9.0], [9.0, 9.0]),
    ],
)
def test_known_prices(money, wealth, prices):
    found, seen = solved([[1.0, 2.0], [2.0, 1.0]], [1.0, 1.0], wealth, money, 1e-9)
    assert np.allclose(found.prices, prices, atol=1e-8) and seen.violation <= 1e-9


def test_one_good_is_paid_for_by_who_values_it_most_until_their_money_ends():
    """Of 3 + 4 + 5 units of money the first two bidders spend all, the third is indifferent."""
    values, wealth = [[4.0, 0], [2.0, 0], [0.5, 0], [0.1, 0]], [0.3, 0.4, 0.5, 0.6]
    found, _ = solved(values, [1.5, 1.0], wealth, "budget", 1e-9)
    assert np.allclose(found.prices, [0.5, 0.0], atol=1e-8)
    assert np.allclose(found.bundles[:, 0], [0.6, 0.8, 0.1, 0.0], atol=1e-7)
    assert np.allclose(found.spending, [0.125, 0.25, 1.0, 1.0], atol=1e-7)


@settings(max_examples=40)
@given(
    values=hnp.arrays(np.float64, (5, 4), elements=st.sampled_from([0.0, 0.1, 0.5, 1.0, 1.5, 3.0])),
    wealth=hnp.arrays(np.float64, 5, elements=st.floats(0.01, 5)),
    supply=hnp.arrays(np.float64, 4, elements=st.floats(0.1, 3)),
    money=st.sampled_from(MONEY),
)
def test_any_market_is_certified(values, wealth, supply, money):
    """Ties, worthless goods and agents who want nothing among them."""
    values[np.arange(4), np.arange(4)] = 1.0
    found, seen = solved(values, supply, wealth, money)
    assert seen.violation <= 1e-6 and found.steps < 200
    assert np.all(found.prices > 0)
    # Goods clear and budgets hold by construction, whatever the tolerance.
    assert np.allclose(found.bundles.sum(axis=0), supply, rtol=1e-12)
    paid = found.bundles @ found.prices
    assert np.all(paid <= wealth * (1 + 1e-12))
    if money == "fisher":
        wants = values.max(axis=1) > 0
        assert np.allclose(paid[wants], wealth[wants], rtol=1e-12)


@pytest.mark.parametrize("money", MONEY)
@pytest.mark.parametrize("law", ["uniform", "lognormal", "low rank"])
def test_the_interior_point_method_agrees(money, law):
    """Prices are unique."""
    for seed, theta in ((0, 0.1), (1, 0.8), (2, 3.0)):
        market = drawn(30, 8, seed, law, theta)
        found, seen = solved(*market, money, 1e-9)
        other, _ = solved(*market, money, 1e-9, InteriorPoint())
        assert seen.violation <= 1e-9
        assert np.allclose(found.prices, other.prices, rtol=1e-4)


@pytest.mark.parametrize("money", MONEY)
def test_many_agents_take_few_steps_cold_and_fewer_warm(money):
    """In 32 bits and with visits; after 1 % of noise on everything."""
    for seed, (law, theta) in enumerate([("uniform", 0.8), ("lognormal", 3.0), ("low rank", 0.1)]):
        values, supply, wealth = drawn(6000, 6, seed, law, theta)
        found, seen = solved(values, supply, wealth, money)
        assert seen.violation <= 1e-6 and found.steps <= 15
        random = np.random.default_rng(seed)
        noise = np.exp(0.01 * random.normal(size=values.shape))
        money_noise = np.exp(0.01 * random.normal(size=wealth.shape))
        with exact():
            start = jax.tree.map(jnp.asarray, found.warm)
        warm, seen = solved(values * noise, supply, wealth * money_noise, money, start=start)
        assert seen.violation <= 1e-6 and warm.steps <= 6


def test_units_of_goods_and_of_money_do_not_matter():
    values, supply, wealth = drawn(30, 8, 5)
    found, _ = solved(values, supply, wealth, "budget", 1e-9)
    units = np.logspace(-5, 5, 8)
    other, seen = solved(values * units * 1e6, supply / units, wealth * 1e6, "budget", 1e-9)
    assert seen.violation <= 1e-9
    assert np.allclose(other.prices / (units * 1e6), found.prices, rtol=1e-6)


def test_few_agents_get_64_bits_and_so_do_small_tolerances():
    assert work_for((6000, 6), 1e-6) == "float32"
    assert {work_for((6000, 6), 1e-7), work_for((6000, 900), 1e-6), work_for((500, 6), 1e-6)} == {
        "float64"
    }


# --- transformations


@pytest.mark.parametrize("money", MONEY)
def test_derivatives_are_those_of_prices_and_bundles(money):
    """Against finite differences of solutions to 1e-12, in every argument."""
    values, supply, wealth = drawn(30, 8, 3, theta=0.8)
    random = np.random.default_rng(9)
    ways = [random.uniform(-0.1, 0.1, part.shape) * part for part in (values, supply, wealth)]

    def answer(size):
        parts = [
            part + size * way for part, way in zip((values, supply, wealth), ways, strict=True)
        ]
        found, _ = solved(*parts, money, 1e-12)
        return found

    def of(market):
        found = Smoothed().find(market, 1e-9)
        return found.prices, found.bundles, found.spending

    with exact():
        market = Market(
            cv.Linear(jnp.asarray(values)), jnp.asarray(supply), jnp.asarray(wealth), money
        )
        way = Market(
            cv.Linear(jnp.asarray(ways[0])), jnp.asarray(ways[1]), jnp.asarray(ways[2]), money
        )
        differentiate = jax.jit(lambda m, w: jax.jvp(of, (m,), (w,))[1])
        prices, bundles, beta = differentiate(market, way)
        backward = jax.jit(jax.grad(lambda m: jnp.sum(of(m)[0] ** 2) + jnp.sum(of(m)[2])))(market)
    more, less, here, size = answer(1e-6), answer(-1e-6), answer(0.0), 2e-6
    assert np.allclose(prices, (more.prices - less.prices) / size, atol=1e-4)
    assert np.allclose(bundles, (more.bundles - less.bundles) / size, atol=1e-3)
    assert np.allclose(beta, (more.spending - less.spending) / size, atol=1e-4)
    through = sum(
        np.sum(np.asarray(g) * w) for g, w in zip(jax.tree.leaves(backward), ways, strict=True)
    )
    assert through == pytest.approx(
        2 * np.asarray(prices) @ here.prices + np.asarray(beta).sum(), rel=1e-6
    )


def test_markets_can_be_batched():
    markets = [drawn(30, 8, seed) for seed in range(3)]
    with exact():
        arrays = [jnp.asarray(np.stack(part)) for part in zip(*markets, strict=True)]
        batched = jax.vmap(lambda v, s, w: _solved(v, s, w, None, "budget", Smoothed(), 1e-6))
        _, seen = batched(*arrays)
        assert np.all(np.asarray(seen.regret_mean) <= 1e-6)


# --- what it does not do


def test_other_markets_are_refused_in_a_sentence():
    values, one = np.ones((2, 2)), np.ones(2)
    serves = Smoothed().serves
    assert serves(Market(cv.Linear(values), one, one, "budget")) is None
    assert "linear" in serves(Market(cv.CES(values, 0.5), one, one, "fisher"))
    assert '"cap"' in serves(Market(cv.Linear(values), one, one, "cap"))
    both = cv.Mixed((cv.Linear(values), cv.Linear(values)))
    assert serves(Market(both, one, np.ones(4), "budget")) is None


def test_steps_that_run_out_are_reported_not_hidden():
    found, seen = solved(*drawn(30, 8, 0), "budget", method=Smoothed(steps=3))
    assert found.steps == 3 and seen.violation > 1e-6
    # What is handed back is still consistent.
    assert np.allclose(found.bundles.sum(axis=0), 1.0) and np.max(seen.overspent) < 1e-12


def test_a_method_takes_a_step():
    with pytest.raises(InvalidSetting, match="steps=0"):
        Smoothed(steps=0)
