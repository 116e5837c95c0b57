"""What all species have in common."""

from dataclasses import FrozenInstanceError, dataclass, replace
from fractions import Fraction

import jax
import jax.numpy as jnp
import pytest
from gymnasium import spaces

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax.agents import Constant, Genes, Index, Spaces, Species, Trade

KEY = jax.random.key(0)
WHERE = Spaces(spaces.Box(-1, 1, (2,)), spaces.MultiDiscrete([2, 3]))


@dataclass(frozen=True, kw_only=True)
class Coin(Species):
    """The least a species can be: it bids its one weight and does what chance says."""

    def init(self, key, spaces, index):
        return Genes({"worth": jnp.float32(index)}, {})

    def bid(self, genes, senses):
        return genes.learned["worth"]

    def act(self, genes, senses, key):
        return jax.random.randint(key, (), 0, 1000)


@pytest.mark.parametrize(
    ("numbers", "founders", "slots"),
    [
        ({}, 6, 6),
        ({"count": 2}, 2, 2),
        ({"count": 2, "capacity": 9}, 2, 9),
        ({"count": 0, "capacity": 1}, 0, 1),
        ({"capacity": 10}, 6, 10),
    ],
    ids=str,
)
def test_founders_and_slots(numbers, founders, slots):
    species = Coin(**numbers)
    assert (species.founders(WHERE), species.slots(WHERE)) == (founders, slots)


def test_a_count_makes_actions_that_cannot_be_listed_no_matter():
    box = Spaces(WHERE.observation, spaces.Box(0, 1, (2,)))
    assert Coin(count=3).founders(box) == 3
    with pytest.raises(UnsupportedSpace, match="cannot be given an agent each"):
        Coin().founders(box)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": -1},
        {"count": 3, "capacity": 2},
        {"capacity": 0},
        {"capacity": -1},
        {"count": 0, "capacity": 0},
        {"count": 2.5},
        {"count": 2, "capacity": 3.5},
    ],
    ids=str,
)
def test_impossible_numbers_are_refused_by_name(wrong):
    with pytest.raises(InvalidSetting, match="Coin was given count=") as caught:
        Coin(**wrong)
    assert "whole number" in caught.value.why


@pytest.mark.parametrize(
    "stake",
    [Fraction(0), Fraction(-1, 2), Fraction(3, 2), Fraction(1, 2**20 + 1), 0.1],
    ids=str,
)
def test_impossible_stakes_are_refused_by_name(stake):
    with pytest.raises(InvalidSetting, match="Coin was given stake=") as caught:
        Coin(stake=stake)
    assert "Fraction(1, 10)" in caught.value.remedy


@pytest.mark.parametrize("stake", [0.5, "1/2"], ids=repr)
def test_a_stake_is_a_fraction_or_refused(stake):
    """The market takes its numerator, which floats and words have not."""
    with pytest.raises(InvalidSetting, match="Coin was given stake="):
        Coin(stake=stake)


@pytest.mark.parametrize("stake", [None, Fraction(1, 2), Fraction(1), Fraction(1, 2**20)], ids=str)
def test_possible_stakes_are_kept(stake):
    assert Coin(stake=stake).stake == stake


def test_numbers_are_checked_again_when_replaced():
    with pytest.raises(InvalidSetting, match="Coin was given count="):
        replace(Coin(count=2), capacity=1)


@pytest.mark.parametrize(("worth", "revenue"), [(3, 1.5), (0, -2), (1, 1)])
def test_the_loss_is_half_the_squared_error_of_the_bid(worth, revenue, strict_jax):
    species = Coin()
    genes, before = species.init(KEY, WHERE, worth), species.init(KEY, WHERE, 99)
    trade = Trade(jnp.float32([0, 0]), jnp.int32(0), jnp.float32(revenue), jnp.float32(7))

    def loss(learned):
        return species.loss(Genes(learned, genes.fixed), before, trade)

    value, slope = jax.value_and_grad(loss)(genes.learned)
    assert float(value) == (worth - revenue) ** 2 / 2
    assert float(slope["worth"]) == worth - revenue


def test_defaults_enter_stay_the_same_and_draw_nothing():
    species = Coin()
    genes = species.init(KEY, WHERE, 1)
    assert species.enters(genes, ()).dtype == jnp.bool_ and bool(species.enters(genes, ()))
    assert species.mutate(KEY, genes) is genes
    assert len({int(species.act(genes, (), jax.random.key(n))) for n in range(5)}) > 1
    assert len({int(species.act_greedily(genes, ())) for _ in range(5)}) == 1
    assert not (species.learns or species.mutates or species.on_host)


def test_what_is_perceived_decides_what_is_supported():
    Coin().supports(WHERE)
    with pytest.raises(UnsupportedSpace, match="A table cannot hold"):
        Coin(encoder=Index()).supports(WHERE)
    with pytest.raises(UnsupportedSpace, match="no array of numbers"):
        Coin().supports(Spaces(spaces.Text(4), WHERE.action))


def test_a_species_is_a_value():
    assert Coin(count=2) == Coin(count=2) != Coin(count=3)
    assert hash(Coin(count=2)) == hash(Coin(count=2))
    assert Coin(count=1) != Constant(count=1)
    with pytest.raises(FrozenInstanceError):
        Coin().count = 3
    with pytest.raises(TypeError, match="abstract"):
        Species()
