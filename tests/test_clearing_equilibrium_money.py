"""Money that means something else to each family: producers with caps, households with budgets."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import catallax as cx
from catallax._errors import InvalidMarket, InvalidSetting
from catallax.clearing.equilibrium import valuations as cv
from catallax.clearing.equilibrium._border import market_of
from catallax.clearing.equilibrium._market import Market, by_rule, together
from catallax.clearing.equilibrium._money import money_of
from catallax.clearing.equilibrium._reduction import reduced
from made_equilibria import GOODS, WHOLE, equilibrium_of
from oracles import equilibrium as oracle
from oracles.certificates import plain

RULES = ("none", "cap", "budget", "fisher")
PAIRS = (("cap", "budget"), ("none", "budget"), ("cap", "fisher"), ("budget", "fisher"))
FIELDS = ("unallocated", "shortage", "overspent", "irrational", "regret", "regret_mean")
TWO = cv.Mixed((cv.Linear(np.ones((2, 3))), cv.CES(np.ones((1, 3)), 0.5)))
seeds = st.integers(0, 10**6)
few = settings(max_examples=12)
pairs = st.sampled_from(PAIRS)
few_pairs = st.sampled_from((("cap", "budget"), ("none", "fisher")))


def families_of(seed, kinds, agents=3, goods=3):
    """Families as the library and as the oracle have them."""
    rng = np.random.default_rng(seed)

    def some(*shape):
        return rng.uniform(0.2, 1, shape)

    made = {
        "bounded": (
            cv.BoundedLeontief,
            {
                "needs": some(agents, goods),
                "slopes": some(agents) * 4,
                "curvatures": np.where(np.arange(agents) % 2, 2.0, 0.0),
                "bounds": some(agents) / 2,
            },
        ),
        "leontief": (cv.Leontief, {"needs": some(agents, goods)}),
        "linear": (cv.Linear, {"values": some(agents, goods)}),
        "ces": (
            cv.CES,
            {"weights": some(agents, goods), "rho": some(agents) / 2, "scale": np.ones(agents)},
        ),
        "cobb": (
            cv.CobbDouglas,
            {"shares": rng.dirichlet(np.ones(goods) * 3, agents), "scale": some(agents) + 2},
        ),
    }
    chosen = [made[kind] for kind in kinds]
    families = tuple(make(**fields) for make, fields in chosen)
    listed = [(kind, fields) for kind, (_, fields) in zip(kinds, chosen, strict=True)]
    return cv.Mixed(families), listed, some(goods) + 0.5, some(agents * len(kinds))


# --- one rule, or one for each family


def test_rules_by_family():
    market = Market(TWO, np.ones(3), np.ones(3), ("cap", "budget"))
    assert market.rules == ("cap", "budget")
    assert market.under("budget", "fisher").tolist() == [False, False, True]
    assert Market(TWO, np.ones(3), np.ones(3), "cap").rules == ("cap", "cap")
    assert Market(TWO, np.ones(3), np.ones(3), "cap").rule == "cap"
    assert together(["cap", "cap"]) == "cap"
    assert together(["cap", "none"]) == ("cap", "none")


def test_everyone_is_asked_by_its_own_rule():
    market = Market(TWO, np.ones(3), np.ones(3), ("cap", "budget"))
    said = by_rule(market, lambda rule, a: jnp.where(rule == "cap", a, -a), jnp.arange(1.0, 4.0))
    assert said.tolist() == [1.0, 2.0, -3.0]


@pytest.mark.parametrize(
    ("money", "meant"),
    [
        ("cap", "cap"),
        (("cap", "cap"), "cap"),
        (("cap", "budget"), ("cap", "budget")),
    ],
)
def test_equal_rules_are_one(money, meant):
    assert money_of(money, TWO) == meant


def test_families_in_a_family_share_its_rule():
    nested = cv.Mixed((TWO, cv.Linear(np.ones((1, 3)))))
    market = market_of(nested, np.ones(3), np.ones(4), ("cap", "budget"))
    assert market.money == ("cap", "cap", "budget")
    assert len(market.families) == 3


@pytest.mark.parametrize(
    ("money", "said"),
    [
        (("cap",), "money has 1 rules"),
        (("cap", "budget", "cap"), "money has 3 rules"),
        ((), "money has 0 rules"),
        (("cap", "credit"), "money='credit'"),
        (("cap", None), "money=None"),
        (("cap", ("cap", "budget")), "money="),
    ],
)
def test_what_is_no_rule_is_refused_by_name(money, said):
    given = {"supply": np.ones(3), "wealth": np.ones(3), "money": money}
    zeros = {"prices": np.zeros(3), "bundles": np.zeros((3, 3))}
    stacked = jax.tree.map(lambda leaf: np.stack([np.asarray(leaf)] * 2), TWO)
    for ask in (
        lambda: cx.equilibrium(TWO, **given),
        lambda: cx.equilibria(stacked, **given),
        lambda: cx.certify(TWO, **given, **zeros),
        lambda: jax.jit(lambda s: cx.equilibrium(TWO, s, np.ones(3), money=money))(np.ones(3)),
    ):
        with pytest.raises(InvalidMarket, match=said):
            ask()


def test_wealth_is_asked_for_unless_nobodys_matters():
    with pytest.raises(InvalidMarket, match="wealth"):
        cx.equilibrium(TWO, np.ones(3), money=("none", "budget"))
    without = cx.equilibrium(TWO, np.ones(3), money=("none", "none"))
    assert without.result is cx.Result.CERTIFIED


@few
@given(seed=seeds, by=st.sampled_from([0.0, 1e-3, 1e6]))
def test_the_wealth_of_those_without_a_limit_does_not_matter(seed, by):
    valuations, _, supply, wealth = families_of(seed, ("bounded", "linear"))
    other = np.where(np.arange(6) < 3, by, wealth)
    one, two = (
        cx.equilibrium(valuations, supply, each, money=("none", "budget"))
        for each in (wealth, other)
    )
    assert one.prices.tolist() == two.prices.tolist()
    assert one.bundles.tolist() == two.bundles.tolist()


# --- certificates


def joined(seed, money):
    """Two markets of one rule each at the same prices: together they are an equilibrium too."""
    (one, s1, w1, p, x1), (two, s2, w2, q, x2) = (equilibrium_of(seed, m, WHOLE) for m in money)
    assert p.tolist() == q.tolist()
    families = (*one.families, *two.families)
    rules = (money[0],) * len(one.families) + (money[1],) * len(two.families)
    whole = cv.Mixed(families), s1 + s2, np.concatenate([w1, w2]), p, np.concatenate([x1, x2])
    return whole, rules


def worst(found):
    return max(float(np.max(np.abs(getattr(found, name)))) for name in FIELDS)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("money", PAIRS)
def test_markets_at_the_same_prices_are_one_market(money, seed):
    whole, rules = joined(seed, money)
    found = cx.certify(*whole, money=rules)
    assert worst(found) < 1e-11
    assert abs(found.gap) < 1e-11


@few
@given(seed=seeds, money=pairs, good=st.integers(0, GOODS - 3), by=st.sampled_from([0.8, 1.25]))
def test_a_wrong_price_is_never_certified(seed, money, good, by):
    (valuations, supply, wealth, p, x), rules = joined(seed, money)
    wrong = np.where(np.arange(GOODS) == good, by * p, p)
    assert cx.certify(valuations, supply, wealth, wrong, x, money=rules).violation > 1e-4


@few
@given(seed=seeds, money=pairs, agent=st.integers(0, 11), by=st.sampled_from([0.8, 1.25]))
def test_a_wrong_bundle_is_never_certified(seed, money, agent, by):
    (valuations, supply, wealth, p, x), rules = joined(seed, money)
    wrong = np.array(x)
    wrong[agent % len(x)] *= by
    assert cx.certify(valuations, supply, wealth, p, wrong, money=rules).violation > 1e-4


def test_a_certificate_by_another_rule_is_refused():
    whole, rules = joined(0, ("cap", "budget"))
    assert cx.certify(*whole, money=rules[::-1]).violation > 1e-3


@few
@given(seed=seeds, rules=pairs)
def test_it_is_what_it_says_it_is(seed, rules):
    rng = np.random.default_rng(seed)
    values, wealth = rng.lognormal(0, 1, (5, 3)), rng.lognormal(0, 1, 5)
    prices, supply, bundles = rng.lognormal(0, 1, 3), np.ones(3), rng.uniform(0.05, 0.3, (5, 3))
    mixed = cv.Mixed((cv.Linear(values[:2]), cv.Linear(values[2:])))
    found = cx.certify(mixed, supply, wealth, prices, bundles, money=rules)
    each = [rules[0]] * 2 + [rules[1]] * 3
    for name, meant in plain(values, supply, wealth, prices, bundles, each).items():
        assert getattr(found, name) == pytest.approx(meant, rel=1e-9, abs=1e-12), name


# --- equilibria, against best responses and another solver


def best(kind, fields, i, rule, prices, wealth):
    """The most an agent can gain at prices, and the bundle's worth: textbook, one agent."""
    own = {name: np.asarray(values)[i] for name, values in fields.items()}
    if kind == "bounded":  # concave in the level: at a corner, a summit, or where the cap is met
        s, q, most = own["slopes"], own["curvatures"], own["bounds"]
        cost = own["needs"] @ prices
        levels = [0.0, most, (s - cost) / q if q else most]
        root = s * s - 2 * q * wealth
        levels.append((s - np.sqrt(root)) / q if q and root > 0 else wealth / s)
        levels = np.clip(levels, 0, most)
        return np.max(np.minimum(s * levels - q * levels**2 / 2, wealth) - cost * levels)
    if kind == "linear" and rule == "budget":  # max (v − p)·y, p·y ≤ w
        found = linprog(prices - own["values"], A_ub=[prices], b_ub=[wealth])
        return -found.fun
    cost = {
        "linear": lambda: np.min(prices / own["values"]),
        "leontief": lambda: own["needs"] @ prices,
        "cobb": lambda: np.prod((prices / own["shares"]) ** own["shares"]) / own["scale"],
        "ces": lambda: (
            np.sum(
                own["weights"] ** (1 / (1 - own["rho"])) * prices ** (own["rho"] / (own["rho"] - 1))
            )
            ** ((own["rho"] - 1) / own["rho"])
        ),
    }[kind]()
    if rule == "cap":
        return wealth * max(1 - cost, 0)
    return max(wealth / cost - wealth, 0) if rule == "budget" else wealth / cost


