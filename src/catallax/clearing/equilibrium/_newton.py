"""The Newton equation of a market: one symmetric positive definite system in the goods."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg as linalg
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._blocks import Response

FEW = 16
"""Systems of up to so many goods, if there are several, are inverted side by side."""


class Factor(NamedTuple):
    """A symmetric positive definite matrix, and what solves systems in it.

    Attributes:
        matrix: `[m, m]`.
        lower: `[m, m]`, its Cholesky factor; its inverse, where few goods come in batches.
    """

    matrix: Float[Array, "m m"]
    lower: Float[Array, "m m"]


def summed_matrix(slack: Float[Array, "m"], responses: list[Response]) -> Float[Array, "m m"]:
    """Returns `diag(slack) + Σ K` over blocks.

    Args:
        slack: `[m]`, 0 or more.
        responses: Of every block.

    Returns:
        `[m, m]`, symmetric.
    """
    matrix = jnp.diag(slack + sum(response.diagonal for response in responses))
    for response in responses:
        if response.matrix is not None:
            matrix = matrix + response.matrix
        # A product of matrices is twice as fast if it need not transpose the first as it goes.
        weighted = jax.lax.optimization_barrier((response.columns * response.weights[:, None]).T)
        matrix = matrix - weighted @ response.columns
    return matrix


def factored(matrix: Float[Array, "m m"]) -> Factor:
    """Factors a matrix for `solved`; neither may be differentiated.

    LAPACK is asked for one factor at a time, also in batches: jaxlib solves batches of systems on
    the threads that it then waits for, and two such programs wait for each other without end.
    """
    return Factor(matrix, _lower(matrix))


def solved(factor: Factor, right: Float[Array, "m"]) -> Float[Array, "m"]:
    """Solves the factored system."""
    return _solved(factor.lower, factor.matrix, right)


@custom_vmap
def _lower(matrix: Array) -> Array:
    # The matrix is symmetric; transposed, it lies in memory as LAPACK wants it.
    return jnp.linalg.cholesky(matrix.T, symmetrize_input=False)


@_lower.def_vmap
def _(size: int, batched: Any, matrices: Array) -> tuple[Array, bool]:
    if matrices.shape[-1] <= FEW:
        return jax.vmap(swept)(matrices), True
    return jax.lax.map(_lower, matrices), True


@custom_vmap
def _solved(lower: Array, matrix: Array, right: Array) -> Array:
    half = linalg.solve_triangular(lower, right, lower=True)
    return linalg.solve_triangular(lower, half, trans=1, lower=True)


@_solved.def_vmap
def _(size: int, batched: Any, *given: Array) -> tuple[Array, bool]:
    if given[0].shape[-1] <= FEW:
        return jax.vmap(_refined)(*given), True
    return jax.lax.map(lambda one: _solved(*one), given), True


def swept(matrix: Float[Array, "m m"]) -> Float[Array, "m m"]:
    """Returns the inverse of a positive definite matrix by Gauss and Jordan, in place.

    Args:
        matrix: `[m, m]`.

    Returns:
        `[m, m]`.

    Source: Goodnight, "A tutorial on the sweep operator" (1979).
    """
    places = jnp.arange(matrix.shape[0])

    def sweep(k: Array, at: Array) -> Array:
        own = places == k
        row, column = at[k], at[:, k]
        row = jnp.where(own, 1.0, row) / row[k]
        return jnp.where(own[:, None], row, jnp.where(own, 0.0, at) - column[:, None] * row)

    return jax.lax.fori_loop(0, matrix.shape[0], sweep, matrix, unroll=2)


def _refined(inverse: Array, matrix: Array, right: Array) -> Array:
    """Solves by an inverse, and once more for what that misses."""
    first = inverse @ right
    return first + inverse @ (right - matrix @ first)
