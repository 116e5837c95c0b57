"""What every species inherits, and what its numbers may be."""

from dataclasses import FrozenInstanceError, dataclass
from fractions import Fraction

import jax
import jax.numpy as jnp
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Text

import catallax as cx
from catallax._errors import InvalidSetting, UnsupportedSpace

SPACES = cx.Spaces(Discrete(4), MultiDiscrete([2, 3]))


@dataclass(frozen=True, kw_only=True)
class Plain(cx.Species):
    """Bids its one gene and does 0."""

    def init(self, key, spaces, index):
        return cx.Genes({"offer": jnp.float32(2)}, {})

    def bid(self, genes, senses):
        return genes.learned["offer"]

    def act(self, genes, senses, key):
        return jax.random.randint(key, (), 0, 1000)


GENES = Plain().init(None, SPACES, 0)


def test_three_methods_must_be_written():
    with pytest.raises(TypeError, match=r"act.*bid.*init"):
        cx.Species()


def test_the_rest_has_a_meaning_of_its_own():
    species = Plain()
    assert (species.learns, species.mutates, species.on_host) == (False, False, False)
    assert bool(species.enters(GENES, None)) is True
    assert species.mutate(None, GENES) is GENES
    assert species.stake is None and species.encoder == cx.Raw()


def test_greedy_acting_uses_one_key_for_ever():
    once, again = Plain().act_greedily(GENES, None), Plain().act_greedily(GENES, None)
    assert int(once) == int(again)


def test_the_loss_is_half_the_squared_error_of_the_bid():
    trade = cx.Trade(None, jnp.int32(0), jnp.float32(5), jnp.float32(1))
    assert float(Plain().loss(GENES, GENES, trade)) == 0.5 * (2 - 5) ** 2
    slope = jax.grad(lambda learned: Plain().loss(cx.Genes(learned, {}), GENES, trade))
    assert float(slope(GENES.learned)["offer"]) == 2 - 5


@pytest.mark.parametrize(
    ("settings", "founders", "slots"),
    [
        ({}, 6, 6),
        ({"count": 2}, 2, 2),
        ({"count": 0, "capacity": 5}, 0, 5),
        ({"count": 3, "capacity": 9}, 3, 9),
        ({"capacity": 9}, 6, 9),
    ],
    ids=lambda value: type(value).__name__,
)
def test_founders_and_slots(settings, founders, slots):
    species = Plain(**settings)
    assert (species.founders(SPACES), species.slots(SPACES)) == (founders, slots)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": -1},
        {"capacity": 0},
        {"count": 3, "capacity": 2},
        {"count": 0, "capacity": 0},
        {"stake": Fraction(0)},
        {"stake": Fraction(3, 2)},
        {"stake": Fraction(1, 2**21)},
        {"stake": 0.5},  # the market takes its numerator, which a float has not
        {"stake": "1/2"},
        {"count": 2.5},
        {"count": 2, "capacity": 3.5},
    ],
    ids=lambda value: type(value).__name__,
)
def test_impossible_numbers_are_refused(wrong):
    with pytest.raises(InvalidSetting, match="Plain was given"):
        Plain(**wrong)


def test_a_species_cannot_serve_what_its_encoder_cannot_read():
    Plain().supports(SPACES)
    with pytest.raises(UnsupportedSpace):
        Plain().supports(cx.Spaces(Text(3), Discrete(2)))


def test_one_agent_an_action_needs_actions_that_can_be_listed():
    with pytest.raises(UnsupportedSpace, match="agent each"):
        Plain().founders(cx.Spaces(Discrete(4), Box(-1.0, 1.0, (2,))))


def test_a_species_is_a_value():
    assert Plain(count=2) == Plain(count=2) != Plain(count=3)
    assert hash(Plain(count=2)) == hash(Plain(count=2))
    with pytest.raises(FrozenInstanceError):
        Plain().count = 4