def gained(kind, fields, i, rule, prices, wealth, bundle):
    """What an agent gains by its bundle."""
    own = {name: np.asarray(values)[i : i + 1] for name, values in fields.items()}
    if kind in ("leontief", "bounded"):
        level = np.min(bundle / own["needs"][0])
        level = np.minimum(level, own.get("bounds", [np.inf])[0])
        worth = level
        if kind == "bounded":
            worth = own["slopes"][0] * level - own["curvatures"][0] * level**2 / 2
    else:
        worth = oracle.WORTH[kind](bundle[None], **own)[0]
    if rule == "fisher":
        return worth
    return (min(worth, wealth) if rule == "cap" else worth) - prices @ bundle


@few
@given(seed=seeds, rule=st.sampled_from(["budget", "fisher"]))
def test_everybody_has_a_best_bundle_by_its_own_rule(seed, rule):
    kinds = ("bounded", "leontief", "linear", "linear", "ces", "cobb")
    rules = ("cap",) * 3 + (rule,) * 3
    valuations, listed, supply, wealth = families_of(seed, kinds, agents=2)
    found = cx.equilibrium(valuations, supply, wealth, money=rules, tol=1e-7)
    assert found.result is cx.Result.CERTIFIED
    assert np.all(found.bundles.sum(axis=0) <= supply * (1 + 1e-6))
    for number in range(12):
        family, i = divmod(number, 2)
        one = (*listed[family], i, rules[family], found.prices, wealth[number])
        have = gained(*one, found.bundles[number])
        assert have == pytest.approx(best(*one), rel=1e-5, abs=1e-5 * wealth[number])
        if rules[family] != "cap":
            assert found.prices @ found.bundles[number] <= wealth[number] * (1 + 1e-6)
    if rule == "fisher":
        assert found.bundles[6:] @ found.prices == pytest.approx(wealth[6:], rel=1e-5)


