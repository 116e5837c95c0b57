"""Streamed markets: the equilibrium of the whole, wherever its values are and however cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import catallax as cx
from catallax._errors import InvalidMarket, InvalidSetting, NotConverged
from catallax.clearing.equilibrium import _streamed
from catallax.clearing.equilibrium._streamed import equilibrium_streamed

AGENTS, GOODS = 3000, 4
MONEY = ("budget", "fisher")


def drawn(seed=0, agents=AGENTS, law="lognormal"):
    random = np.random.default_rng(seed)
    draw = random.lognormal if law == "lognormal" else random.uniform
    values = draw(0, 1, (agents, GOODS)).astype(np.float32)
    wealth = random.lognormal(0, 0.5, agents)
    return values, np.linspace(0.5, 2, GOODS), wealth / wealth.sum() * 3


def dense(found, agents):
    return np.stack([found.bundle(agent) for agent in range(agents)])


@pytest.mark.parametrize(("law", "money"), [("uniform", "budget"), ("lognormal", "fisher")])
def test_its_certificate_is_that_of_what_it_returns_and_prices_are_the_interior_points(money, law):
    values, supply, wealth = drawn(0, 1500, law)
    found = equilibrium_streamed(values, supply, wealth, money=money)
    linear, bundles = cx.valuations.Linear(values), dense(found, 1500)
    seen = cx.certify(linear, supply, wealth, found.prices, bundles, money=money)
    assert found.result is cx.Result.CERTIFIED and seen.violation <= 1e-6
    assert float(found.certificate.violation) == pytest.approx(float(seen.violation), rel=1e-3)
    assert float(found.certificate.gap) == pytest.approx(float(seen.gap), abs=1e-12)
    other = cx.equilibrium(linear, supply, wealth, money=money, method=cx.InteriorPoint())
    assert found.prices == pytest.approx(other.prices, rel=1e-3)
    assert found.bundles.goods.dtype == np.int32 and found.bundles.amounts.size < 2 * 1500


@settings(max_examples=25)
@given(
    values=hnp.arrays(np.float64, (6, GOODS), elements=st.sampled_from([0.0, 0.1, 1.0, 1.5, 3.0])),
    wealth=hnp.arrays(np.float64, 6, elements=st.sampled_from([0.0, 0.01, 1.0, 5.0])),
    supply=hnp.arrays(np.float64, GOODS, elements=st.floats(0.1, 3)),
    money=st.sampled_from(MONEY),
)
def test_goods_clear_and_nobody_overspends_whatever_the_market(values, wealth, supply, money):
    values[np.arange(4), np.arange(4)] = 1.0
    wealth[:4] = np.maximum(wealth[:4], 0.01)
    found = equilibrium_streamed(values, supply, wealth, money=money)
    bundles = dense(found, 6)
    assert np.all(bundles >= 0) and bundles.sum(axis=0) == pytest.approx(supply, rel=1e-12)
    paid = bundles @ found.prices
    assert np.all(paid <= wealth * (1 + 1e-9))
    if money == "fisher":
        wants = values.max(axis=1) > 0
        assert paid[wants] == pytest.approx(wealth[wants], rel=1e-9)
    assert found.certificate.violation <= 1e-6


def test_blocks_do_not_matter_nor_where_values_are(tmp_path):
    values, supply, wealth = drawn()
    whole = equilibrium_streamed(values, supply, wealth, money="budget", block=4096)
    np.save(tmp_path / "values.npy", values)
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    called = []

    def reader(first, stop):
        called.append((first, stop))
        return mapped[first:stop]

    for source in (mapped, reader):
        cut = equilibrium_streamed(source, supply, wealth, money="budget", block=1024)
        assert cut.prices == pytest.approx(whole.prices, rel=1e-4)
        assert cut.result is cx.Result.CERTIFIED
    assert set(called) >= {(0, 1024), (1024, 2048), (2048, 3000)}


@pytest.mark.parametrize("money", MONEY)
def test_a_sample_and_the_crowd_near_indifference_end_at_the_same_prices(money, monkeypatch):
    """As where agents are too many to be held: a sample first, then visits to some."""
    values, supply, wealth = drawn(1)
    whole = equilibrium_streamed(values, supply, wealth, money=money)
    monkeypatch.setattr(_streamed, "HELD", 512)
    few = equilibrium_streamed(values, supply, wealth, money=money, block=1024)
    assert few.result is cx.Result.CERTIFIED
    assert few.prices == pytest.approx(whole.prices, rel=1e-3)


def test_a_good_that_none_of_the_sample_wants_is_priced_by_those_who_do():
    values, supply, wealth = drawn(6)
    values[:, 1] = 0
    values[100, 1] = 5.0  # every third agent is in the sample, and this is none of them
    found = equilibrium_streamed(values, supply, wealth, money="fisher", block=1024)
    assert found.result is cx.Result.CERTIFIED
    assert found.bundle(100)[1] == pytest.approx(supply[1])
    assert found.prices[1] == pytest.approx(wealth[100] / supply[1], rel=1e-4)


def test_a_warm_start_asks_everybody_less_often():
    values, supply, wealth = drawn(2)
    cold = equilibrium_streamed(values, supply, wealth, money="budget")
    noise = np.random.default_rng(3).normal(size=values.shape)
    moved = (values * np.exp(0.01 * noise)).astype(np.float32)
    fresh = equilibrium_streamed(moved, supply, wealth, money="budget")
    warm = equilibrium_streamed(moved, supply, wealth, money="budget", start=cold.warm)
    assert warm.result is cx.Result.CERTIFIED and warm.steps < fresh.steps
    assert warm.prices == pytest.approx(fresh.prices, rel=1e-3)


def test_what_is_not_there_is_quoted_and_what_nobody_wants_is_free():
    values, supply, wealth = drawn(4)
    supply[1], values[:, 2] = 0.0, 0.0
    found = equilibrium_streamed(values, supply, wealth, money="budget")
    assert found.result is cx.Result.CERTIFIED and found.prices[2] == 0
    beta = np.minimum(1, np.min(found.prices[[0, 3]] / values[:, [0, 3]], axis=1))
    assert found.prices[1] == pytest.approx(np.max(values[:, 1] * beta), rel=1e-6)
    assert found.certificate.leftover[2] == supply[2]


def test_blocks_in_which_nobody_wants_anything_are_passed_over():
    values, supply, wealth = drawn(5)
    values[1024:2048] = 0
    found = equilibrium_streamed(values, supply, wealth, money="fisher", block=1024)
    rest = np.delete(np.arange(AGENTS), slice(1024, 2048))
    other = equilibrium_streamed(values[rest], supply, wealth[rest], money="fisher")
    assert found.result is cx.Result.CERTIFIED and np.all(found.bundle(1500) == 0)
    assert found.prices == pytest.approx(other.prices, rel=1e-3)


def test_steps_that_run_out_are_reported_and_what_was_found_is_consistent():
    values, supply, wealth = drawn()
    with pytest.raises(NotConverged, match="asked 1 times"):
        equilibrium_streamed(values, supply, wealth, money="budget", tol=1e-9, steps=1)
    found = equilibrium_streamed(
        values, supply, wealth, money="budget", tol=1e-9, steps=1, throw=False
    )
    assert found.result is cx.Result.NOT_CONVERGED and found.certificate.violation > 1e-9
    given = np.bincount(found.bundles.goods, found.bundles.amounts, GOODS)
    assert given == pytest.approx(supply, rel=1e-12)


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"money": "cap"}, InvalidSetting, "money='cap'"),
        ({"tol": 0.0}, InvalidSetting, "tol=0.0"),
        ({"block": 0}, InvalidSetting, "block=0"),
        ({"steps": 0}, InvalidSetting, "steps=0"),
        ({"supply": np.ones(5)}, InvalidMarket, r"values has the shape \(3000, 4\)"),
        ({"supply": -np.ones(GOODS)}, InvalidMarket, "supply is not"),
        ({"wealth": np.full(AGENTS, np.nan)}, InvalidMarket, "wealth is not"),
        ({"values": np.full((AGENTS, GOODS), -1.0)}, InvalidMarket, "values run from -1.0"),
        ({"values": np.full((AGENTS, GOODS), np.nan)}, InvalidMarket, "to nan"),
    ],
)
def test_bad_input_is_named(changed, error, said):
    values, supply, wealth = drawn()
    given = {"values": values, "supply": supply, "wealth": wealth, "money": "budget", **changed}
    with pytest.raises(error, match=said):
        equilibrium_streamed(**given)
