"""Agents that always do and bid the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Text

import catallax as cx
from catallax._errors import InvalidSetting, UnsupportedSpace

SEEN = Box(-1.0, 1.0, (3,))


@pytest.mark.parametrize(
    ("space", "action"),
    [(Discrete(3), 2), (MultiDiscrete([2, 3]), (1, 2)), (Box(-2.0, 2.0, (2,)), (0.5, -2.0))],
    ids=lambda value: type(value).__name__,
)
def test_it_does_and_bids_the_same_whatever_it_sees(space, action):
    species = cx.Constant(action=action, offer=-0.25)
    spaces = cx.Spaces(SEEN, space)
    species.supports(spaces)
    genes = species.init(jax.random.key(0), spaces, 0)
    for senses in (jnp.zeros(3), jnp.full(3, 1e9)):
        assert float(species.bid(genes, senses)) == -0.25
        for key in jax.random.split(jax.random.key(1), 3):
            assert np.array_equal(species.act(genes, senses, key), action)
        assert np.array_equal(species.act_greedily(genes, senses), action)


def test_there_is_one_and_it_learns_nothing():
    species = cx.Constant()
    assert species.founders(cx.Spaces(SEEN, Discrete(7))) == 1
    assert not species.learns and not species.mutates
    assert jax.tree.leaves(species.init(None, cx.Spaces(SEEN, Discrete(7)), 0).learned) == []


@pytest.mark.parametrize("action", [3, -1, 0.5, (0, 1)], ids=lambda value: type(value).__name__)
def test_an_action_that_the_world_lacks_is_refused_when_they_meet(action):
    with pytest.raises(InvalidSetting, match="is not an action of"):
        cx.Constant(action=action).supports(cx.Spaces(SEEN, Discrete(3)))


@pytest.mark.parametrize(
    "spaces", [(Text(3), Discrete(3)), (SEEN, Text(3))], ids=lambda value: type(value).__name__
)
def test_unsupported_spaces_are_told(spaces):
    with pytest.raises(UnsupportedSpace):
        cx.Constant().supports(cx.Spaces(*spaces))
