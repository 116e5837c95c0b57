"""States from elsewhere, within bounds that moved."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from catallax._types import exact
from catallax.clearing.equilibrium._blocks import LEAST_ROOM, MOVED, centred, within

positive = st.floats(1e-6, 1e6)


@given(width=positive, mu=positive, cost=st.floats(-1e3, 1e3))
def test_what_is_centred_has_products_of_mu_and_pays_its_cost(width, mu, cost):
    with exact():
        x, h = map(float, centred(jnp.asarray(cost), jnp.asarray(width), jnp.asarray(mu)))
    assert x > 0
    assert h > 0
    np.testing.assert_allclose(x + h, width, rtol=1e-12)
    np.testing.assert_allclose(mu / x - mu / h, cost, atol=1e-12 * (mu / x + mu / h))


@given(share=st.floats(1e-3, 1 - 1e-3), width=positive, change=st.floats(1e-6, 1e6))
def test_who_keeps_its_width_stays_and_who_does_not_is_centred(share, width, change):
    amount, new = share * width, change * width
    with exact():
        state = tuple(map(jnp.asarray, (amount, width - amount, 3.0, 5.0)))
        x, h, z, zeta = map(float, within(state, *map(jnp.asarray, (new, 0.1, 2.0))))
    np.testing.assert_allclose(x + h, new, rtol=1e-12)
    assert min(x, h, z, zeta) > 0
    if 1 / MOVED < change < MOVED:
        assert (z, zeta) == (3.0, 5.0)
        assert x == min(amount, (1 - LEAST_ROOM) * new)
    elif not 0.99 / MOVED < change < 1.01 * MOVED:
        np.testing.assert_allclose((x * z, h * zeta), 2.0, rtol=1e-12)
