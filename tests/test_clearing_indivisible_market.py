import numpy as np
import pytest

from catallax._errors import InvalidMarket, InvalidSetting
from catallax.clearing.indivisible import wishes
from catallax.clearing.indivisible._market import whole_market

ONE = wishes.UnitDemand([[3, 2]])


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("goods", [1, 1], None, "none"), InvalidMarket, "`valuations` is a str"),
        ((ONE, [1], None, "none"), InvalidMarket, "`supply` has 1 goods"),
        ((ONE, [1.0, 1.0], None, "none"), InvalidMarket, "`supply` is not whole"),
        ((ONE, [1, -1], None, "none"), InvalidMarket, "`supply` has -1"),
        ((ONE, [2**20, 1], None, "none"), InvalidMarket, "units are most"),
        ((ONE, [2**21, 1], None, "none"), InvalidMarket, "`supply` has 2097152"),
        ((ONE, [1, 1], None, "cap"), InvalidMarket, "`wealth` is missing"),
        ((ONE, [1, 1], [1, 1], "cap"), InvalidMarket, "`wealth` has 2 agents"),
        ((ONE, [1, 1], [-1], "cap"), InvalidMarket, "`wealth` has -1"),
        ((ONE, [1, 1], [np.nan], "cap"), InvalidMarket, "`wealth`.*NaN"),
        ((ONE, [1, 1], [1], "budget"), InvalidSetting, "`money` is 'budget'"),
    ],
)
def test_what_makes_no_market_is_refused_by_name(arguments, error, said):
    with pytest.raises(error, match=said):
        whole_market(*arguments)


def test_a_cap_keeps_what_kind_it_can():
    unit, table = wishes.UnitDemand([[3, 2]]), wishes.Table([[0, 2, 3, 5]])
    mixed = wishes.Mixed((unit, wishes.Additive([[1, 4], [2, 2]]), table))
    capped = whole_market(mixed, [1, 1], [2, 3, 9, 4], "cap").wishes
    first, second, third = capped.families
    assert isinstance(first, wishes.UnitDemand) and first.values.tolist() == [[2, 2]]
    assert isinstance(second, wishes.Capped) and second.wealth.tolist() == [3, 9]
    assert isinstance(third, wishes.Table) and third.values.tolist() == [[0, 2, 3, 4]]
    assert whole_market(mixed, [1, 1], None, "none").wishes is mixed


def test_absent_goods_are_known():
    assert whole_market(ONE, [0, 2], None, "none").absent.tolist() == [True, False]
