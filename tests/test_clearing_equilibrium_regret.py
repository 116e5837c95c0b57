"""The best that prices leave to an agent, against searches that know nothing of duals."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._regret import _lowest, best_utility, rests_on_trust

RULES = ("none", "cap", "budget", "fisher")
GOODS = 3
KINDS = (
    "linear",
    "ces",
    "cobb",
    "leontief",
    "quadratic",
    "log",
    "pieces",
    "coupled",
    "root",
)
CLOSED = {"linear", "quadratic", "log", "pieces"}  # exact in the box, whatever money means


def root(a, x):
    return jnp.sum(a * (jnp.sqrt(1 + x) - 1))


def draw(rng):
    """Numbers for one agent of each kind."""
    u = functools.partial(rng.uniform, 0.5, 2.0)
    half = u((GOODS, GOODS)) / 2
    return {
        "linear": (u(GOODS),),
        "ces": (u(GOODS), rng.choice([0.5, -1.0]), u()),
        "cobb": (rng.dirichlet(np.ones(GOODS)), u()),
        "leontief": (u(GOODS), u()),
        "quadratic": (u(GOODS), u(GOODS)),
        "log": (u(GOODS), u(GOODS)),
        "pieces": (-np.sort(-u((GOODS, 3)), axis=1), u((GOODS, 3)) / 2),
        "coupled": (u(GOODS), half @ half.T),
        "root": (4 * u(GOODS),),
    }


def mixed(agents):
    """All of them in one market: one compiled program for each rule."""
    rows = {kind: [np.asarray(part)[None] for part in agents[kind]] for kind in KINDS}
    return cv.Mixed(
        (
            cv.Linear(*rows["linear"]),
            cv.CES(*rows["ces"]),
            cv.CobbDouglas(*rows["cobb"]),
            cv.Leontief(*rows["leontief"]),
            cv.Quadratic(*rows["quadratic"]),
            cv.Logarithmic(*rows["log"]),
            cv.PiecewiseLinear(*rows["pieces"]),
            cv.CoupledQuadratic(*rows["coupled"]),
            cv.Concave(root, *rows["root"], GOODS),
        )
    )


WORTHS = {
    "linear": lambda v, x: v @ x,
    "ces": lambda a, rho, c, x: c * np.sum(a * x**rho) ** (1 / rho),
    "cobb": lambda a, c, x: c * np.prod(x**a),
    "leontief": lambda a, c, x: c * np.min(x / a),
    "quadratic": lambda a, q, x: a @ x - q @ x**2 / 2,
    "log": lambda a, c, x: a @ np.log(1 + x / c),
    "coupled": lambda a, q, x: a @ x - x @ q @ x / 2,
    "root": lambda a, x: a @ (np.sqrt(1 + x) - 1),
}

program = jax.jit(best_utility)


def best(agents, money, supply, wealth, prices, bundles, unit=1.0):
    n = len(KINDS)
    with exact():
        market = Market(mixed(agents), jnp.asarray(supply), jnp.asarray(wealth), money)
        found = program(market, jnp.asarray(prices), jnp.asarray(bundles), jnp.full(n, unit))
        return dict(zip(KINDS, np.asarray(found).tolist(), strict=True))


# --- searches


def by_programme(kind, numbers, money, prices, wealth, box):
    """Linear, Leontief and piecewise linear agents: a linear programme over pieces (and worth)."""
    if kind == "leontief":
        needs, c = numbers
        slopes, widths, cost = np.array([c]), np.array([np.min(box / needs)]), [prices @ needs]
    else:
        slopes, widths = numbers if kind == "pieces" else (numbers[0][:, None], box[:, None])
        starts = np.cumsum(widths, axis=1) - widths
        widths = np.clip(box[:, None] - starts, 0, widths).ravel()
        cost, slopes = np.repeat(prices, slopes.shape[1]), slopes.ravel()
    cost = np.asarray(cost)
    # The last variable is worth; it is at most what the pieces add up to.
    gain = np.append(cost * (money != "fisher"), -1.0)
    rows, most = [np.append(-slopes, 1.0)], [0.0]
    if money in ("budget", "fisher"):
        rows, most = [*rows, np.append(cost, 0.0)], [*most, wealth]
    top = wealth if money == "cap" else None
    found = linprog(
        gain, A_ub=np.array(rows), b_ub=most, bounds=[*((0, w) for w in widths), (None, top)]
    )
    return -found.fun


def by_climbing(worth, money, prices, wealth, box):
    """Smooth agents: sequential quadratic programming from several starts."""
    pays = 0 if money == "fisher" else 1
    limits = []
    if money in ("budget", "fisher"):
        limits = [{"type": "ineq", "fun": lambda z: wealth - prices @ z[:-1]}]
    limits.append({"type": "ineq", "fun": lambda z: worth(z[:-1]) - z[-1]})
    top = wealth if money == "cap" else None

    def utility(bundle):
        bundle = np.clip(bundle, 0, box)
        if money in ("budget", "fisher"):
            bundle = bundle * min(1, wealth / (prices @ bundle))
        value = min(worth(bundle), wealth) if money == "cap" else worth(bundle)
        return value - pays * (prices @ bundle)

    found = 0.0  # of nothing
    for share in (0.5, 0.1):
        start = share * np.minimum(box, wealth / prices)
        result = minimize(
            lambda z: pays * (prices @ z[:-1]) - z[-1],
            np.append(start, worth(start)),
            bounds=[*((1e-9, b) for b in box), (None, top)],
            constraints=limits,
            options={"ftol": 1e-13, "maxiter": 300},
        )
        found = max(found, utility(result.x[:-1]))
    return found


def by_search(kind, numbers, money, prices, wealth, box):
    if kind in ("linear", "pieces", "leontief"):
        return by_programme(kind, numbers, money, prices, wealth, box)
    worth = functools.partial(WORTHS[kind], *numbers)
    return by_climbing(worth, money, prices, wealth, box)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("money", RULES)
def test_no_search_finds_better_and_the_closed_ones_find_the_same(money, seed):
    rng = np.random.default_rng(seed)
    agents, prices = draw(rng), rng.uniform(0.4, 1.6, GOODS)
    wealth, supply = rng.uniform(0.3, 3, len(KINDS)), rng.uniform(0.5, 2, GOODS)
    bundles = rng.dirichlet(np.ones(len(KINDS)), GOODS).T * supply
    bounds = best(agents, money, supply, wealth, prices, bundles)
    for kind, money_of in zip(KINDS, wealth, strict=True):
        whole = kind in ("linear", "ces", "cobb", "leontief") and money != "none"
        box = 10 * money_of / prices if whole else 2 * supply
        found = by_search(kind, agents[kind], money, prices, money_of, box)
        if whole or kind in CLOSED:
            assert bounds[kind] == pytest.approx(found, rel=2e-6, abs=2e-6), kind
        else:
            assert bounds[kind] > found - 2e-6, kind


@pytest.mark.parametrize("money", RULES)
def test_a_tangent_at_the_best_bundle_promises_no_more_than_it_brings(money):
    rng = np.random.default_rng(5)
    agents, prices, supply = draw(rng), np.array([0.7, 1.0, 1.3]), np.full(GOODS, 20.0)
    (a,), (_, curvatures) = agents["root"], agents["coupled"]
    # At a price t of money: a / (2 √(1 + x)) = t p, and a = t p + Q x for the coupled one.
    t = 1.0 if money == "none" else 1.25
    bundles = np.zeros((len(KINDS), GOODS))
    bundles[-1] = (a / (2 * t * prices)) ** 2 - 1
    assert bundles.min() >= 0
    bundles[-2] = rng.uniform(0.5, 1, GOODS)
    agents["coupled"] = (t * prices + curvatures @ bundles[-2], curvatures)
    pays = bundles @ prices
    worth = np.array(
        [
            *np.zeros(7),
            *(WORTHS[k](*agents[k], x) for k, x in zip(KINDS[-2:], bundles[-2:], strict=True)),
        ]
    )
    wealth = worth if money == "cap" else pays
    found = best(agents, money, supply, wealth, prices, bundles)
    utility = worth - (0 if money == "fisher" else pays)
    assert [found[kind] for kind in KINDS[-2:]] == pytest.approx(utility[-2:], abs=1e-9)


def test_worked_by_hand():
    one = np.ones(GOODS)
    agents = draw(np.random.default_rng(0)) | {
        "linear": (np.array([3.0, 1.0, 0.0]),),
        "quadratic": (np.array([3.0, 2.0, 0.0]), np.array([1.0, 0.0, 1.0])),
        "log": (np.array([4.0, 0.0, 0.0]), one),
        "pieces": (
            np.array([[3.0, 2.0, 0.5], [4.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
            np.array([[1.0, 0.5, np.inf], [0.5, np.inf, 1.0], [0.0, 1.0, np.inf]]),
        ),
    }
    bundles, wealth = np.zeros((len(KINDS), GOODS)), np.full(len(KINDS), 2.0)
    found = best(agents, "none", one, wealth, one, bundles)
    assert found["linear"] == 4.0  # two of the first good: 2 (3 - 1)
    assert found["quadratic"] == 2.0 + 2.0  # x = 2 where 3 - x = 1; the straight one to the end
    assert found["log"] == pytest.approx(4 * np.log(3) - 2)  # 4 / (1 + x) = 1 at 3, but 2 there are
    assert found["pieces"] == 2.0 + 0.5 + 1.5
    found = best(agents, "budget", one, wealth, one, bundles)
    assert found["linear"] == pytest.approx(2 * (3 - 1))  # no box: all money on the best good
    # 3 - x = 2 for one unit of the first, and the rest on the straight one.
    assert found["quadratic"] == pytest.approx(2.5 - 1 + 1)
    assert found["pieces"] == pytest.approx(1.5 + 2.0 + 0.5)  # 0.5, then 1, then 0.5 left to spend
    found = best(agents, "fisher", one, wealth, one, bundles)
    assert found["linear"] == 6.0
    assert found["log"] == pytest.approx(4 * np.log(3))
    assert found["pieces"] == pytest.approx(2.0 + 3.0 + 1.0)
    found = best(agents, "cap", one, wealth, one, bundles)
    assert found["linear"] == pytest.approx(2 * (1 - 1 / 3))
    assert found["pieces"] == pytest.approx(2 - 0.5)  # half a unit of the second is worth 2
    assert found["log"] == pytest.approx(2 - (np.exp(0.5) - 1))  # log(1 + x) = 1/2 reaches the cap


@pytest.mark.parametrize("money", RULES)
def test_what_is_free_is_wanted_without_end_where_no_box_and_no_cap_ends_it(money):
    agents = draw(np.random.default_rng(1))
    wealth, prices = np.ones(len(KINDS)), np.array([0.0, 1.0, 1.0])
    wealth[0] = 0.0
    found = best(agents, money, np.ones(GOODS), wealth, prices, np.full((len(KINDS), GOODS), 0.1))
    assert not np.isnan(list(found.values())).any()
    if money in ("budget", "fisher"):
        assert found["linear"] == np.inf  # though it has no money
        assert found["cobb"] == np.inf
        assert found["leontief"] < np.inf
    else:
        (values,) = agents["linear"]
        boxed = 2 * np.maximum(values - prices, 0).sum()
        assert found["linear"] == pytest.approx(boxed if money == "none" else 0.0)


def test_where_worth_ends_a_free_good_that_is_not_there_is_no_use():
    slopes, widths = np.zeros((GOODS, 3)), np.ones((GOODS, 3))
    slopes[2], widths[2] = [3.0, 0, 0], [1.0, np.inf, 1.0]
    agents = draw(np.random.default_rng(1)) | {"pieces": (slopes, widths)}
    nothing, wealth = np.zeros((len(KINDS), GOODS)), np.ones(len(KINDS))
    for money in ("budget", "fisher"):
        found = best(agents, money, [1.0, 1.0, 0.0], wealth, [1.0, 1.0, 0.0], nothing)
        assert found["pieces"] == 3.0
    slopes[2], widths[2] = [3.0, 2.0, 0], [np.inf, 1.0, 1.0]  # what comes after no end never comes
    for money in ("budget", "fisher"):
        found = best(agents, money, [1.0, 1.0, 0.0], wealth, [1.0, 1.0, 0.0], nothing)
        assert found["pieces"] == np.inf


def test_beyond_the_cap_nothing_is_gained():
    agents = draw(np.random.default_rng(1)) | {"linear": (np.ones(GOODS),)}
    nothing, wealth = np.zeros((len(KINDS), GOODS)), np.full(len(KINDS), 1e-3)
    found = best(agents, "cap", np.ones(GOODS), wealth, np.zeros(GOODS), nothing)
    for kind in KINDS:
        assert found[kind] == pytest.approx(1e-3), kind


@pytest.mark.parametrize("money", RULES)
def test_nobody_gains_by_a_good_that_is_not_there_at_the_highest_bid_for_it(money):
    agents = draw(np.random.default_rng(2))
    first = {  # the marginal worth of the first unit of the last good
        "linear": agents["linear"][0][2],
        "quadratic": agents["quadratic"][0][2],
        "log": agents["log"][0][2] / agents["log"][1][2],
        "pieces": agents["pieces"][0][2, 0],
        "coupled": agents["coupled"][0][2],
        "root": agents["root"][0][2] / 2,
    }
    supply = np.array([1.0, 1.0, 0.0])
    bundles, wealth = np.zeros((len(KINDS), GOODS)), np.full(len(KINDS), 5.0)
    dear = 1000.0  # nothing else is worth buying
    for kind, slope in first.items():
        right = best(agents, money, supply, wealth, [dear, dear, slope], bundles, 7.0)
        wrong = best(agents, money, supply, wealth, [dear, dear, slope / 2], bundles, 7.0)
        free = best(agents, money, supply, wealth, [dear, dear, 0.0], bundles, 7.0)
        if money == "fisher":  # there money is worth nothing, and any price leaves something
            assert wrong[kind] > right[kind] > 0
        else:
            assert right[kind] == pytest.approx(0.0, abs=1e-9)
            assert wrong[kind] > 0.1
        assert free[kind] > 0.1
        assert not np.isnan([right[kind], wrong[kind], free[kind]]).any()


def test_without_a_budget_the_ruler_for_what_is_not_there_is_the_unit():
    agents = draw(np.random.default_rng(2)) | {"linear": (np.array([1.0, 1.0, 4.0]),)}
    bundles, wealth = np.zeros((len(KINDS), GOODS)), np.ones(len(KINDS))
    for unit in (1.0, 8.0):
        found = best(agents, "none", [1.0, 1.0, 0.0], wealth, [2.0, 2.0, 3.0], bundles, unit)
        assert found["linear"] == pytest.approx((1 - 3 / 4) * unit)


@pytest.mark.parametrize("money", RULES)
def test_whoever_values_nothing_misses_nothing(money):
    agents = draw(np.random.default_rng(3))
    nothing = np.zeros(GOODS)
    agents |= {
        "linear": (nothing,),
        "quadratic": (nothing, agents["quadratic"][1]),
        "log": (nothing, agents["log"][1]),
        "pieces": (np.zeros((GOODS, 3)), agents["pieces"][1]),
        "coupled": (nothing, agents["coupled"][1]),
        "root": (nothing,),
    }
    for prices in ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]):
        wealth, supply = np.ones(len(KINDS)), np.array([1.0, 1.0, 0.0])
        found = best(agents, money, supply, wealth, prices, np.zeros((len(KINDS), GOODS)))
        for kind in ("linear", *KINDS[4:]):
            assert found[kind] == pytest.approx(0.0, abs=1e-20), kind


def test_a_slope_that_is_no_number_leaves_no_bound():
    agents = draw(np.random.default_rng(3)) | {"root": (np.array([1.0, np.nan, 1.0]),)}
    one = np.ones(len(KINDS))
    for money in RULES:
        found = best(agents, money, one[:GOODS], one, one[:GOODS], np.zeros((len(KINDS), GOODS)))
        assert np.isnan(found["root"])


# --- the search for the price of money


@jax.jit
def lowest_of_lines(heights, slopes, low, high, guess):
    def lines(at):
        values = heights + slopes * at[:, None]
        top = jnp.argmax(values, axis=1)
        pick = jnp.arange(at.shape[0])
        return values[pick, top], slopes[pick, top]

    return _lowest(lines, low, high, guess, jnp.zeros_like(low))


@jax.jit
def lowest_of_curves(rates, weights, low, high, guess):
    """`w t − log t`, `w t + 1/t` and the like: steep at one end and flat at the other."""

    def curve(at):
        return weights * at + at**-rates / rates, weights - at ** (-rates - 1)

    return _lowest(curve, low, high, guess, jnp.zeros_like(low))


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_the_lowest_of_lines_is_found_at_their_corner(seed):
    rng = np.random.default_rng(seed)
    heights, slopes = rng.normal(size=(4, 6)), rng.normal(size=(4, 6)) * 10 ** rng.uniform(-3, 3)
    low, high = np.full(4, 0.0), rng.uniform(0.1, 100, 4)
    with exact():
        found = lowest_of_lines(heights, slopes, low, high, rng.uniform(0, 100, 4))
    for i in range(4):
        rise = heights[i][:, None] - heights[i]
        lean = slopes[i] - slopes[i][:, None]
        corners = (rise / np.where(lean == 0, np.inf, lean)).ravel()
        points = np.append(np.clip(corners, low[i], high[i]), [low[i], high[i]])
        tops = np.max(heights[i] + slopes[i] * points[:, None], axis=1)
        assert found[i] == pytest.approx(tops.min(), rel=1e-10, abs=1e-10)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_the_lowest_of_a_steep_curve_is_found(seed):
    rng = np.random.default_rng(seed)
    rates, weights = rng.uniform(0.2, 3, 4), 10 ** rng.uniform(-6, 6, 4)
    low, high = np.full(4, 1e-9), np.full(4, 1e9)
    with exact():
        found = lowest_of_curves(rates, weights, low, high, 10 ** rng.uniform(-9, 9, 4))
    at = weights ** (-1 / (rates + 1))
    assert np.asarray(found) == pytest.approx(weights * at + at**-rates / rates, rel=1e-11)


def test_only_foreign_functions_are_taken_on_trust():
    agents = mixed(draw(np.random.default_rng(0)))
    trusted = [type(family).__name__ for family in agents.families if rests_on_trust(family)]
    assert trusted == ["Concave"]
