"""What money means: each rule's Newton equation, solved by hand and followed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._types import exact
from catallax.clearing.equilibrium._payment import KEPT, RULES, Purse

WORTH, WEALTH, MU = jnp.asarray([0.5, 2.0]), jnp.asarray([1.0, 1.5]), 0.1


def conditions(money, parts, worth, mu):
    """The two or three equations of each rule, as its docstring states them."""
    beta, idle, excess = parts
    if money == "fisher":
        return [worth - WEALTH / beta]
    if money == "budget":
        return [worth + idle - WEALTH / beta, (1 - beta) * idle - mu]
    sides = [beta * excess - mu, (1 - beta) * idle - mu]
    return [worth - WEALTH - excess + idle, *sides]


@pytest.mark.parametrize("money", ["fisher", "budget", "cap"])
def test_following_the_equation_solves_the_linearised_conditions(money):
    rule, push = RULES[money], jnp.asarray([0.3, -0.2])
    with exact():
        purse = rule.begin(jnp.asarray([0.4, 0.7]), WORTH, WEALTH)
        equation = rule.equation(purse, WORTH, WEALTH, MU, None)
        change = equation.kappa * (equation.target - push)
        moves = Purse(*map(jnp.multiply, purse, rule.follow(purse, equation, change)))
        at = jnp.stack([purse.beta, purse.idle, purse.excess])
        move = jnp.stack([moves.beta, moves.idle, moves.excess])
        values, slopes = jax.jvp(
            lambda parts, worth: conditions(money, parts, worth, MU), (at, WORTH), (move, push)
        )
        for value, slope in zip(values, slopes, strict=True):
            np.testing.assert_allclose(value + slope, 0.0, atol=1e-6)
        assert (np.asarray(equation.kappa) >= 0).all()
        np.testing.assert_allclose(moves.eta, -moves.beta if money != "fisher" else 0.0)


def test_without_a_limit_nothing_moves():
    rule = RULES["none"]
    purse = rule.begin(jnp.asarray([0.4, 0.7]), WORTH, WEALTH)
    equation = rule.equation(purse, WORTH, WEALTH, MU, None)
    assert purse.beta.tolist() == [1.0, 1.0]
    assert all(not np.any(part) for part in rule.follow(purse, equation, jnp.zeros(2)))
    assert rule.products(purse) == ()
    assert not np.any(rule.misses(purse, WORTH, WEALTH))


@pytest.mark.parametrize("money", RULES)
def test_a_purse_begins_inside_and_can_keep_its_products(money):
    rule = RULES[money]
    purse = rule.begin(jnp.asarray([0.4, 0.7]), WORTH, WEALTH)
    assert min(float(jnp.min(part)) for part in purse) > 0
    equation = rule.equation(purse, WORTH, WEALTH, 0.0, KEPT)
    moves = rule.follow(purse, equation, 0.01 * purse.beta)
    # To first order: the shares by which two factors move add up to nothing.
    products = rule.products(purse)
    after = rule.products(
        Purse(*(at * (1 + 1e-6 * way) for at, way in zip(purse, moves, strict=True)))
    )
    for own, kept in zip(products, after, strict=True):
        np.testing.assert_allclose(kept, own, rtol=1e-10)


def test_excess_is_a_share_of_money_that_may_be_of_use():
    mean = jnp.asarray(1.25)
    rulers = {money: rule.ruler(WEALTH, mean).tolist() for money, rule in RULES.items()}
    assert rulers["none"] == [1.25, 1.25]
    assert rulers["fisher"] == [1.0, 1.5]
    assert rulers["cap"] == rulers["budget"] == [1.0, 1.25]


def test_what_is_missed_is_a_share_of_wealth():
    spent = Purse(*(jnp.asarray([x]) for x in (0.5, 0.5, 0.5, 1.0)))
    wealth = jnp.asarray([1.0])
    assert float(RULES["fisher"].misses(spent, jnp.asarray([2.0]), wealth)[0]) == 0.0
    assert float(RULES["fisher"].misses(spent, jnp.asarray([1.0]), wealth)[0]) == 0.5
    assert float(RULES["budget"].misses(spent, jnp.asarray([1.5]), wealth)[0]) == 0.0
    assert float(RULES["budget"].misses(spent, jnp.asarray([0.5]), wealth)[0]) == 0.5
    assert float(RULES["cap"].misses(spent, jnp.asarray([1.5]), wealth)[0]) == 0.0
    assert float(RULES["cap"].misses(spent, jnp.asarray([1.0]), wealth)[0]) == 0.5