CASES = [
    (("bounded", "linear"), ("cap", "budget")),
    (("linear", "cobb"), ("cap", "budget")),
    (("bounded", "leontief", "cobb"), ("none", "budget", "fisher")),
    (("bounded", "leontief", "ces"), ("none", "cap", "budget")),
]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("kinds", "money"), CASES)
def test_another_solver_of_the_programme_agrees(kinds, money, seed):
    valuations, listed, supply, wealth = families_of(seed, kinds, agents=2)
    found = cx.equilibrium(valuations, supply, wealth, money=money, tol=1e-7)
    most, low, high = oracle.brackets(listed, supply, wealth, money)
    slack = 1e-3 * found.prices.max()
    assert np.all((low - slack <= found.prices) & (found.prices <= high + slack))
    worth = np.asarray(jax.jit(lambda x: valuations.worth(x))(found.bundles), float)
    each = zip(money, np.split(worth, len(money)), np.split(wealth, len(money)), strict=True)
    counted = [(r, np.minimum(v, w) if r == "cap" else v, w) for r, v, w in each]
    assert sum(oracle.gain(*one) for one in counted) == pytest.approx(most, rel=1e-5, abs=1e-5)


def test_a_market_by_hand():
    """Ten units; a household has 6 to spend and values a unit at 2, a producer values it at 1.

    At a price of 1 the household buys 6 units, and the producer, who does not care, the other 4.
    Where the producer's cap is at 3 units, the price falls until the household buys the other 7.
    """
    both = cv.Mixed((cv.Linear([[1.0]]), cv.Linear([[2.0]])))
    found = cx.equilibrium(both, [10.0], [5.0, 6.0], money=("cap", "budget"))
    assert found.prices == pytest.approx([1.0])
    assert found.bundles == pytest.approx(np.array([[4.0], [6.0]]), rel=1e-5)
    found = cx.equilibrium(both, [10.0], [3.0, 6.0], money=("cap", "budget"))
    assert found.prices == pytest.approx([6 / 7], rel=1e-5)
    assert found.bundles == pytest.approx(np.array([[3.0], [7.0]]), rel=1e-5)
    assert not found.all_caps_met


