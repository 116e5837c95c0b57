"""Many markets in one call: the same answers, in order, whatever the chunks."""

import numpy as np
import pytest

import catallax as cx
from catallax.clearing.equilibrium import _batch

RANDOM = np.random.default_rng(4)
VALUES = RANDOM.uniform(0.2, 1.0, (7, 4, 3))
WEALTH = RANDOM.uniform(0.2, 0.6, (7, 4))
SUPPLY = np.array([1.0, 2.0, 0.7])


@pytest.mark.parametrize("numbers", [12, 30, 10_000])
def test_a_batch_is_its_members(monkeypatch, numbers):
    monkeypatch.setattr(_batch, "NUMBERS_IN_CACHE", numbers)
    many = cx.equilibria(cx.valuations.Linear(VALUES), SUPPLY, WEALTH, money="budget")
    assert many.prices.shape == (7, 3)
    assert many.prices.dtype == np.float64
    assert (many.result == cx.Result.CERTIFIED).all()
    assert many.warm is None
    for place in (0, 3, 6):
        values = cx.valuations.Linear(VALUES[place])
        alone = cx.equilibrium(values, SUPPLY, WEALTH[place], money="budget")
        np.testing.assert_allclose(many.prices[place], alone.prices, rtol=1e-5)


def test_a_batch_of_another_family_with_a_number_for_all():
    family = cx.valuations.CES(VALUES, 0.5, 2.0)
    many = cx.equilibria(family, SUPPLY, WEALTH[0], money="fisher")
    alone = cx.equilibrium(cx.valuations.CES(VALUES[2], 0.5), SUPPLY, WEALTH[0], money="fisher")
    np.testing.assert_allclose(many.prices[2], alone.prices, rtol=1e-5)


def test_wealth_may_be_left_out_where_money_does_not_matter():
    many = cx.equilibria(cx.valuations.Linear(VALUES), SUPPLY, money="none")
    np.testing.assert_allclose(many.prices, VALUES.max(axis=1), rtol=1e-5)


def test_what_is_not_certified_is_named_or_handed_back():
    few = cx.InteriorPoint(steps=1)
    arguments = (cx.valuations.Linear(VALUES), SUPPLY, WEALTH)
    with pytest.raises(cx.CatallaxError, match=r"7 of 7 markets are not certified.*number 0"):
        cx.equilibria(*arguments, money="budget", method=few)
    back = cx.equilibria(*arguments, money="budget", method=few, throw=False)
    assert (back.result == cx.Result.NOT_CONVERGED).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"valuations": cx.valuations.Linear(VALUES[0])}, "markets come first"),
        ({"supply": np.ones(4)}, r"supply has the shape \(4,\)"),
        ({"wealth": np.ones((6, 4))}, r"wealth has the shape \(6, 4\)"),
        ({"supply": np.array([1.0, -1.0, 1.0])}, "supply holds a number below 0"),
        ({"valuations": cx.valuations.Linear(VALUES * np.nan)}, "valuations holds a number"),
    ],
)
def test_bad_input_is_named(changed, said):
    given = {"valuations": cx.valuations.Linear(VALUES), "supply": SUPPLY, "wealth": WEALTH}
    given.update(changed)
    with pytest.raises(cx.CatallaxError, match=said):
        cx.equilibria(**given, money="budget")


def test_a_batch_has_a_violation_for_each_market():
    many = cx.equilibria(cx.valuations.Linear(VALUES), SUPPLY, WEALTH, money="budget")
    assert many.certificate.violation.shape == (7,)
    assert (many.certificate.violation <= 1e-6).all()
