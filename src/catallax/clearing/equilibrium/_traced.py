"""Equilibria under transformations of JAX: traced, batched, differentiated."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from catallax._types import exact
from catallax.clearing.equilibrium._certificate import certificate_of
from catallax.clearing.equilibrium._market import Market, Rules
from catallax.clearing.equilibrium._method import Method
from catallax.clearing.equilibrium._outcome import Equilibrium, Result


def traced(
    valuations: Any, supply: Any, wealth: Any, money: Rules, method: Method, tol: float, start: Any
) -> Equilibrium:
    """Finds and certifies where nothing can be looked at.

    Nothing is checked, taken out or padded: every good must have a supply and every agent wealth
    and wants. The result is a number, and arrays have the precision that the caller works in;
    where that is 32 bits, derivatives are taken in reverse (`jax.grad`, `jax.jacrev`).

    Args:
        valuations: One of `catallax.valuations`, perhaps traced.
        supply: `[m]`, above 0.
        wealth: `[n]`, above 0; None with `money="none"`.
        money: What money means, as a `Market` keeps it.
        method: That serves it.
        tol: The largest violation that counts as an equilibrium.
        start: `Equilibrium.warm` of a market of the same size, or None.

    Returns:
        The `Equilibrium`, differentiable in valuations, supply and wealth.
    """
    arrays = jax.tree.map(jnp.asarray, (valuations, supply, wealth))
    precision = jnp.zeros(0).dtype
    if precision == jnp.float64:
        return untransformed(money, method, tol, start, arrays)
    return _in_single_precision(money, method, tol, start, arrays)


def untransformed(money: Rules, method: Method, tol: float, start: Any, arrays: Any) -> Equilibrium:
    """Finds and certifies in 64 bits; what `traced` and a batch run for every market."""
    valuations, supply, wealth = arrays
    own = jnp.ones(valuations.agents) if wealth is None else wealth
    market = Market(valuations, supply, own, money)
    found = method.find(market, tol, start)
    certificate = certificate_of(market, found.prices, found.bundles)
    return Equilibrium(
        prices=found.prices,
        bundles=found.bundles,
        certificate=certificate,
        code=jnp.where(certificate.violation <= tol, CERTIFIED, NOT_CONVERGED),
        steps=found.steps,
        spending=found.spending,
        all_caps_met=jnp.asarray(False),
        no_supply=supply == 0,
        warm=found.warm,
        method=type(method).__name__,
    )


CERTIFIED, NOT_CONVERGED = int(Result.CERTIFIED), int(Result.NOT_CONVERGED)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _in_single_precision(
    money: Rules, method: Method, tol: float, start: Any, arrays: Any
) -> Equilibrium:
    with exact():
        return _narrow(untransformed(money, method, tol, start, _wide(arrays)))


def _forward(
    money: Rules, method: Method, tol: float, start: Any, arrays: Any
) -> tuple[Equilibrium, Any]:
    with exact():
        solve = partial(untransformed, money, method, tol, start)
        outcome, backward = jax.vjp(solve, _wide(arrays))
        return _narrow(outcome), (backward, arrays, start)


def _backward(money: Rules, method: Method, tol: float, kept: Any, cotangent: Any) -> Any:
    """Runs the pull-back in 64 bits too: outside of them JAX would round it half-way."""
    backward, arrays, start = kept
    with exact():
        (pulled,) = backward(_wide(cotangent))
        pulled = jax.tree.map(_like, pulled, arrays)
    return jax.tree.map(lambda leaf: None, start), pulled


_in_single_precision.defvjp(_forward, _backward)


def _like(leaf: Any, model: Array) -> Any:
    return leaf.astype(model.dtype) if jnp.issubdtype(model.dtype, jnp.floating) else leaf


def _cast(leaf: Any, precision: Any) -> Any:
    floating = hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)
    return jnp.asarray(leaf).astype(precision) if floating else leaf


def _wide(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: _cast(leaf, jnp.float64), tree)


def _narrow(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: _cast(leaf, jnp.float32), tree)