# --- reductions


@few
@given(seed=seeds, money=st.sampled_from(["cap", "fisher"]))
def test_a_tuple_of_equal_rules_is_the_rule(seed, money):
    valuations, _, supply, wealth = families_of(seed, ("leontief", "linear"))
    one, two = (
        cx.equilibrium(valuations, supply, wealth, money=each) for each in (money, (money, money))
    )
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        assert np.array_equal(a, b, equal_nan=True)


@few
@given(seed=seeds, money=few_pairs)
def test_a_family_in_two_halves_is_one_family(seed, money):
    valuations, _, supply, wealth = families_of(seed, ("bounded", "ces"), agents=4)
    first, second = valuations.families
    parts = [jax.tree.map(lambda leaf, i=i: leaf[i], second) for i in (slice(2), slice(2, 4))]
    parts = [dataclasses.replace(part, substitutes=True) for part in parts]
    one = cx.equilibrium(valuations, supply, wealth, money=money, tol=1e-7)
    split = cv.Mixed((first, *parts))
    two = cx.equilibrium(split, supply, wealth, money=(*money, money[1]), tol=1e-7)
    assert two.prices == pytest.approx(one.prices, rel=1e-5)
    assert two.bundles[4:] == pytest.approx(one.bundles[4:], rel=1e-4, abs=1e-5)


