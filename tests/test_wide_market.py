"""The rules of a wide market as values, and what makes no market."""

import math

import pytest

from catallax._errors import FreeStorage, InvalidGood, InvalidSetting
from catallax._goods import Good
from catallax.industries import Household, Want
from catallax.techniques import JaxTechnique, LinearActivity, Storage
from catallax.wide import Expectations, Inertia, Patience, Rewards, Stipends, WideMarket
from small_wide import GOODS, SAW, STIPENDS, WANTS, economy, market, mill

BEYOND = 2e6


def test_rules_are_values():
    assert Expectations() == Expectations(0.3)
    assert hash(Inertia()) == hash(Inertia(1.0, 0.93, 0.97, 4.0, 0.03))
    assert market() == market()
    assert hash(STIPENDS) == hash(Stipends({}, 1e3, 1e3))
    assert market().expectations is not None
    with pytest.raises(AttributeError):
        Expectations().rate = 1.0
    with pytest.raises(TypeError):
        STIPENDS.of["a"] = 1.0


def test_stipends_keep_what_they_were_given():
    amounts = {"a": 1.0}
    closure = Stipends(amounts, 1.0, 1.0)
    amounts["a"] = 9.0
    assert closure.of == {"a": 1.0}


def test_without_goods_they_are_perishable_millionths_in_the_industrys_order():
    goods = market().goods
    assert tuple(good.name for good in goods) == GOODS
    assert {(good.unit, good.perishable) for good in goods} == {(1e-6, True)}
    assert market(mill(discount=0.95)).discount.as_integer_ratio() == (19, 20)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Expectations(1.0),
        lambda: Expectations(1e-6),
        lambda: Inertia(0.0, 0.0),
        lambda: Inertia(1e9, 0.999),
        lambda: Rewards(0.0),
        lambda: Stipends({}, 0.0, 0.0),
        lambda: market(closure=Stipends({}, 0.0, 0.0)),
    ],
)
def test_what_is_in_range_is_taken(make):
    assert make() == make()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Expectations(0.0), "rate=0.0"),
        (lambda: Expectations(1.01), "rate=1.01"),
        (lambda: Expectations(math.nan), "rate=nan"),
        (lambda: Expectations("fast"), "rate='fast'"),
        (lambda: Inertia(-1.0), "strength=-1.0"),
        (lambda: Inertia(math.inf), "strength=inf"),
        (lambda: Inertia(1.0, 1.0), "memory=1.0"),
        (lambda: Inertia(1.0, -0.1), "memory=-0.1"),
        (lambda: Inertia(ease=0.0), "ease=0.0"),
        (lambda: Inertia(ease=1.5), "ease=1.5"),
        (lambda: Inertia(brake=0.5), "brake=0.5"),
        (lambda: Inertia(least=0.0), "least=0.0"),
        (lambda: Inertia(least=1.5), "least=1.5"),
        (lambda: Patience(1.5), "share=1.5"),
        (lambda: Patience(ease=0.0), "ease=0.0"),
        (lambda: Patience(brake=0.5), "brake=0.5"),
        (lambda: Patience(least=0.0), "least=0.0"),
        (lambda: Rewards(-1.0), "endowment=-1.0"),
        (lambda: Rewards(math.nan), "endowment=nan"),
        (lambda: Rewards(BEYOND), "endowment=2000000.0"),
        (lambda: Stipends({"a": -1.0}, 1.0, 1.0), "of.'a'.=-1.0"),
        (lambda: Stipends({"a": math.inf}, 1.0, 1.0), "of.'a'.=inf"),
        (lambda: Stipends({}, BEYOND, 1.0), "treasury=2000000.0"),
        (lambda: Stipends({}, 1.0, math.nan), "endowment=nan"),
    ],
)
def test_a_rule_out_of_range_is_refused(make, said):
    with pytest.raises(InvalidSetting, match=said):
        make()


