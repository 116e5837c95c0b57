"""`equilibrium` against SciPy on every kind and every rule for money, and against known answers."""

import jax.numpy as jnp
import numpy as np
import pytest

import catallax as cx
from catallax._errors import NotConverged
from oracles import equilibrium as oracle

DEGREE_ONE = ("linear", "ces", "complements", "cobb", "leontief")
CURVED = ("quadratic", "log", "pieces", "coupled", "root")
CELLS = [
    *((money, DEGREE_ONE) for money in ("none", "cap", "budget", "fisher")),
    *((money, CURVED) for money in ("none", "cap")),
]
AGENTS, GOODS = 5, 3

MAKERS = {
    "linear": cx.valuations.Linear,
    "ces": cx.valuations.CES,
    "complements": cx.valuations.CES,
    "cobb": cx.valuations.CobbDouglas,
    "leontief": cx.valuations.Leontief,
    "quadratic": cx.valuations.Quadratic,
    "log": cx.valuations.Logarithmic,
    "pieces": cx.valuations.PiecewiseLinear,
    "coupled": cx.valuations.CoupledQuadratic,
    "root": lambda values: cx.valuations.Concave(root, values, GOODS),
}


def root(values, bundle):
    return jnp.sqrt(1 + jnp.sum(values * bundle)) - 1


def fields_of(kind, rng, n=1):
    values = rng.uniform(0.2, 2, (n, GOODS))
    half = rng.normal(size=(n, GOODS, GOODS)) / 2
    falls = np.sort(rng.uniform(0.2, 1, (n, GOODS, 2)), axis=2)[..., ::-1]
    return {
        "linear": {"values": values},
        "ces": {"weights": values, "rho": np.full(n, 0.6), "scale": np.full(n, 0.8)},
        "complements": {"weights": values, "rho": np.full(n, -1.0), "scale": np.full(n, 3.0)},
        "cobb": {"shares": values / values.sum(axis=1)[:, None], "scale": np.full(n, 3.0)},
        "leontief": {"needs": values},
        "quadratic": {"slopes": values, "curvatures": values[:, ::-1]},
        "log": {"scales": values, "offsets": values[:, ::-1]},
        "pieces": {
            "slopes": 2 * values[..., None] * falls,
            "widths": rng.uniform(0.2, 0.6, falls.shape),
        },
        "coupled": {"slopes": values, "curvatures": half @ half.transpose(0, 2, 1)},
        "root": {"values": values},
    }[kind]


def market(kinds, seed):
    rng = np.random.default_rng(seed)
    families = [(kind, fields_of(kind, rng)) for kind in kinds]
    supply, wealth = rng.uniform(0.5, 2, GOODS), rng.uniform(0.3, 0.9, AGENTS)
    return families, supply, wealth


def solved(families, supply, wealth, money):
    parts = tuple(MAKERS[kind](**fields) for kind, fields in families)
    return cx.equilibrium(cx.valuations.Mixed(parts), supply, wealth, money=money)


def worth_of(families, bundles):
    """Worths by textbook formulas; where a formula is in amounts, the most that a bundle makes."""
    worths = []
    for (kind, fields), x in zip(families, bundles, strict=True):
        if kind == "leontief":
            worths.append(np.min(x / fields["needs"][0]))
        elif kind == "pieces":
            widths, starts = fields["widths"][0], np.cumsum(fields["widths"][0], axis=1)
            filled = np.clip(x[:, None] - (starts - widths), 0, widths)
            worths.append(np.sum(fields["slopes"][0] * filled))
        else:
            worths.append(oracle.WORTH[kind](x[None], **fields)[0])
    return np.array(worths)


@pytest.mark.parametrize(
    ("money", "kinds"), CELLS, ids=lambda value: value if type(value) is str else value[0]
)
def test_every_kind_under_every_rule_agrees_with_scipy(money, kinds):
    for seed in (2, 3):
        families, supply, wealth = market(kinds, seed)
        best, low, high = oracle.brackets(families, supply, wealth, money)
        eq = solved(families, supply, wealth, money)
        worth = worth_of(families, eq.bundles)
        brings = oracle.gain(money, np.minimum(worth, wealth) if money == "cap" else worth, wealth)
        stake = wealth.sum() if money == "fisher" else worth.sum()
        assert abs(brings - best) <= 1e-6 * stake
        assert np.all(eq.bundles.sum(axis=0) <= supply * (1 + 1e-6))
        # what SciPy's last digits are worth in a difference of two optima
        doubt = 1e-3 * high.max() + 1e-6
        assert np.all(low - doubt <= eq.prices) and np.all(eq.prices <= high + doubt)
        if money in ("budget", "cap"):
            assert np.all(eq.bundles @ eq.prices <= wealth * (1 + 1e-6))
        if money == "fisher":
            np.testing.assert_allclose(eq.bundles @ eq.prices, wealth, rtol=1e-5)


