"""Idle agents and missing goods that keep their places change nothing for the others."""

import numpy as np
import pytest

import catallax as cx
from catallax.clearing.equilibrium import _solve
from catallax.clearing.equilibrium._border import market_of
from catallax.clearing.equilibrium._idling import idled
from catallax.clearing.equilibrium._padding import bucket, padded
from made_equilibria import equilibrium_of

SOLVED = ("linear", "ces", "cobb", "leontief", "quadratic", "log", "pieces", "bounded")


def with_gaps(seed, money, kinds=SOLVED):
    """A market in which some agents have no money and some goods are missing."""
    valuations, supply, wealth, _, _ = equilibrium_of(seed, money, kinds)
    rng = np.random.default_rng(seed)
    wealth = np.where(rng.random(wealth.size) < 0.3, 0.0, wealth)
    supply = supply.copy()
    supply[-1] = 0.0
    return valuations, supply, wealth


@pytest.mark.parametrize("money", ["none", "cap"])
@pytest.mark.parametrize("seed", range(3))
def test_in_place_and_apart_are_the_same_equilibrium(seed, money, monkeypatch):
    kinds = tuple(kind for kind in SOLVED if kind != "ces")  # of both signs: always apart
    market = with_gaps(seed, money, kinds)
    here = cx.equilibrium(*market, money=money, tol=1e-8)
    monkeypatch.setattr(_solve, "LITTLE", 0)
    monkeypatch.setattr(_solve, "SPREAD", 0)
    apart = cx.equilibrium(*market, money=money, tol=1e-8)
    assert here.prices == pytest.approx(apart.prices, rel=1e-4, abs=1e-6)
    most = np.inf if money == "none" else market[2]
    welfare = [
        np.sum(np.minimum(np.asarray(market[0].worth(eq.bundles)), most)) for eq in (here, apart)
    ]
    assert welfare[0] == pytest.approx(welfare[1], rel=1e-6)


@pytest.mark.parametrize("kind", SOLVED)
def test_who_is_not_there_wants_the_good_beside_and_nothing_else(kind):
    valuations, supply, wealth, _, _ = equilibrium_of(0, "none", (kind,))
    supply = np.maximum(supply, 0.5)
    grown = padded(market_of(valuations, supply, wealth, "none"))
    agents = np.arange(grown.wealth.size) % 2 == 0
    goods = np.arange(grown.supply.size) != 1
    beside = supply.size
    cut = idled(grown, agents, goods, beside)
    assert cut.supply.shape == grown.supply.shape and (cut.supply > 0).all()
    family, bundle = cut.families[0], np.ones((grown.wealth.size, grown.supply.size))
    only, without = np.zeros_like(bundle), bundle.copy()
    only[:, beside] = 1.0
    without[:, 1] = 0.0
    idle = np.flatnonzero(~agents)
    assert np.asarray(family.worth(only))[idle] == pytest.approx(
        np.asarray(family.worth(bundle))[idle]
    )
    assert np.asarray(family.worth(without)) == pytest.approx(np.asarray(family.worth(bundle)))


def test_agents_that_come_and_go_share_a_program():
    rng = np.random.default_rng(0)
    values = cx.valuations.Linear(rng.uniform(0.5, 2, (6, 5)))
    start = _solve._searched.program()._cache_size()
    for seed in range(6):
        rng = np.random.default_rng(seed)
        supply, wealth = rng.uniform(1, 2, 5), rng.uniform(1, 2, 6)
        supply[seed % 5], wealth[seed] = 0.0, 0.0
        cx.equilibrium(values, supply, wealth, money="cap", method=cx.InteriorPoint(steps=77))
    assert _solve._searched.program()._cache_size() - start == 1
    assert bucket(6) == 6