ENDLESS = ((Want("slats", 2.0), Want("labour", 1.0)), (Want("slats", 1.5),))
TWICE = (Want("slats", 1.5), Want("slats", 2.5))
GOODS_OF = tuple(Good(name) for name in GOODS)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"industry": "mill"}, "industry='mill'"),
        ({"closure": 5.0}, "closure=5.0"),
        ({"money": "budget"}, "money='budget'"),
        ({"money": None}, "money=None"),
        ({"money": ("cap",)}, "money=.'cap',."),
        ({"money": ("budget", "budget")}, "money=.'budget', 'budget'."),
        ({"money": ("fisher", "cap")}, "money=.'fisher', 'cap'."),
        ({"money": ["cap", "none"]}, "money=.'cap', 'none'."),
        ({"money": ("cap", "budget")}, "household a has a want of slats that ends, and a budget"),
        (
            {"money": ("none", "budget"), "industry": mill(wants=(ENDLESS[0], TWICE))},
            "household b has a want of slats that ends",
        ),
        ({"expectations": 0.2}, "expectations=0.2"),
        ({"inertia": None}, "inertia=None"),
        ({"goods": GOODS_OF[:2]}, "was given the goods labour, cedar"),
        ({"goods": GOODS_OF[::-1]}, "The industry has labour, cedar, slats"),
        ({"closure": Stipends({"c": 1.0}, 1.0, 1.0)}, "Stipends has one for 'c'"),
        ({"closure": Stipends({"mill": 1.0}, 1.0, 1.0)}, "The households are a, b"),
        ({"industry": mill(names=("mill", "mill"))}, "two holders of the name 'mill'"),
        ({"industry": mill(names=("original_owner", "a"))}, "the name 'original_owner'"),
        ({"industry": mill(names=("mill", "original_owner"))}, "the name 'original_owner'"),
        ({"industry": mill(LinearActivity({}, {"slats": 1.0}, 2.0))}, "mill needs no goods"),
    ],
)
def test_what_makes_no_market_is_refused(given, said):
    whole = {"industry": mill(), "closure": Rewards(1.0), "money": "none"}
    with pytest.raises(InvalidSetting, match=said):
        WideMarket(**{**whole, **given})


def test_two_rules_are_one_where_they_are_the_same():
    assert market(money=("cap", "cap")) == market(money="cap")
    assert market(money="cap").money_of_each == ("cap", "cap")
    several = market(mill(wants=ENDLESS), money=("cap", "budget"))
    assert several.money == several.money_of_each == ("cap", "budget")
    assert hash(several) == hash(market(mill(wants=ENDLESS), money=("cap", "budget")))


def test_goods_are_goods():
    with pytest.raises(InvalidGood, match=r"goods\[1\] is 'cedar'"):
        market(goods=(Good("labour"), "cedar", "slats"))


def test_holders_of_one_name_in_an_industry_are_refused_there():
    with pytest.raises(InvalidSetting, match="Given twice: barn"):
        mill(names=("barn", "a"))
    with pytest.raises(InvalidSetting, match="Given twice: b"):
        mill(names=("mill", "b"))


def test_what_is_kept_for_nothing_and_not_discounted_has_no_price():
    with pytest.raises(FreeStorage, match="slats"):
        mill(second=Storage("slats", 5.0), discount=1.0)
    for second in (Storage("slats", 5.0, 0.01), Storage("slats", 5.0, keeps=0.9)):
        assert market(mill(second=second, discount=1.0)).discount == 1


def swap(x):
    return x


def test_free_circles_of_any_technique_are_found():
    paint = JaxTechnique(("slats", "cedar"), ("cedar", "slats"), swap)
    with pytest.raises(FreeStorage):
        mill(paint, discount=1.0)


def test_a_market_begins_with_its_money_paid_in():
    rewards, stipends = economy(), economy(mill(), STIPENDS)
    assert rewards.steps == stipends.steps == 0
    assert rewards.balances["nature"] == -4 * 10**9
    assert stipends.balances["nature"] == -(10**9 + 2 * 10**9)
    assert stipends.balances["treasury"] == stipends.balances["mill"] == 10**9
    assert stipends.balances["a"] == rewards.balances["worker"] == 0
    assert rewards.journal == ()
    assert not any(any(row.values()) for row in rewards.holdings.values())
    assert rewards.state.habits.scales.tolist() == [0.0, 0.0]
    assert Household("a", WANTS[0]) in rewards.market.industry.households
    assert rewards.market.industry.producers[0].technique is SAW