def linear(values, supply, wealth, money, tol=1e-6):
    return cx.equilibrium(cx.valuations.Linear(values), supply, wealth, money=money, tol=tol)


@pytest.mark.parametrize("money", ["none", "cap"])
def test_linear_agents_agree_with_a_linear_programme(money):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        values, supply = rng.uniform(0.1, 2, (4, GOODS)), rng.uniform(0.5, 2, GOODS)
        wealth = rng.uniform(0.2, 2, 4)
        best, prices = oracle.linear_programme(values, supply, wealth if money == "cap" else None)
        eq = linear(values, supply, wealth, money)
        worth = (values * eq.bundles).sum(axis=1)
        got = np.minimum(worth, wealth).sum() if money == "cap" else worth.sum()
        assert got == pytest.approx(best, rel=1e-6)
        # the programme's prices need not be ours, but they support what we gave out
        theirs = cx.certify(
            cx.valuations.Linear(values),
            supply,
            wealth,
            np.maximum(prices, 0),
            eq.bundles,
            money=money,
        )
        assert theirs.violation < 1e-5


def test_prices_with_budgets_agree_with_proportional_response():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        values, supply = rng.uniform(0.1, 2, (4, GOODS)), rng.uniform(0.5, 2, GOODS)
        wealth = rng.uniform(0.2, 2, 4)
        prices = oracle.proportional_response(values, supply, wealth)
        eq = linear(values, supply, wealth, "budget", tol=1e-9)
        np.testing.assert_allclose(eq.prices, prices, rtol=1e-4)


def test_one_buyer_whose_cap_is_met_pays_nothing_and_whose_budget_binds_pays_it_all():
    values = np.array([[10.0]])
    assert linear(values, [1.0], [1.0], "cap").prices[0] == pytest.approx(0, abs=1e-5)
    assert linear(values, [1.0], [1.0], "budget").prices[0] == pytest.approx(1, abs=1e-5)
    assert linear(values, [1.0], [20.0], "budget").prices[0] == pytest.approx(10, rel=1e-4)
    assert linear(values, [2.0], [7.0], "fisher").prices[0] == pytest.approx(3.5, rel=1e-5)


def test_everyone_spends_fixed_shares_under_cobb_douglas():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(GOODS), 4)
    supply, wealth = rng.uniform(0.5, 2, GOODS), rng.uniform(0.3, 2, 4)
    eq = cx.equilibrium(cx.valuations.CobbDouglas(shares), supply, wealth, money="fisher")
    prices = wealth @ shares / supply
    np.testing.assert_allclose(eq.prices, prices, rtol=1e-5)
    np.testing.assert_allclose(eq.bundles, wealth[:, None] * shares / prices, rtol=1e-5)


def test_alike_agents_share_and_their_price_is_the_last_unit_s_worth():
    slopes, curvatures = np.full((4, GOODS), 3.0), np.full((4, GOODS), 2.0)
    eq = cx.equilibrium(
        cx.valuations.Quadratic(slopes, curvatures), np.full(GOODS, 2.0), money="none"
    )
    np.testing.assert_allclose(eq.prices, 2.0, rtol=1e-4)  # 3 − 2 · (2 / 4)
    np.testing.assert_allclose(eq.bundles, 0.5, rtol=1e-3)


def test_a_satiated_good_is_free_and_left_over():
    slopes, curvatures = np.full((4, GOODS), 3.0), np.full((4, GOODS), 2.0)
    supply = np.array([2.0, 2.0, 9.0])  # four agents want 1.5 each at most
    eq = cx.equilibrium(cx.valuations.Quadratic(slopes, curvatures), supply, money="none")
    assert eq.prices[2] == pytest.approx(0, abs=1e-4)
    assert eq.certificate.leftover[2] == pytest.approx(3, abs=0.05)


def test_an_unfinished_search_says_so():
    values = np.random.default_rng(0).uniform(0.1, 2, (4, GOODS))
    short = cx.InteriorPoint(steps=2)
    call = (cx.valuations.Linear(values), np.ones(GOODS), np.ones(4))
    eq = cx.equilibrium(*call, money="budget", method=short, throw=False)
    assert eq.result is cx.Result.NOT_CONVERGED and eq.certificate.violation > 1e-6
    with pytest.raises(NotConverged, match="after 2 steps"):
        cx.equilibrium(*call, money="budget", method=short)
