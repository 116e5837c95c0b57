import numpy as np
import pytest

from catallax._errors import InvalidMarket
from catallax.clearing.equilibrium._outcome import Result
from catallax.clearing.indivisible import WholeFound, WholeMethod, indivisible, wishes


class Guess:
    """Sells everything to agent 0 for a price."""

    def __init__(self, price):
        self.price = price

    def serves(self, market):
        return None if market.wishes.goods == 1 else "It sells one good."

    def find(self, market, selection):
        bundles = np.zeros((market.wishes.agents, 1), np.int64)
        bundles[0] = market.supply
        return WholeFound(np.array([self.price]), bundles, 1)


@pytest.mark.parametrize(
    ("price", "result"),
    [(2, Result.UNKNOWN), (3, Result.CERTIFIED), (5, Result.CERTIFIED), (6, Result.UNKNOWN)],
)
def test_a_method_of_ones_own_is_certified_by_somebody_else(price, result):
    method: WholeMethod = Guess(price)
    outcome = indivisible(wishes.UnitDemand([[5], [3]]), [1], method=method, throw=False)
    assert outcome.result is result
    assert outcome.method == "Guess"


def test_a_method_that_does_not_serve_says_why():
    with pytest.raises(InvalidMarket, match=r"`Guess` does not serve it\. It sells one good\."):
        indivisible(wishes.UnitDemand([[5, 3]]), [1, 1], method=Guess(1))
