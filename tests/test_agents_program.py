"""Python functions as agents: what they are asked, what they may answer, how they fail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces

from catallax._errors import AgentFailed, UnsupportedSpace
from catallax.agents import Program, Spaces

CHAIN = Spaces(spaces.Discrete(4), spaces.Discrete(3))
PLANE = Spaces(spaces.Box(-1, 1, (2,)), spaces.Box(-1, 1, (2,)))
SYMBOLS = np.int32([0, 3, 1])


def test_every_world_is_asked_about():
    asked = []

    def agent(observation):
        asked.append(observation)
        return observation % 3, 0.5 * observation

    actions, bids, enters = Program(function=agent).offers(CHAIN, SYMBOLS)
    assert asked == [0, 3, 1]
    assert [range(4)[observation] for observation in asked] == [0, 3, 1], "no index"
    assert (actions.tolist(), bids.tolist(), enters.tolist()) == ([0, 0, 1], [0, 1.5, 0.5], [1] * 3)
    assert (actions.dtype, bids.dtype, enters.dtype) == (np.int32, np.float32, np.bool_)


def test_vectors_come_and_go_as_vectors():
    def agent(observation):
        assert observation.shape == (2,) and observation.dtype == np.float32
        return observation / 2, 1

    seen = np.float32([[1, -1], [0, 0.5]])
    actions, bids, enters = Program(function=agent).offers(PLANE, seen)
    assert actions.tolist() == [[0.5, -0.5], [0, 0.25]]
    assert (actions.dtype, bids.tolist(), enters.tolist()) == (np.float32, [1, 1], [True, True])


def test_none_abstains_and_zero_does_not():
    def agent(observation):
        return 0, None if observation == 3 else 0.0

    _, bids, enters = Program(function=agent).offers(CHAIN, SYMBOLS)
    assert (bids.tolist(), enters.tolist()) == ([0, 0, 0], [True, False, True])


def raises(observation):
    return {}[observation]


def gives_nothing(observation):
    return None


def gives_a_number(observation):
    return 1


def gives_three(observation):
    return 1, 2.0, 3


def bids_a_word(observation):
    return 1, "all"


def does_too_much(observation):
    return 3, 1.0


def does_half(observation):
    return 0.5, 1.0


def does_a_huge_number(observation):
    return 2**40, 1.0


def does_a_vector(observation):
    return [0, 1], 1.0


@pytest.mark.parametrize(
    "agent",
    [
        raises,
        gives_nothing,
        gives_a_number,
        gives_three,
        bids_a_word,
        does_too_much,
        does_half,
        does_a_huge_number,
        does_a_vector,
    ],
)
def test_a_failing_function_is_named_with_what_it_saw(agent):
    with pytest.raises(AgentFailed, match=f"The Python agent {agent.__name__} failed") as caught:
        Program(function=agent).offers(CHAIN, np.int32([2]))
    assert type(caught.value.__cause__).__name__ in caught.value.what
    assert "Discrete(3)" in caught.value.why
    assert "observation was 2" in caught.value.remedy


def test_an_interrupt_is_not_a_failure_of_the_agent():
    def agent(observation):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Program(function=agent).offers(CHAIN, SYMBOLS)


def test_a_bid_beyond_floats_is_passed_on_as_infinite():
    """The market refuses it by name; here there is no warning and no agent at fault."""
    _, bids, enters = Program(function=lambda seen: (0, 1e300)).offers(CHAIN, SYMBOLS)
    assert np.isinf(bids).all() and enters.all()


def test_a_label_is_a_name_or_else_a_description():
    class Agent:
        def __call__(self, observation):
            return 0, 1.0

        def __repr__(self):
            return "Agent()"

    assert Program(function=raises).label == "raises"
    assert Program(function=Agent()).label == "Agent()"


def test_on_the_device_it_is_a_number():
    species = Program(function=raises, count=3)
    assert species.on_host and not species.learns and not species.mutates
    genes = species.init(jax.random.key(0), CHAIN, jnp.int32(2))
    assert int(species.act(genes, (), jax.random.key(0))) == 2
    assert float(species.bid(genes, ())) == 0
    assert (species.founders(CHAIN), Program(function=raises).founders(CHAIN)) == (3, 1)


def test_spaces_without_an_array_form_are_refused():
    Program(function=raises).supports(PLANE)
    with pytest.raises(UnsupportedSpace, match="No agent can act in"):
        Program(function=raises).supports(Spaces(CHAIN.observation, spaces.Text(3)))
    with pytest.raises(UnsupportedSpace, match="no array of numbers"):
        Program(function=raises).supports(Spaces(spaces.Text(3), CHAIN.action))
