"""What must not matter to a certificate, what it refuses, and where it can be computed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax._errors import InvalidMarket
from catallax._types import exact
from catallax.clearing.equilibrium import _certificate
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._certificate import (
    certificate_of,
    certify,
    standings_of,
    summed_up,
)
from catallax.clearing.equilibrium._market import Market
from made_equilibria import GOODS, WHOLE, equilibrium_of

RULES = ("none", "cap", "budget", "fisher")
FIELDS = ("unallocated", "shortage", "overspent", "irrational", "regret", "regret_mean")
CROSSED = cv.Linear(np.array([[1.0, 2.0], [2.0, 1.0]]))
ONE = np.ones(2)
MINE, YOURS = np.array([[0.0, 1], [1, 0]]), np.eye(2)
seeds = st.integers(0, 10**6)

# --- what must not matter


def same(one, other, agents=slice(None), goods=slice(None)):
    for name in ("unallocated", "shortage", "regret_mean", "gap"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-7, abs=1e-9), name
    for name in ("overspent", "irrational", "regret"):
        found, meant = getattr(one, name)[agents], getattr(other, name)
        assert found == pytest.approx(meant, rel=1e-7, abs=1e-9), name
    assert one.leftover[goods].shape == other.leftover.shape


def stirred(seed, money):
    """A triple that misses a little of everything."""
    rng = np.random.default_rng(seed)
    valuations, supply, wealth, p, x = equilibrium_of(seed, money, WHOLE)
    p = p * rng.uniform(0.9, 1.1, GOODS)
    return valuations, supply, wealth, p, x * rng.uniform(0.8, 1.2, x.shape)


def scaled(family, money_by, units):
    """The same agents, with other money and other units of goods."""
    if isinstance(family, cv.Linear):
        return cv.Linear(family.values * money_by / units)
    if isinstance(family, cv.CES):
        # a (x / u)^ρ
        return cv.CES(
            family.weights / units ** family.rho[:, None], family.rho, family.scale * money_by
        )
    if isinstance(family, cv.CobbDouglas):
        scale = money_by * family.scale / np.prod(units**family.shares, axis=1)
        return cv.CobbDouglas(family.shares, scale)
    return cv.Leontief(family.needs * units, family.scale * money_by)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 50),
    money=st.sampled_from(RULES),
    money_by=st.sampled_from([1e-6, 0.3, 1e7]),
    spread=st.floats(0, 4),
)
def test_neither_the_unit_of_money_nor_those_of_goods_matter(seed, money, money_by, spread):
    units = np.random.default_rng(seed).lognormal(0, spread, GOODS)
    valuations, supply, wealth, p, x = stirred(seed, money)
    other = cv.Mixed(tuple(scaled(family, money_by, units) for family in valuations.families))
    same(
        certify(
            other, supply * units, wealth * money_by, p * money_by / units, x * units, money=money
        ),
        certify(valuations, supply, wealth, p, x, money=money),
    )


@pytest.mark.parametrize("money", RULES)
def test_the_unit_of_utility_does_not_matter_where_money_is_worth_nothing(money):
    valuations, supply, wealth, p, x = stirred(3, "fisher")
    doubled = cv.Mixed(
        tuple(scaled(f, 10.0**i, np.ones(GOODS)) for i, f in enumerate(valuations.families))
    )
    before = certify(valuations, supply, wealth, p, x, money=money)
    after = certify(doubled, supply, wealth, p, x, money=money)
    if money == "fisher":
        same(after, before)
    else:
        assert abs(after.regret_mean - before.regret_mean) > 1e-3


@pytest.mark.parametrize("money", RULES)
def test_order_does_not_matter(money):
    rng = np.random.default_rng(1)
    values, supply, wealth, prices = (rng.lognormal(0, 1, s) for s in ((4, 3), 3, 4, 3))
    bundles = rng.dirichlet(np.ones(4), 3).T * supply * 1.01
    a, g = rng.permutation(4), rng.permutation(3)
    other = certify(
        cv.Linear(values[a][:, g]), supply[g], wealth[a], prices[g], bundles[a][:, g], money=money
    )
    meant = certify(cv.Linear(values), supply, wealth, prices, bundles, money=money)
    assert other.leftover == pytest.approx(meant.leftover[g])
    same(meant, other, agents=a)


@pytest.mark.parametrize("money", RULES)
def test_agents_and_goods_that_only_fill_up_do_not_matter(money):
    rng = np.random.default_rng(1)
    values, supply, wealth, prices = (rng.lognormal(0, 1, s) for s in ((4, 3), 3, 4, 3))
    bundles = rng.dirichlet(np.ones(4), 3).T * supply * 1.01
    wide = [
        np.pad(a, [(0, 3), (0, 2)][-a.ndim :] if a.ndim == 1 else [(0, 3), (0, 2)])
        for a in (values, bundles)
    ]
    padded = certify(
        cv.Linear(wide[0]),
        np.pad(supply, (0, 2)),
        np.pad(wealth, (0, 3)),
        np.pad(prices, (0, 2)),
        wide[1],
        money=money,
    )
    same(
        padded,
        certify(cv.Linear(values), supply, wealth, prices, bundles, money=money),
        slice(4),
        slice(3),
    )
    assert np.all(padded.regret[4:] == 0)
    assert np.all(padded.overspent[4:] == 0)


@pytest.mark.parametrize("money", RULES)
def test_a_rich_agent_that_wants_nothing_does_not_make_violations_small(money):
    values, wealth = np.array([[1.0, 2], [2, 1], [0, 0]]), np.array([1.0, 1, 1e9])
    bundles = np.append(YOURS, [[0, 0]], axis=0)
    with_it = certify(cv.Linear(values), ONE, wealth, ONE, bundles, money=money)
    without = certify(CROSSED, ONE, ONE, ONE, YOURS, money=money)
    same(with_it, without, agents=slice(2))


# --- zeros and numbers that are none


@settings(max_examples=60)
@given(seed=seeds, money=st.sampled_from(RULES), share=st.floats(0, 1))
def test_no_pattern_of_zeros_makes_it_speechless(seed, money, share):
    rng = np.random.default_rng(seed)

    def holes(array):
        return np.where(rng.uniform(size=np.shape(array)) < share, 0.0, array)

    valuations, supply, wealth, p, x = equilibrium_of(seed % 50, money)
    kept = {"ces": 1, "cobb": 2, "leontief": 3}
    families = list(valuations.families)
    for i, family in enumerate(families):
        if i in kept.values():
            continue
        name = next(n for n in ("values", "slopes", "scales", "parameters") if hasattr(family, n))
        holed = holes(getattr(family, name))
        if isinstance(family, cv.PiecewiseLinear | cv.PiecewiseQuadratic):
            holed = np.minimum.accumulate(holed, axis=2)  # slopes do not rise
        families[i] = type(family)(**{**vars(family), name: holed})
    found = certify(
        cv.Mixed(tuple(families)), holes(supply), holes(wealth), holes(p), holes(x), money=money
    )
    for name in FIELDS:
        assert not np.isnan(getattr(found, name)).any(), name
        assert np.all(getattr(found, name) >= 0), name
    assert np.isnan(found.gap) == (money in ("budget", "fisher"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("money", RULES)
def test_inside_a_program_what_is_no_number_certifies_nothing(money, bad):
    valuations, supply, wealth, p, x = equilibrium_of(0, money, WHOLE)
    with exact():
        market = Market(valuations, jnp.asarray(supply), jnp.asarray(wealth), money)
        wrong = _certificate._compiled(market, jnp.asarray(p).at[0].set(bad), jnp.asarray(x))
        assert np.all(wrong.regret == np.inf)
        assert wrong.violation == np.inf
        wrong = _certificate._compiled(market, jnp.asarray(p), jnp.asarray(x).at[3, 0].set(bad))
        assert wrong.regret[3] == np.inf
        assert wrong.violation == np.inf


# --- at the border

GOOD = {"supply": ONE, "wealth": ONE, "prices": ONE, "bundles": MINE}


@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e-9, "shape", "words"])
def test_what_is_wrong_is_named(name, bad):
    wrong = {"shape": np.ones(3), "words": "many"}.get(bad)
    if wrong is None:
        wrong = np.array(GOOD[name])
        wrong[-1] = bad
    with pytest.raises(InvalidMarket, match=f"^{name}"):
        certify(CROSSED, **(GOOD | {name: wrong}), money="budget")


def test_valuations_and_rules_that_mean_nothing_are_named():
    with pytest.raises(InvalidMarket, match=r"^money='barter'"):
        certify(CROSSED, **GOOD, money="barter")
    with pytest.raises(InvalidMarket, match=r"^valuations holds NaN"):
        certify(cv.Linear([[1.0, np.nan], [1, 1]]), **GOOD, money="none")
    with pytest.raises(InvalidMarket, match=r"^valuations is a list"):
        certify([[1.0, 2.0], [1, 1]], **GOOD, money="none")
    with pytest.raises(InvalidMarket, match=r"^valuations is not an array"):
        certify(cv.Linear([["much", "more"], ["less", "none"]]), **GOOD, money="none")
    with pytest.raises(InvalidMarket, match=r"^valuations has families of"):
        mixed = cv.Mixed((cv.Linear(np.ones((1, 2))), cv.Linear(np.ones((1, 3)))))
        certify(mixed, **GOOD, money="none")
    with pytest.raises(InvalidMarket, match=r"^wealth has the shape"):
        certify(CROSSED, **(GOOD | {"wealth": None}), money="budget")


# --- where it runs


def test_it_answers_in_64_bits_whatever_comes_in_and_compiles_once():
    assert not jax.config.jax_enable_x64
    lists = cv.Linear([[1, 2], [2, 1]])
    meant = certify(CROSSED, ONE, ONE, ONE, MINE, money="budget")
    compiled = _certificate._compiled.program()._cache_size()
    for numbers in (np.float32, np.int64, list, jnp.asarray):
        bundles = MINE.tolist() if numbers is list else numbers(MINE)
        found = certify(lists, [1, 1], numbers(ONE), ONE, bundles, money="budget")
        same(found, meant)
        for leaf in jax.tree.leaves(found):
            assert type(leaf) in (np.ndarray, np.float64)
            assert leaf.dtype == np.float64
    assert _certificate._compiled.program()._cache_size() == compiled
    assert not jax.config.jax_enable_x64


def test_it_maps_over_markets():
    triples = [equilibrium_of(seed, "budget", WHOLE) for seed in range(3)]
    wrong = [(v, s, w, p * [1, 1.1, 1, 1, 1], x) for v, s, w, p, x in triples]
    with exact():
        stacked = jax.tree.map(lambda *parts: jnp.stack(parts), *wrong)
        found = jax.jit(
            jax.vmap(lambda v, s, w, p, x: certificate_of(Market(v, s, w, "budget"), p, x))
        )(*stacked)
    for i, triple in enumerate(wrong):
        one = jax.tree.map(lambda leaf, i=i: np.asarray(leaf)[i], found)
        same(one, certify(*triple, money="budget"))


def test_agents_can_be_asked_in_parts():
    values = np.random.default_rng(0).lognormal(0, 1, (6, 2))
    wealth, bundles = np.arange(1.0, 7), np.full((6, 2), 0.2)
    ask = jax.jit(standings_of)
    put_together = jax.jit(summed_up)
    with exact():
        whole = Market(cv.Linear(values), ONE, wealth, "budget")
        parts = [
            ask(Market(cv.Linear(values[i]), ONE, wealth[i], "budget"), ONE, bundles[i], np.ones(3))
            for i in (slice(3), slice(3, 6))
        ]
        seen = jax.tree.map(lambda *columns: np.concatenate(columns), *parts)
        found = put_together(whole, ONE, seen, bundles.sum(axis=0))
    same(found, certify(cv.Linear(values), ONE, wealth, ONE, bundles, money="budget"))
