from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from catallax.clearing.indivisible import Shares, indivisible, wishes
from catallax.clearing.indivisible._market import WholeMarket

RIVALS = wishes.Table([[0, 0, 0, 3], [0, 2, 2, 2]])
MARKET = WholeMarket(RIVALS, np.array([1, 1]))
HALF = Fraction(1, 2)


def proof():
    """The pair half, and each single one half: 3/2 + 1 + 1 against 3."""
    bundles = np.array([[1, 1], [1, 0], [0, 1]])
    return Shares([0, 1, 1], bundles, [HALF, HALF, HALF], Fraction(7, 2), 3)


def test_shares_that_are_there_and_worth_more_prove_it():
    assert proof().proves(MARKET)
    assert indivisible(RIVALS, [1, 1], throw=False).shares.proves(MARKET)


def lines(given, worth):
    agents, bundles, portions = zip(*given, strict=True)
    return {
        "agents": list(agents),
        "bundles": np.array(bundles),
        "portions": [Fraction(portion) for portion in portions],
        "worth": Fraction(worth),
    }


@pytest.mark.parametrize(
    "change",
    [
        {"whole_worth": 4},
        {"worth": Fraction(4)},
        {"portions": [HALF, HALF, Fraction(3, 4)], "worth": Fraction(4)},
        {"portions": [HALF, Fraction(3, 2), -HALF], "worth": Fraction(7, 2)},
        {"agents": [1, 0, 0], "worth": Fraction(1)},
        lines([(0, (1, 1), 1)], 3),
        lines([(0, (1, 1), 1), (1, (1, 0), 1)], 5),
        lines([(0, (1, 1), 1), (0, (1, 0), -1), (1, (1, 0), 1)], 5),
        lines([(1, (1, 0), 1), (1, (0, 1), 1)], 4),
    ],
    ids=[
        "worth less",
        "other worth",
        "more than there is, to nobody's use",
        "below 0",
        "other agents",
        "worth as much",
        "more than there is",
        "minus a bundle",
        "two bundles to one agent",
    ],
)
def test_other_shares_prove_nothing(change):
    assert not replace(proof(), **change).proves(MARKET)


def test_the_violation_is_a_plain_number():
    sold = indivisible(wishes.UnitDemand([[5], [3]]), [1])
    assert type(sold.certificate.violation) is int