@few
@given(seed=seeds, money=few_pairs)
def test_the_order_of_families_does_not_matter(seed, money):
    valuations, _, supply, wealth = families_of(seed, ("bounded", "ces"), agents=4)
    one = cx.equilibrium(valuations, supply, wealth, money=money, tol=1e-7)
    turned = cv.Mixed(valuations.families[::-1])
    two = cx.equilibrium(turned, supply, np.roll(wealth, 4), money=money[::-1], tol=1e-7)
    assert two.prices == pytest.approx(one.prices, rel=1e-5)


@few
@given(seed=seeds, by=st.sampled_from([1e-6, 1e5]))
def test_the_unit_of_money_does_not_matter(seed, by):
    valuations, _, supply, wealth = families_of(seed, ("linear", "cobb"), agents=2)
    linear, cobb = valuations.families
    dear = cv.Mixed((cv.Linear(linear.values * by), cv.CobbDouglas(cobb.shares, cobb.scale * by)))
    one, two = (
        cx.equilibrium(v, supply, w, money=("cap", "budget"), tol=1e-7)
        for v, w in ((valuations, wealth), (dear, by * wealth))
    )
    assert two.prices == pytest.approx(by * one.prices, rel=1e-5)


def test_rich_households_with_budgets_are_like_trusted_ones():
    valuations, _, supply, wealth = families_of(1, ("bounded", "ces"), agents=4)
    rich = np.where(np.arange(8) < 4, wealth, 1e4)
    one, two = (
        cx.equilibrium(valuations, supply, rich, money=("cap", rule), tol=1e-7)
        for rule in ("budget", "none")
    )
    assert one.prices == pytest.approx(two.prices, rel=1e-5)


# --- what is idle


@pytest.mark.parametrize("money", [("cap", "budget"), ("none", "fisher")])
def test_who_has_nothing_and_what_there_is_not(money):
    valuations, _, supply, wealth = families_of(2, ("linear", "ces"))
    poor = np.where(np.isin(np.arange(6), [0, 5]), 0.0, wealth)
    there = np.where(np.arange(3) == 1, 0.0, supply)
    found = cx.equilibrium(valuations, there, poor, money=money)
    assert found.result is cx.Result.CERTIFIED
    assert found.no_supply.tolist() == [False, True, False]
    assert found.prices[1] > 0
    assert found.bundles[5].tolist() == [0, 0, 0]
    assert (found.bundles[0].sum() > 0) == (money[0] == "none")


def test_the_trusted_buy_and_quote_where_all_others_are_poor():
    valuations, _, supply, _ = families_of(2, ("linear", "ces"))
    there = np.where(np.arange(3) == 1, 0.0, supply)
    found = cx.equilibrium(valuations, there, np.zeros(6), money=("none", "budget"))
    alone = cx.equilibrium(valuations.families[0], there, money="none")
    assert found.prices == pytest.approx(alone.prices, rel=1e-5)
    assert found.bundles[:3].sum(axis=0) == pytest.approx(there, rel=1e-5)
    assert not found.bundles[3:].any()


def test_a_family_that_is_gone_takes_its_rule_with_it():
    valuations, _, supply, wealth = families_of(3, ("linear", "ces"))
    for gone, left in ((slice(3), "budget"), (slice(3, 6), "cap")):
        poor = np.array(wealth)
        poor[gone] = 0
        market = market_of(valuations, supply, poor, ("cap", "budget"))
        part = reduced(market)
        assert part.market.money == left
        found = cx.equilibrium(valuations, supply, poor, money=("cap", "budget"))
        assert found.result is cx.Result.CERTIFIED
        alone = valuations.families[0 if left == "cap" else 1]
        own = cx.equilibrium(alone, supply, poor[poor > 0], money=left)
        assert found.prices == pytest.approx(own.prices, rel=1e-4)


