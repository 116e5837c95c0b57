"""What cannot be differentiated says so, and is otherwise left alone."""

import jax
import jax.numpy as jnp
import pytest

from catallax._errors import InvalidSetting
from catallax.clearing.equilibrium._opaque import opaque


def squared(x):
    return opaque("Walk", {"square": x**2, "above": x > 1, "steps": jnp.asarray(3)}, x)


def compared(x):
    """Its own derivative would be 0."""
    return opaque("Walk", {"square": jnp.where(x > 1, 4.0, 1.0)}, x)


def test_it_changes_nothing():
    found = jax.jit(squared)(jnp.asarray(2.0))
    assert float(found["square"]) == 4 and int(found["steps"]) == 3


@pytest.mark.parametrize("walk", [squared, compared])
@pytest.mark.parametrize("differentiate", [jax.grad, jax.jacfwd])
def test_a_derivative_is_refused_by_name(differentiate, walk):
    with pytest.raises(InvalidSetting, match="Walk was asked for a derivative"):
        differentiate(lambda x: walk(x)["square"])(jnp.asarray(2.0))
