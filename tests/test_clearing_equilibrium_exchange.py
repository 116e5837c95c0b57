"""Exchange: equilibria known by hand, SciPy, and what must not matter."""

import numpy as np
import pytest
from scipy.optimize import root

from catallax._errors import InvalidMarket, InvalidSetting, NotConverged
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._certificate import certify
from catallax.clearing.equilibrium._exchange import ExchangePath, exchange
from catallax.clearing.equilibrium._outcome import Result

N, M = 5, 4


def drawn(seed, kind):
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.1, 2, (N, M))
    if kind == "linear":
        return cv.Linear(values), rng.uniform(0, 1, (N, M))
    if kind == "ces":
        return cv.CES(values, rng.uniform(0.2, 0.8, N)), rng.uniform(0, 1, (N, M))
    if kind == "complements":
        return cv.CES(values, rng.uniform(-3, -0.5, N)), rng.uniform(0, 1, (N, M))
    if kind == "cobb":
        return cv.CobbDouglas(values / values.sum(1, keepdims=True)), rng.uniform(0, 1, (N, M))
    return cv.Leontief(values), rng.uniform(0, 1, (N, M))


KINDS = ("linear", "ces", "complements", "cobb", "leontief")


@pytest.mark.parametrize("kind", KINDS)
def test_random_exchanges_are_certified_and_the_law_of_walras_holds(kind):
    for seed in range(30):
        values, owned = drawn(seed, kind)
        eq = exchange(values, owned, throw=kind != "leontief")  # there goods may be free
        assert eq.result is Result.CERTIFIED, seed
        assert eq.prices[0] == 1 or (kind == "leontief" and eq.prices.sum() == pytest.approx(1))
        # certified again from outside, at incomes p·e
        supply = owned.sum(axis=0)
        own = certify(values, supply, owned @ eq.prices, eq.prices, eq.bundles, money="fisher")
        assert own.violation <= 1e-6
        # each spends what it earns, so all markets together leave nothing over
        np.testing.assert_allclose(eq.bundles @ eq.prices, owned @ eq.prices, rtol=1e-9)
        assert eq.prices @ (eq.bundles.sum(axis=0) - supply) == pytest.approx(0, abs=1e-9)


def test_two_cobb_douglas_agents_by_hand():
    # 1 spends 3/4 of p1 on good 2, 2 spends 1/2 of p2 on good 1: 3/4 p1 = 1/2 p2
    values = cv.CobbDouglas(np.array([[0.25, 0.75], [0.5, 0.5]]))
    eq = exchange(values, np.eye(2), tol=1e-9)
    assert eq.prices == pytest.approx([1.0, 1.5], rel=1e-8)
    assert eq.bundles == pytest.approx(np.array([[0.25, 0.5], [0.75, 0.5]]), rel=1e-7)


def test_cobb_douglas_prices_are_an_eigenvector():
    for seed in range(20):
        values, owned = drawn(seed, "cobb")
        eq = exchange(values, owned)
        # p_j s_j = Σ_i a_ij (p·e_i)
        flows = np.asarray(values.shares).T @ owned / owned.sum(axis=0)[:, None]
        roots, vectors = np.linalg.eig(flows)
        meant = np.real(vectors[:, np.argmax(np.real(roots))])
        assert eq.prices == pytest.approx(meant / meant[0], rel=1e-6)


def test_symmetric_linear_agents_swap_what_they_own():
    values = cv.Linear(np.array([[1.0, 2.0], [2.0, 1.0]]))
    eq = exchange(values, np.eye(2))
    assert eq.prices == pytest.approx([1.0, 1.0], rel=1e-7)
    assert eq.bundles == pytest.approx(np.array([[0.0, 1.0], [1.0, 0.0]]), abs=1e-6)


def test_nobody_trades_where_nobody_could_gain():
    values, _ = drawn(0, "ces")
    first = exchange(values, drawn(0, "ces")[1], tol=1e-9)
    again = exchange(values, first.bundles, tol=1e-9)
    assert again.bundles == pytest.approx(first.bundles, rel=1e-5, abs=1e-7)
    assert again.prices == pytest.approx(first.prices, rel=1e-6)


def ces_excess(prices, weights, rho, owned):
    sigma = 1 / (1 - rho[:, None])
    shares = weights**sigma * prices ** (1 - sigma)
    spending = (owned @ prices)[:, None] * shares / shares.sum(axis=1, keepdims=True)
    return spending.sum(axis=0) / prices - owned.sum(axis=0)


