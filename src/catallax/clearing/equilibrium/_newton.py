"""The Newton equation of a market: one symmetric positive definite system in the goods."""

from typing import NamedTuple

import jax.numpy as jnp
import jax.scipy.linalg as linalg
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._blocks import Response


class Factor(NamedTuple):
    """A factored system: the Cholesky factor of the matrix scaled to a diagonal of 1."""

    lower: Float[Array, "m m"]
    scale: Float[Array, "m"]


def factored(slack: Float[Array, "m"], responses: list[Response]) -> Factor:
    """Factors `diag(slack) + Σ K` over blocks.

    Args:
        slack: `[m]`, 0 or more.
        responses: Of every block.

    Returns:
        The `Factor`.
    """
    diagonal = slack + sum(response.diagonal for response in responses)
    matrix = jnp.diag(diagonal)
    for response in responses:
        if response.matrix is not None:
            matrix = matrix + response.matrix
        matrix = matrix - (response.columns * response.weights[:, None]).T @ response.columns
    scale = 1 / jnp.sqrt(jnp.diagonal(matrix))
    scaled = matrix * scale[:, None] * scale
    return Factor(jnp.linalg.cholesky(scaled), scale)


def solved(factor: Factor, right: Float[Array, "m"]) -> Float[Array, "m"]:
    """Solves the factored system."""
    half = linalg.solve_triangular(factor.lower, right * factor.scale, lower=True)
    return factor.scale * linalg.solve_triangular(factor.lower, half, trans=1, lower=True)
