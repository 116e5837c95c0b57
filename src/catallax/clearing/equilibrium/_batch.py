"""Many markets of one shape in one call: in chunks that stay in the cache, on every core."""

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import ArrayLike

from catallax._errors import InvalidMarket, NotConverged
from catallax._types import exact
from catallax._xla import compiled
from catallax.clearing.equilibrium._interior_method import InteriorPoint
from catallax.clearing.equilibrium._market import Rules
from catallax.clearing.equilibrium._method import Method
from catallax.clearing.equilibrium._money import money_of
from catallax.clearing.equilibrium._outcome import Equilibrium, Result
from catallax.clearing.equilibrium._padding import PADDED
from catallax.clearing.equilibrium._traced import untransformed
from catallax.clearing.equilibrium._weighted import default_method
from catallax.clearing.equilibrium.valuations import Valuations

NUMBERS_IN_CACHE = 8_192
"""Values that a chunk works on at a time; beyond the second-level cache a batch is slower than
its members one by one."""


def equilibria(
    valuations: Valuations,
    supply: ArrayLike,
    wealth: ArrayLike | None = None,
    *,
    money: Rules,
    tol: float = 1e-6,
    method: Method | None = None,
    throw: bool = True,
) -> Equilibrium:
    """Finds the equilibria of k markets of one shape; faster than `jax.vmap`, on all cores.

    Args:
        valuations: A family whose arrays have a leading axis of k markets.
        supply: `[k, m]`, or `[m]` for the same in all, quantities above 0.
        wealth: `[k, n]`, or `[n]` for the same in all, money above 0; None with `money="none"`.
        money: What money means, in every market, to all or to each family; see `equilibrium`.
        tol: The largest violation that counts as an equilibrium, relative.
        method: How to search; None for the interior point method, or where no programme is convex
            `WeightedWelfare`.
        throw: Whether to raise where a result is not certified.

    Returns:
        An `Equilibrium` whose arrays have a leading axis of k; `result` is `[k]` numbers.

    Raises:
        InvalidMarket: If shapes do not match, or a number is not finite.
        NotConverged: If a market is not certified, by its place, and `throw` is set.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Linear(np.random.default_rng(0).uniform(size=(100, 3, 2)))
        >>> many = cx.equilibria(values, np.ones(2), np.ones(3), money="budget")
        >>> many.prices.shape, bool((many.result == cx.Result.CERTIFIED).all())
        ((100, 2), True)
    """
    money = money_of(money, valuations)
    method = default_method(valuations, money) if method is None else method
    arrays, size = _stacked(valuations, supply, wealth)
    numbers = max(leaf[0].size for leaf in jax.tree.leaves(arrays))
    cores = (os.cpu_count() or 1) if _may_run_beside_itself(method, valuations) else 1
    chunk = _even_chunk(size, cores, max(1, NUMBERS_IN_CACHE // numbers))
    program = partial(_solved_in_chunks, money, method, tol, chunk)
    outcome = _on_cores(cores, program, arrays, size, chunk)
    if throw:
        _require_certified(outcome, tol)
    return outcome


def _may_run_beside_itself(method: Method, valuations: Any) -> bool:
    """Returns whether no program asks LAPACK for several systems at once; see `factored`."""
    padded = all(isinstance(family, PADDED) for family in _families(valuations))
    return isinstance(method, InteriorPoint) and padded


def _even_chunk(size: int, cores: int, most: int) -> int:
    """Returns the chunk that shares markets out evenly, with as few as possible solved in vain."""
    of_a_core = -(-size // min(size, cores))
    rounds = -(-of_a_core // most)
    return -(-of_a_core // rounds)


def _stacked(valuations: Any, supply: Any, wealth: Any) -> tuple[Any, int]:
    """Gives every array its leading axis of markets, in 64 bits."""
    valuations = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), valuations)
    widest = max(jax.tree.leaves(valuations), key=np.ndim)
    if widest.ndim < 3 or widest.shape[0] == 0:
        raise InvalidMarket(
            f"valuations has arrays of at most {widest.ndim} axes.",
            "A batch has one axis more than a market: markets come first.",
            "Stack the markets' arrays, or call equilibrium for a single market.",
        )
    size, _, goods = widest.shape[:3]
    each = jax.tree.map(lambda leaf: _repeated("valuations", leaf, size, None), valuations)
    agents = sum(max(map(np.shape, jax.tree.leaves(one)), key=len)[1] for one in _families(each))
    parts = [each, _repeated("supply", np.asarray(supply, np.float64), size, goods)]
    if wealth is not None:
        parts.append(_repeated("wealth", np.asarray(wealth, np.float64), size, agents))
    for name, part in zip(("valuations", "supply", "wealth"), parts, strict=False):
        if any(np.any(np.isnan(leaf) | (leaf < 0)) for leaf in _amounts(part)):
            raise InvalidMarket(
                f"{name} holds a number below 0 or NaN.",
                "Values, quantities and money are 0 or more.",
                f"Look where {name} comes from; equilibrium says which number it is.",
            )
    return (parts[0], parts[1], parts[2] if wealth is not None else None), size


def _families(valuations: Any) -> tuple[Any, ...]:
    return getattr(valuations, "families", (valuations,))


def _amounts(part: Any) -> list[np.ndarray]:
    """Returns the arrays of a part that may not be below 0: all but exponents ρ."""
    exponents = [id(getattr(one, "rho", None)) for one in _families(part)]
    return [leaf for leaf in jax.tree.leaves(part) if id(leaf) not in exponents]


def _repeated(name: str, leaf: np.ndarray, size: int, last: int | None) -> np.ndarray:
    if last is not None and leaf.shape not in ((last,), (size, last)):
        raise InvalidMarket(
            f"{name} has the shape {leaf.shape}.",
            f"These {size} markets need [{last}] or [{size}, {last}].",
            "Give one number to each, markets first.",
        )
    leading = leaf.ndim > 0 and leaf.shape[0] == size and (last is None or leaf.ndim == 2)
    return leaf if leading else np.broadcast_to(leaf, (size, *leaf.shape))


@partial(compiled, static_argnums=(0, 1, 2, 3))
def _solved_in_chunks(money: Rules, method: Method, tol: float, chunk: int, arrays: Any) -> Any:
    def solve(market: Any) -> Equilibrium:
        outcome = untransformed(money, method, tol, None, market)
        return dataclasses.replace(outcome, warm=None)  # as large as everything else together

    # One at a time nobody waits for anybody, and nothing that is done is chosen over and over.
    return jax.lax.map(solve, arrays, batch_size=chunk if chunk > 1 else None)


def _on_cores(cores: int, program: Any, arrays: Any, size: int, chunk: int) -> Equilibrium:
    """Runs equal parts side by side, each a whole number of chunks.

    Compiled programs leave Python's lock while they run, so threads suffice.
    """
    cores = max(1, min(cores, -(-size // chunk)))
    part = -(-size // (cores * chunk)) * chunk
    short = cores * part - size

    def run(core: int) -> Equilibrium:
        mine = jax.tree.map(lambda leaf: leaf[core * part : (core + 1) * part], full)
        with exact():
            return jax.tree.map(np.asarray, program(mine))

    def filled(leaf: np.ndarray) -> np.ndarray:
        return np.concatenate([leaf, np.broadcast_to(leaf[-1:], (short, *leaf.shape[1:]))])

    full = jax.tree.map(filled, arrays) if short else arrays
    with ThreadPoolExecutor(cores) as pool:
        parts = list(pool.map(run, range(cores)))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:size], *parts)


def _require_certified(outcome: Equilibrium, tol: float) -> None:
    missed = np.flatnonzero(np.asarray(outcome.code) != Result.CERTIFIED)
    if missed.size:
        raise NotConverged(
            f"{missed.size} of {np.size(outcome.code)} markets are not certified, "
            f"the first of them number {missed[0]}.",
            f"The tolerance is {tol:.0e}, and every market takes the same most steps.",
            "Give more steps or a larger tol; throw=False hands back what was found.",
        )
