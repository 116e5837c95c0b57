"""What a producer bids for its inputs: the prices of its outputs, propagated back."""

import jax
import jax.numpy as jnp

from ._protocol import Technique


def marginal_bids(
    technique: Technique,
    bundle: jax.Array,
    forecast_prices: jax.Array,
    floor: float = 0.0,
) -> jax.Array:
    """Returns the worth of a little more of each input, `∇α_b(ω) = Dα(ω)ᵀ p̂ − ∇cost(ω)`.

    It takes one vector-Jacobian product, whatever the number of goods; the Jacobian itself is never
    built. What is made is sold a step later: pass `γ·p̂` where the market discounts.

    Args:
        technique: What it does with the bundle.
        bundle: What it owns, float32 [needs].
        forecast_prices: What its outputs are expected to fetch, float32 [makes].
        floor: The slope is taken where it has at least so much of every input; smooth techniques
            have no finite slope at 0.

    Returns:
        Credits per unit, float32 [needs].

    Example:
        >>> import jax.numpy as jnp
        >>> from catallax.techniques import LinearActivity
        >>> saw = LinearActivity({"cedar": 2.0, "labour": 1.0}, {"slats": 10.0})
        >>> marginal_bids(saw, jnp.array([2.0, 5.0]), jnp.array([0.4]))
        Array([2., 0.], dtype=float32)

    Source: paper section 2.2, "Computing prices via backpropagation".
    """

    def run(owned: jax.Array) -> tuple[jax.Array, jax.Array]:
        return technique.produce(owned), technique.cost(owned)

    (_, cost), pull = jax.vjp(run, jnp.maximum(bundle, jnp.asarray(floor, bundle.dtype)))
    return pull((forecast_prices, -jnp.ones_like(cost)))[0]
