"""What agents do at smoothed prices, against plain NumPy and against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._types import exact
from catallax.clearing.equilibrium import _answers
from catallax.clearing.equilibrium._answers import (
    LEANING,
    Quote,
    answers,
    asked,
    softness,
    together,
)

AGENTS, GOODS = 7, 3
RANDOM = np.random.default_rng(0)
VALUES = RANDOM.lognormal(0, 1, (AGENTS, GOODS))
VALUES[1, 0] = 0.0
VALUES[2] = 0.0  # wants nothing
WEALTH = RANDOM.uniform(0.5, 2, AGENTS)
WEALTH[3] = 0.0
PRICES = np.array([1.3, 0.8, 1.1])
MONEY = ("budget", "fisher")


def quote(prices=PRICES, eps=0.2, shift=None):
    return Quote(jnp.asarray(1 / prices), shift, jnp.asarray(eps))


def shares(money, prices=PRICES, eps=0.2, values=VALUES):
    """The oracle: `w_ij = φ(u_i) π_ij`, straight from the equations."""
    powers = (values / prices) ** (1 / eps)
    total = powers.sum(axis=1)
    pi = np.divide(powers, total[:, None], out=np.zeros_like(powers), where=total[:, None] > 0)
    if money == "fisher":
        return pi
    with np.errstate(divide="ignore"):
        depth = np.log(total) - LEANING
    part = np.where(depth > 0, (1 - np.exp(-np.maximum(depth, 0))) ** 2, 0)
    return part[:, None] * pi


@pytest.fixture
def in_64_bits():
    with exact():
        yield


@pytest.fixture(scope="module")
def ask():
    return jax.jit(asked, static_argnames=("money", "work"))


@pytest.mark.parametrize("money", MONEY)
@pytest.mark.parametrize("work", ["float32", "float64"])
def test_agents_spread_money_as_the_equations_say(in_64_bits, money, work):
    said = answers(jnp.asarray(VALUES), quote(), money, jnp.dtype(work))
    found = np.asarray(said.weights) * np.asarray(said.part / said.total)[:, None]
    assert np.abs(found - shares(money)).max() < (1e-6 if work == "float32" else 1e-14)
    assert np.all(found[2] == 0)


@pytest.mark.parametrize("eps", [1e-3, 1e-9])
def test_a_near_tie_is_told_apart_in_32_bits(in_64_bits, eps):
    values = jnp.asarray([[1.0, 1.0 + 2 * eps]])
    said = answers(values, quote(np.ones(2), eps), "fisher", jnp.float32)
    assert float(said.weights[0, 0]) == pytest.approx(np.exp(-np.log1p(2 * eps) / eps), abs=1e-6)


def test_a_shift_keeps_digits_that_rates_would_lose(in_64_bits):
    shift = jnp.asarray([1e-20, 0.0])
    said = answers(jnp.ones((1, 2)), quote(np.ones(2), 1e-20, shift), "fisher", jnp.float64)
    assert abs(float(said.weights[0, 0]) - np.exp(-1)) < 1e-12
    moved = quote(PRICES * np.exp(-0.3), 0.2, jnp.full(GOODS, 0.3))
    there = answers(jnp.asarray(VALUES), moved, "budget", jnp.float64)
    here = answers(jnp.asarray(VALUES), quote(), "budget", jnp.float64)
    for one, other in zip(there, here, strict=True):
        assert np.allclose(one, other, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("money", MONEY)
def test_sums_are_the_derivatives_of_spending(in_64_bits, money, ask):
    def spent(prices, eps):
        return WEALTH @ shares(money, prices, eps)

    sums, _ = ask(jnp.asarray(VALUES), jnp.asarray(WEALTH), quote(), money, jnp.dtype("float64"))
    assert np.allclose(sums.spent, spent(PRICES, 0.2), rtol=1e-13)
    step, by_logs = 1e-6, np.zeros((GOODS, GOODS))
    for j in range(GOODS):
        more, less = PRICES.copy(), PRICES.copy()
        more[j], less[j] = PRICES[j] * np.exp(step), PRICES[j] * np.exp(-step)
        by_logs[:, j] = (spent(more, 0.2) - spent(less, 0.2)) / (2 * step)
    pull = np.asarray(sums.pull) * (1 - np.eye(GOODS))
    laplacian = np.diag(pull.sum(axis=1) + np.asarray(sums.ripple)) - pull
    assert np.allclose(-by_logs, laplacian / 0.2, atol=1e-7)
    by_eps = (spent(PRICES, 0.2 + step) - spent(PRICES, 0.2 - step)) / (2 * step)
    assert np.allclose(sums.drift, by_eps, atol=1e-7)


@pytest.mark.parametrize("money", MONEY)
@pytest.mark.parametrize("eps", [1.0, 0.2, 0.01])
def test_what_is_lost_and_overpaid_is_not_understated(in_64_bits, money, eps, ask):
    wide = jnp.dtype("float64")
    sums, _ = ask(jnp.asarray(VALUES), jnp.asarray(WEALTH), quote(eps=eps), money, wide)
    given, ratios = shares(money, eps=eps), VALUES / PRICES
    best, spent, worth = ratios.max(axis=1), given.sum(axis=1), (given * ratios).sum(axis=1)
    if money == "fisher":
        lost = np.divide(best - worth, best, out=np.zeros(AGENTS), where=best > 0)
        assert sums.stake == pytest.approx(WEALTH[best > 0].sum())
    else:
        best = np.maximum(best, 1)
        lost = (best - worth - (1 - spent)) / best
        assert sums.excess >= np.max(np.where(WEALTH > 0, spent - worth, 0))
        assert sums.excess_money >= np.max(WEALTH * (spent - worth))
        assert 0 < sums.stake <= WEALTH @ np.minimum(worth, 1) + 1e-12
    assert WEALTH @ lost <= sums.lost + 1e-12
    assert sums.lost <= 3 * (WEALTH @ lost) + 3 * eps * WEALTH.sum()


def test_two_equals_are_never_overpaid(in_64_bits):
    """Money stays where it is until the two goods that an agent splits it on are worth it."""
    for price in np.linspace(0.8, 1.2, 41):
        said = answers(jnp.ones((1, 2)), quote(np.full(2, price), 0.1), "budget", jnp.float64)
        assert float(said.part[0]) == 0 or price < 1


def test_softness_is_e_to_the_distance(in_64_bits):
    """Distances of 8 ε from the second good, and from money."""
    eps, far = 0.01, np.exp(0.08)
    values = jnp.asarray([[2.0 * far, 2.0], [far, 0.1], [1 / far, 0.1]])
    one = jnp.ones(3)
    said = answers(values, quote(np.ones(2), eps), "fisher", jnp.float64)
    assert -np.log(softness(said, one, "fisher"))[0] == pytest.approx(8, abs=3)
    said = answers(values, quote(np.ones(2), eps), "budget", jnp.float64)
    assert np.allclose(-np.log(softness(said, one, "budget")), 8, atol=3)
    assert np.all(np.asarray(softness(said, 0 * one, "budget")) == 0)


def test_blocks_change_nothing(in_64_bits, monkeypatch, ask):
    many = np.tile(VALUES, (5, 1)), np.tile(WEALTH, 5)
    whole = asked(*map(jnp.asarray, many), quote(), "budget", jnp.dtype("float64"))
    monkeypatch.setattr(_answers, "BLOCK", 16)
    parts = asked(*map(jnp.asarray, many), quote(), "budget", jnp.dtype("float64"))
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(parts), strict=True):
        assert np.allclose(one, other, rtol=1e-12)
    own, _ = ask(jnp.asarray(VALUES), jnp.asarray(WEALTH), quote(), "budget", jnp.dtype("float64"))
    twice = together(own, own)
    assert np.allclose(twice.spent, 2 * own.spent) and twice.excess == own.excess
    plain = jax.tree.map(np.asarray, own)
    assert isinstance(together(plain, plain).excess, np.floating)
