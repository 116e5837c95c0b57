"""One system in the goods: summed up, factored and solved, alone and in batches."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from catallax._types import exact
from catallax.clearing.equilibrium._blocks import Response
from catallax.clearing.equilibrium._newton import FEW, factored, solved, summed_matrix, swept

MARKETS = 3


def systems(goods, seed=0):
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(MARKETS, goods, goods))
    return half @ half.transpose(0, 2, 1) + np.eye(goods), rng.normal(size=(MARKETS, goods))


def solution(matrix, right):
    return solved(factored(matrix), right)


@pytest.mark.parametrize("goods", [1, 2, 7, FEW])
def test_sweeping_inverts(goods):
    with exact():
        matrix = jnp.asarray(systems(goods)[0][0])
        np.testing.assert_allclose(swept(matrix) @ matrix, np.eye(goods), atol=1e-10)


@pytest.mark.parametrize("goods", [1, 5, FEW, FEW + 3])
def test_a_batch_has_the_solutions_of_its_systems_one_by_one(goods):
    matrices, rights = systems(goods)
    meant = np.linalg.solve(matrices, rights[..., None])[..., 0]
    with exact():
        together = jax.jit(jax.vmap(solution))(jnp.asarray(matrices), jnp.asarray(rights))
        np.testing.assert_allclose(together, meant, rtol=1e-9, atol=1e-12)
        alone = solution(jnp.asarray(matrices[0]), jnp.asarray(rights[0]))
        np.testing.assert_allclose(alone, meant[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("goods", [FEW, FEW + 3])
def test_lapack_is_never_asked_for_several_systems_at_once(goods):
    """Two programs that do wait for each other without end; see `factored`."""
    with exact():
        given = [jnp.asarray(array) for array in systems(goods)]
        text = jax.jit(jax.vmap(solution)).lower(*given).compile().as_text()
    calls = re.findall(r"f64\[([\d,]+)\][^=]*custom-call\([^\n]*lapack", text)
    assert bool(calls) == (goods > FEW)
    assert all(shape in {f"{goods},{goods}", f"{goods},1", f"{goods}"} for shape in calls)


def test_a_matrix_is_the_sum_of_what_its_responses_say():
    rng = np.random.default_rng(1)
    slack, diagonal, whole = rng.uniform(size=3), rng.uniform(size=3), rng.uniform(size=(3, 3))
    columns, weights = rng.normal(size=(4, 3)), rng.uniform(size=4)
    with exact():
        responses = [
            Response(jnp.asarray(diagonal), jnp.asarray(columns), jnp.asarray(weights)),
            Response(jnp.zeros(3), jnp.zeros((0, 3)), jnp.zeros(0), jnp.asarray(whole)),
        ]
        found = summed_matrix(jnp.asarray(slack), responses)
    meant = np.diag(slack + diagonal) + whole
    for column, weight in zip(columns, weights, strict=True):
        meant -= weight * np.outer(column, column)
    np.testing.assert_allclose(found, meant, atol=1e-12)