# --- methods


def test_the_default_is_the_interior_point_wherever_the_programme_is_convex():
    logs, linear = cv.Logarithmic(np.ones((2, 2)), 1.0), cv.Linear(np.array([[2.0, 1], [1, 2]]))
    given = np.ones(2), np.full(4, 0.3)
    for money, method in (
        (("cap", "budget"), "InteriorPoint"),
        (("none", "fisher"), "InteriorPoint"),
        (("budget", "cap"), "WeightedWelfare"),
    ):
        found = cx.equilibrium(cv.Mixed((logs, linear)), *given, money=money)
        assert found.method == method
        assert found.result is cx.Result.CERTIFIED
        assert np.isnan(found.certificate.gap) == (method == "WeightedWelfare")


@pytest.mark.parametrize("money", [("cap", "budget"), ("budget", "fisher"), ("none", "fisher")])
@pytest.mark.parametrize(
    "method", [cx.ClosedForm(), cx.Smoothed(), cx.Tatonnement(), cx.ProportionalResponse()]
)
def test_methods_for_one_rule_refuse_several(method, money):
    linear = cv.Linear(np.ones((2, 2)))
    both = cv.Mixed((linear, linear))
    with pytest.raises(InvalidSetting, match=r"one rule for everybody|three kinds"):
        cx.equilibrium(both, np.ones(2), np.ones(4), money=money, method=method)


def test_paths_and_streams_refuse_several_rules():
    linear = cv.CES(np.ones((2, 2)), 0.5)
    given = np.ones(2), np.ones(4)
    with pytest.raises(InvalidSetting, match="one rule for everybody"):
        cx.tatonnement_path(cv.Mixed((linear, linear)), *given, money=("none", "fisher"))
    with pytest.raises(InvalidSetting, match="money="):
        cx.equilibrium_streamed(np.ones((4, 2)), *given, money=("budget", "fisher"))


@few
@given(seed=seeds, money=few_pairs)
def test_weights_of_welfare_find_the_same(seed, money):
    valuations, _, supply, wealth = families_of(seed, ("bounded", "ces"), agents=4)
    one, two = (
        cx.equilibrium(valuations, supply, wealth, money=money, method=method, tol=1e-7)
        for method in (cx.InteriorPoint(), cx.WeightedWelfare())
    )
    assert two.prices == pytest.approx(one.prices, rel=1e-4)


# --- transformations


def test_batches_are_their_members():
    drawn = [families_of(seed, ("bounded", "ces"), agents=4) for seed in range(4)]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *(one[0] for one in drawn))
    supply, wealth = (np.stack([one[i] for one in drawn]) for i in (2, 3))
    many = cx.equilibria(stacked, supply, wealth, money=("cap", "budget"))
    for place, (valuations, _, own_supply, own_wealth) in enumerate(drawn):
        given = valuations, own_supply, own_wealth
        alone = cx.equilibrium(*given, money=("cap", "budget"), tol=1e-7)
        assert many.prices[place] == pytest.approx(alone.prices, rel=1e-4)


def test_prices_have_slopes_in_wealth():
    valuations, _, supply, wealth = families_of(5, ("bounded", "ces"))

    def prices(wealth):
        return cx.equilibrium(valuations, supply, wealth, money=("cap", "budget"), tol=1e-9).prices

    with jax.enable_x64(True):
        slopes = jax.jit(jax.jacrev(prices))(jnp.asarray(wealth))
    for i in range(6):
        step = 1e-4 * np.eye(6)[i]
        apart = (prices(wealth + step) - prices(wealth - step)) / 2e-4
        assert slopes[:, i] == pytest.approx(apart, rel=1e-3, abs=1e-5)
    assert np.abs(slopes).max() > 0.1
