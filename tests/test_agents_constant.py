"""Agents that always do and bid the same."""

import jax
import jax.numpy as jnp
import pytest
from gymnasium import spaces

from catallax._errors import InvalidSetting, UnsupportedSpace
from catallax.agents import Constant, Spaces

KEY = jax.random.key(0)
SEEN = spaces.Discrete(2)


@pytest.mark.parametrize(
    ("action", "space", "found"),
    [
        (1, spaces.Discrete(3), 1),
        (0, spaces.Discrete(3, start=5), 0),
        ((2, 0), spaces.MultiDiscrete([3, 2]), [2, 0]),
        ((0.5, -1.0), spaces.Box(-1, 1, (2,)), [0.5, -1]),
        (0.25, spaces.Box(-1, 1, (1,)), [0.25]),
    ],
    ids=str,
)
def test_it_does_its_action_and_bids_its_offer(action, space, found):
    species, where = Constant(action=action, offer=0.5), Spaces(SEEN, space)
    species.supports(where)
    for index in (0, 1, 7):
        genes = species.init(jax.random.key(index), where, jnp.int32(index))
        assert species.act(genes, jnp.float32([0, 1]), KEY).tolist() == found
        assert species.act_greedily(genes, jnp.float32([1, 0])).tolist() == found
        bid = species.bid(genes, jnp.float32([0, 1]))
        assert (float(bid), bid.dtype, bid.shape) == (0.5, jnp.float32, ())
        assert bool(species.enters(genes, ())) and not genes.learned


@pytest.mark.parametrize(
    ("action", "space"),
    [
        (3, spaces.Discrete(3)),
        (-1, spaces.Discrete(3)),
        (0.5, spaces.Discrete(3)),
        (2**40, spaces.Discrete(3)),
        (1, spaces.MultiDiscrete([3, 2])),
        ((0.0, 2.0), spaces.Box(-1, 1, (2,))),
        (0, spaces.Box(1, 2, (1,))),
    ],
    ids=str,
)
def test_an_action_that_the_world_lacks_is_refused(action, space):
    with pytest.raises(InvalidSetting, match="is not an action of"):
        Constant(action=action).supports(Spaces(SEEN, space))


def test_spaces_without_actions_or_observations_are_refused():
    with pytest.raises(UnsupportedSpace, match="No agent can act in"):
        Constant().supports(Spaces(SEEN, spaces.MultiBinary(2)))
    with pytest.raises(UnsupportedSpace, match="no array of numbers"):
        Constant().supports(Spaces(spaces.Text(2), SEEN))


def test_there_is_one_unless_told_and_it_neither_learns_nor_mutates():
    where = Spaces(SEEN, spaces.Discrete(3))
    assert (Constant().founders(where), Constant(count=4).founders(where)) == (1, 4)
    assert Constant(count=2, capacity=5).slots(where) == 5
    assert not (Constant.learns or Constant.mutates or Constant.on_host)