@pytest.mark.parametrize("kind", ["ces", "complements"])
def test_scipy_finds_the_same_prices(kind):
    compared = 0
    for seed in range(15):
        values, owned = drawn(seed, kind)
        eq = exchange(values, owned)
        weights, rho = np.asarray(values.weights), np.asarray(values.rho)

        def excess(logs, weights=weights, rho=rho, owned=owned):
            return ces_excess(np.exp(np.append(0, logs)), weights, rho, owned)[1:]

        oracle = root(excess, np.zeros(M - 1), tol=1e-12)
        if oracle.success:
            compared += 1
            assert eq.prices[1:] == pytest.approx(np.exp(oracle.x), rel=1e-5), seed
    assert compared >= 10


@pytest.mark.parametrize("kind", ["linear", "ces", "cobb"])
def test_units_of_worth_and_copies_of_everybody_do_not_matter(kind):
    values, owned = drawn(7, kind)
    eq = exchange(values, owned, tol=1e-8)
    double = exchange(values, 2 * owned, tol=1e-8)
    assert double.prices == pytest.approx(eq.prices, rel=1e-6)
    assert double.bundles.sum(axis=0) == pytest.approx(2 * owned.sum(axis=0), rel=1e-6)
    if kind == "linear":
        units = np.linspace(0.1, 10, N)[:, None]
        other = exchange(cv.Linear(np.asarray(values.values) * units), owned, tol=1e-8)
        assert other.prices == pytest.approx(eq.prices, rel=1e-6)


def test_another_numeraire_only_rescales():
    values, owned = drawn(1, "ces")
    first, second = exchange(values, owned), exchange(values, owned, numeraire=2)
    assert second.prices[2] == 1
    assert second.prices * first.prices[2] == pytest.approx(first.prices, rel=1e-9)
    assert second.bundles == pytest.approx(first.bundles, rel=1e-9)


def test_a_numeraire_that_is_free_is_refused():
    # both need one of each, and there is twice as much of the first good
    values = cv.Leontief(np.ones((2, 2)))
    owned = np.array([[1.0, 0.5], [1.0, 0.5]])
    assert exchange(values, owned, numeraire=1).prices == pytest.approx([0.0, 1.0], abs=1e-6)
    with pytest.raises(InvalidSetting, match="Good 0, the numeraire, is free"):
        exchange(values, owned)
    back = exchange(values, owned, throw=False)
    assert back.prices == pytest.approx([0.0, 1.0], abs=1e-6)


def test_steps_that_run_out_are_said_to_have():
    values, owned = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([[0.2, 0.9], [0.8, 0.1]])
    short = ExchangePath(steps=1)
    eq = exchange(cv.Linear(values), owned, method=short, throw=False)
    assert eq.result is Result.NOT_CONVERGED
    with pytest.raises(NotConverged, match="stopped after 1 steps"):
        exchange(cv.Linear(values), owned, method=short)


LINEAR = cv.Linear(np.array([[1.0, 2.0], [2.0, 1.0]]))


@pytest.mark.parametrize(
    ("values", "owned", "words"),
    [
        (cv.Linear(np.eye(2)), np.eye(2), "want nothing that the others own"),
        (cv.Linear(np.array([[1.0, 0.0], [1.0, 1.0]])), np.eye(2), r"Agents \[0\] want nothing"),
        (LINEAR, np.array([[1.0, 0.0], [1.0, 0.0]]), "Good 1 is owned by nobody"),
        (LINEAR, np.array([[1.0, 1.0], [0.0, 0.0]]), "Agent 1 is without goods"),
        (cv.Linear(np.array([[1.0, 0.0], [1.0, 0.0]])), np.eye(2), "Good 1 is wanted by nobody"),
        (cv.Linear(np.array([[1.0, 1.0], [0.0, 0.0]])), np.eye(2), "Agent 1 is without wants"),
        (LINEAR, np.ones(2), "endowments has the shape"),
        (LINEAR, -np.eye(2), "endowments"),
        (LINEAR, np.full((2, 2), np.nan), "endowments"),
        (cv.Logarithmic(np.ones((2, 2)), 1.0), np.eye(2), "values of degree 1"),
    ],
)
def test_what_is_no_exchange_is_refused_by_name(values, owned, words):
    with pytest.raises(InvalidMarket, match=words):
        exchange(values, owned)


def test_settings_out_of_range_are_refused():
    for setting in ({"numeraire": 2}, {"numeraire": -1}, {"tol": 0.0}):
        with pytest.raises(InvalidSetting, match=next(iter(setting))):
            exchange(LINEAR, np.eye(2), **setting)
    with pytest.raises(InvalidSetting, match="steps=0"):
        ExchangePath(steps=0)
