"""Techniques: what they make, against plain Python; what they bid, against Jacobians and graphs."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catallax._errors import BadProduction, InvalidSetting
from catallax.techniques import (
    CESTechnique,
    CobbDouglasTechnique,
    GradedActivity,
    JaxTechnique,
    LinearActivity,
    OnGoods,
    Storage,
    Technique,
    marginal_bids,
    probe_technique,
    produce_all,
    require_stock,
    stack_activities,
)


def two_outputs(x):
    return jnp.stack([jnp.sqrt(1.0 + x[0] * x[1]) - 1.0, jnp.log1p(x.sum())])


MILL = LinearActivity({"grain": 2.0, "labour": 0.5}, {"flour": 1.5, "bran": 0.25}, 4.0, 0.1)
BAKE = CobbDouglasTechnique({"grain": 0.3, "labour": 0.6}, {"bread": 2.0}, 1.5, 9.0, 0.2)
BURN = CESTechnique({"grain": 0.4, "labour": 0.8}, {"heat": 1.0, "ash": 0.5}, 0.5, 0.9, 2.0)
SWAP = CESTechnique({"grain": 0.4, "labour": 0.8}, {"heat": 1.0}, 3.0, 1.0, 2.0, 50.0, 0.3)
MIX = JaxTechnique(("grain", "labour"), ("dough", "smell"), two_outputs)
KEEP = Storage("grain", 3.0, 0.05, 0.9)
ALL = [MILL, BAKE, BURN, SWAP, MIX, KEEP]
IDS = [type(technique).__name__ for technique in ALL]
FEW = settings(max_examples=25, deadline=None)
QUANTITIES = st.floats(0.125, 8.0, width=32)


def level_by_hand(technique, owned):
    """The level, in plain Python."""
    pairs = list(zip((amount for _, amount in technique.amounts_needed), owned, strict=True))
    if isinstance(technique, CobbDouglasTechnique):
        level = technique.scale * math.prod(has**power for power, has in pairs)
    elif isinstance(technique, CESTechnique):
        rho = 1 - 1 / technique.substitution
        mean = sum(weight * has**rho for weight, has in pairs)
        level = technique.scale * mean ** (technique.returns / rho)
    else:
        level = min(has / amount for amount, has in pairs)
    return min(level, technique.capacity)


# --- what they make


@pytest.mark.parametrize("technique", [MILL, BAKE, BURN, SWAP, KEEP])
@FEW
@given(has=st.tuples(QUANTITIES, QUANTITIES))
def test_a_technique_makes_what_its_formula_says(technique, has):
    owned = has[: len(technique.needs)]
    level = level_by_hand(technique, owned)
    made = technique.produce(jnp.array(owned, jnp.float32))
    by_hand = [level * amount for _, amount in technique.amounts_made]
    np.testing.assert_allclose(made, by_hand, rtol=1e-5)
    cost = technique.cost(jnp.array(owned, jnp.float32))
    np.testing.assert_allclose(cost, level * technique.unit_cost, rtol=1e-5)


@pytest.mark.parametrize("technique", ALL, ids=IDS)
def test_a_technique_is_a_frozen_value_that_follows_the_protocol(technique):
    assert isinstance(technique, Technique)
    assert technique in {technique}
    with pytest.raises(AttributeError):
        technique.capacity = 1.0
    probe_technique(technique)


@pytest.mark.parametrize("technique", ALL, ids=IDS)
def test_of_nothing_comes_nothing(technique):
    nothing = jnp.zeros(len(technique.needs))
    assert technique.produce(nothing).tolist() == [0.0] * len(technique.makes)
    assert float(technique.cost(nothing)) == 0


@pytest.mark.parametrize("technique", [MILL, BAKE, BURN, SWAP, KEEP])
@FEW
@given(one=st.tuples(QUANTITIES, QUANTITIES), other=st.tuples(QUANTITIES, QUANTITIES))
def test_techniques_are_concave(technique, one, other):
    """A valuation that is a production function times prices must have an equilibrium."""
    size = len(technique.needs)
    a, b = (np.array(bundle[:size], np.float32) for bundle in (one, other))
    mean = np.asarray(technique.produce(jnp.asarray((a + b) / 2)))
    ends = (np.asarray(technique.produce(a)) + np.asarray(technique.produce(b))) / 2
    assert (mean >= ends - 1e-4 * (1 + ends)).all()


def test_more_than_the_capacity_is_used_up_and_makes_no_more():
    assert MILL.produce(jnp.array([8.0, 2.0])).tolist() == [6.0, 1.0]
    assert MILL.produce(jnp.array([80.0, 20.0])).tolist() == [6.0, 1.0]
    assert KEEP.produce(jnp.array([100.0])).tolist() == [pytest.approx(2.7)]


def test_a_ces_technique_lies_between_leontief_and_a_sum():
    owned = jnp.array([2.0, 8.0])
    weights = {"a": 0.5, "b": 0.5}
    stiff = CESTechnique(weights, {"c": 1.0}, substitution=0.02).produce(owned)
    loose = CESTechnique(weights, {"c": 1.0}, substitution=500.0).produce(owned)
    almost = CESTechnique(weights, {"c": 1.0}, substitution=1.0001).produce(owned)
    middle = CobbDouglasTechnique(weights, {"c": 1.0}).produce(owned)
    assert float(stiff[0]) == pytest.approx(2.0, rel=0.02)
    assert float(loose[0]) == pytest.approx(5.0, rel=0.01)
    assert float(almost[0]) == pytest.approx(float(middle[0]), rel=0.02)


def test_on_all_goods_it_does_the_same_and_the_rest_is_gone():
    goods = ("labour", "bran", "flour", "grain", "gold")
    whole = OnGoods(MILL, goods)
    made = whole.produce(jnp.array([2.0, 7.0, 0.0, 6.0, 1.0]))
    assert made.tolist() == [0.0, 0.75, 4.5, 0.0, 0.0]
    bids = marginal_bids(whole, jnp.array([2.0, 7.0, 0.0, 6.0, 1.0]), jnp.arange(5.0))
    np.testing.assert_allclose(bids, [0, 0, 0, (1.5 * 2 + 0.25 * 1 - 0.1) / 2, 0], rtol=1e-6)
    with pytest.raises(InvalidSetting, match="'bran', which is not among the goods"):
        OnGoods(MILL, ("labour", "flour", "grain"))


@FEW
@given(
    bundles=st.lists(
        st.tuples(QUANTITIES, QUANTITIES, QUANTITIES, QUANTITIES), min_size=2, max_size=2
    )
)
def test_many_at_once_make_what_each_makes_alone(bundles):
    goods = ("grain", "flour", "labour", "bran")
    owned = jnp.array(bundles, jnp.float32)
    made = produce_all(stack_activities([MILL, KEEP], goods), owned)
    for row, technique in enumerate((MILL, KEEP)):
        alone = OnGoods(technique, goods).produce(owned[row])
        np.testing.assert_allclose(made[row], alone, rtol=1e-6)


def test_only_fixed_proportions_can_be_stacked():
    with pytest.raises(InvalidSetting, match="Technique 1 is a CobbDouglasTechnique"):
        stack_activities([MILL, BAKE], ("grain", "labour", "flour", "bran"))
    with pytest.raises(InvalidSetting, match="'flour', which is not"):
        stack_activities([MILL], ("grain", "labour"))


# --- what they bid


@pytest.mark.parametrize("technique", ALL, ids=IDS)
@FEW
@given(
    has=st.tuples(QUANTITIES, QUANTITIES),
    prices=st.tuples(st.floats(-2, 5, width=32), st.floats(0, 5, width=32)),
)
def test_a_bid_is_the_jacobian_times_forecast_prices_less_the_slope_of_cost(technique, has, prices):
    owned = jnp.array(has[: len(technique.needs)], jnp.float32)
    forecast = jnp.array(prices[: len(technique.makes)], jnp.float32)
    by_hand = jax.jacobian(technique.produce)(owned).T @ forecast - jax.grad(technique.cost)(owned)
    bids = marginal_bids(technique, owned, forecast)
    np.testing.assert_allclose(bids, by_hand, rtol=1e-5, atol=1e-5)


def test_a_bid_compiles_with_the_technique_as_a_constant(strict_jax):
    bid = jax.jit(marginal_bids, static_argnums=0)
    owned, forecast = jnp.array([2.0, 5.0]), jnp.array([2.0, 1.0])
    np.testing.assert_allclose(bid(MILL, owned, forecast), [(3.0 + 0.25 - 0.1) / 2, 0.0], rtol=1e-6)


def test_with_nothing_in_hand_inputs_in_proportion_share_the_slope():
    bids = marginal_bids(MILL, jnp.zeros(2), jnp.array([2.0, 0.0]))
    # Half of the worth of a unit of level, (2·1.5 − 0.1), goes to each; what it takes of each
    # multiplies back to exactly one unit's worth.
    np.testing.assert_allclose(bids @ jnp.array([2.0, 0.5]), 2.9, rtol=1e-6)


def test_with_nothing_in_hand_a_smooth_technique_bids_at_its_floor():
    none, prices = jnp.zeros(2), jnp.ones(1)
    assert not np.isfinite(marginal_bids(BAKE, none, prices)).all()
    at_floor = marginal_bids(BAKE, none, prices, floor=1e-3)
    assert np.isfinite(at_floor).all()
    np.testing.assert_array_equal(at_floor, marginal_bids(BAKE, jnp.full(2, 1e-3), prices))


class Graph:
    """A random acyclic market graph with fixed routing; what flows where is a share of a stock.

    Goods are ordered; technique t takes earlier goods and makes later ones.
    """

    def __init__(self, seed, goods=9, techniques=12):
        draw = np.random.default_rng(seed)
        self.goods = tuple(f"g{number}" for number in range(goods))
        self.techniques = [self.technique(draw) for _ in range(techniques)]
        self.techniques.sort(key=lambda t: max(self.place(good) for good in t.needs))
        shares = draw.dirichlet(np.ones(techniques + 1), goods).T.astype(np.float32)
        takes = np.array([[g in t.needs for g in self.goods] for t in self.techniques])
        self.routed = jnp.asarray(shares[:-1] * takes)
        self.eaten = jnp.asarray(shares[-1])
        self.worth = jnp.asarray(draw.uniform(0.5, 3.0, goods).astype(np.float32))
        self.inflow = jnp.asarray(draw.uniform(0.5, 2.0, goods).astype(np.float32))

    def place(self, good):
        return self.goods.index(good)

    def technique(self, draw):
        last = int(draw.integers(2, len(self.goods)))
        needs = draw.choice(last, 2, replace=False)
        makes = {self.goods[int(draw.integers(last, len(self.goods)))]: draw.uniform(0.5, 2)}
        inputs = {self.goods[int(need)]: float(draw.uniform(0.2, 0.5)) for need in needs}
        kind = draw.integers(3)
        if kind == 0:
            return LinearActivity(inputs, makes)
        if kind == 1:
            return CobbDouglasTechnique(inputs, makes, scale=1.3)
        return CESTechnique(inputs, makes, substitution=float(draw.uniform(0.3, 3)) + 0.01)

    def stocks(self, inflow):
        """What there is of every good once every technique has run: the forward pass."""
        stocks = inflow
        for technique, share in zip(self.techniques, self.routed, strict=True):
            stocks = stocks + OnGoods(technique, self.goods).produce(stocks * share)
        return stocks

    def value(self, inflow):
        """What consumers are given, at its worth."""
        return self.worth @ (self.eaten * self.stocks(inflow))

    def prices(self, inflow):
        """What those who get a good bid for it: consumers first, then producers, backwards."""
        stocks, prices = self.stocks(inflow), self.eaten * self.worth
        for technique, share in list(zip(self.techniques, self.routed, strict=True))[::-1]:
            whole = OnGoods(technique, self.goods)
            bids = marginal_bids(whole, stocks * share, prices)
            prices = prices + share * bids
        return prices


@pytest.mark.parametrize("seed", range(12))
def test_bids_composed_through_a_graph_are_the_gradient_of_the_consumers_value(seed):
    graph = Graph(seed)
    gradient = np.asarray(jax.jit(jax.grad(graph.value))(graph.inflow))
    composed = np.asarray(graph.prices(graph.inflow))
    assert (gradient > 0).all()
    np.testing.assert_allclose(composed, gradient, rtol=1e-6)


# --- errors


def broken_at_zero(x):
    return jnp.log(x)


def negative_for_much(x):
    return x - x**2


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (broken_at_zero, "the smithy, given .* made -inf of iron"),
        (negative_for_much, "the smithy, given .* made -.* of iron"),
        (lambda x: x / x, "made nan of iron"),
        (lambda x: jnp.ones(2), "shape .2,. for 1 goods"),
    ],
)
def test_a_function_that_makes_no_stock_is_named(function, said):
    wrong = JaxTechnique(("ore",), ("iron",), function)
    with pytest.raises(BadProduction, match=said):
        probe_technique(wrong, "the smithy")


def test_a_stock_is_finite_and_not_negative():
    require_stock("it", ("a", "b"), np.array([0.0, 3.0]))
    with pytest.raises(BadProduction, match=r"made -1.0 of b. .* Correct"):
        require_stock("it", ("a", "b"), np.array([0.0, -1.0]))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LinearActivity({"a": 0.0}, {"b": 1.0}), "inputs of 'a'=0.0"),
        (lambda: LinearActivity({"a": math.inf}, {"b": 1.0}), "inputs of 'a'=inf"),
        (lambda: LinearActivity((("a", 1.0), ("a", 2.0)), {"b": 1.0}), "name a good twice"),
        (lambda: LinearActivity({"a": 1.0}, {}), "no outputs"),
        (lambda: LinearActivity({}, {"b": 1.0}), "of nothing, without a capacity"),
        (lambda: LinearActivity({"a": 1.0}, {"b": 1.0}, capacity=-1), "capacity=-1"),
        (lambda: LinearActivity({"a": 1.0}, {"b": 1.0}, unit_cost=math.nan), "unit_cost=nan"),
        (lambda: CobbDouglasTechnique({"a": 0.7, "b": 0.7}, {"c": 1.0}), "sum of exponents"),
        (lambda: CobbDouglasTechnique({}, {"c": 1.0}), "no inputs"),
        (lambda: CESTechnique({"a": 1.0}, {"c": 1.0}, substitution=1.0), "limit is Cobb"),
        (lambda: CESTechnique({"a": 1.0}, {"c": 1.0}, substitution=0.0), "substitution=0.0"),
        (lambda: CESTechnique({"a": 1.0}, {"c": 1.0}, returns=1.5), "returns=1.5"),
        (lambda: JaxTechnique((), ("b",), jnp.sin), "needs="),
        (lambda: Storage("a", math.inf), "capacity=inf"),
        (lambda: Storage("a", 1.0, keeps=0.0), "keeps=0.0"),
        (lambda: Storage("a", 1.0, keeps=1.1), "keeps=1.1"),
    ],
)
def test_a_setting_without_a_meaning_is_refused(make, said):
    with pytest.raises(InvalidSetting, match=said):
        make()


# --- grades


ORES = ("rich", "poor")
SMELT = GradedActivity(
    {ORES: 2.0, "coal": 1.0},
    {"rich": {"iron": 1.0}, "poor": {"iron": 0.25, "slag": 2.0}, "coal": {"slag": 0.5}},
    3.0,
    0.5,
)


@FEW
@given(rich=QUANTITIES, poor=QUANTITIES, coal=QUANTITIES)
def test_grades_are_taken_as_they_come(rich, poor, coal):
    level = min((rich + poor) / 2, coal, 3.0)
    share = rich / (rich + poor)
    expected = [level * (share + 0.25 * (1 - share)), level * (2 * (1 - share) + 0.5)]
    owned = jnp.asarray([rich, poor, coal], jnp.float32)
    np.testing.assert_allclose(SMELT.produce(owned), expected, rtol=1e-5)
    np.testing.assert_allclose(SMELT.cost(owned), level / 2, rtol=1e-5)


def test_a_graded_activity_says_what_it_takes_and_the_most_it_makes():
    assert SMELT.needs == ("rich", "poor", "coal")
    assert SMELT.makes == ("iron", "slag")
    assert SMELT.amounts_needed == (("rich", 2.0), ("poor", 2.0), ("coal", 1.0))
    assert SMELT.amounts_made == (("iron", 1.0), ("slag", 2.5))
    assert SMELT.produce(jnp.zeros(3)).tolist() == [0.0, 0.0]
    assert hash(SMELT) == hash(GradedActivity(SMELT.slots, SMELT.yields, 3.0, 0.5))
    assert isinstance(SMELT, Technique)
    probe_technique(SMELT)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (({}, {}, 1.0), "There is an input"),
        (({ORES: 1.0, "rich": 1.0}, {"rich": {"iron": 1.0}}, 1.0), "a grade is named once"),
        (({ORES: 1.0}, (("rich", {"iron": 1.0}), ("rich", {"iron": 1.0})), 1.0), "named once"),
        (({ORES: 1.0}, {"coal": {"iron": 1.0}}, 1.0), "outputs of \\['coal'\\]"),
        (({ORES: 1.0}, {}, 1.0), "Something is made"),
        (({ORES: 0.0}, {"rich": {"iron": 1.0}}, 1.0), "inputs of"),
        (({ORES: 1.0}, {"rich": {"iron": -1.0}}, 1.0), "outputs of 'rich'"),
        (({ORES: 1.0}, {"rich": {"iron": 1.0}}, math.inf), "capacity=inf"),
        (({ORES: 1.0}, {"rich": {"iron": 1.0}}, 1.0, -1.0), "unit_cost=-1.0"),
    ],
)
def test_a_graded_activity_out_of_range_is_refused(given, said):
    with pytest.raises(InvalidSetting, match=said):
        GradedActivity(*given)
