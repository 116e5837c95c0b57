"""Whether an unknown function is concave: probed, and at best not refuted."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from catallax._errors import InvalidMarket, NotConcave
from catallax._types import exact

PAIRS = 96
"""Of bundles for each agent: a third anywhere, a third in one good only, a third on a ray."""

SLACK = 1e-9
"""How far below the mean of two bundles the one half-way may be, as a share: rounding."""

SEED = 20


def probe(
    family: Any, supply: Float[np.ndarray, "m"], first: int = 0, *, from_nothing: bool = True
) -> None:
    """Refuses a function that is not concave at some of many random bundles.

    Concave: `v((x + y) / 2) ≥ (v(x) + v(y)) / 2`. Bundles are drawn up to twice the supply, the
    same ones on every call; pairs that differ in one good only, and pairs on a ray from 0, are
    among them, since a bend along these is hidden in others. What passes is not refuted, which is
    less than a proof.

    Args:
        family: Valuations in NumPy.
        supply: `[m]`, quantities; goods of which there is none are drawn up to 2.
        first: The number of its first agent in the market, for the error.
        from_nothing: Whether nothing must be worth 0.

    Raises:
        NotConcave: Half-way between two bundles is worth less than their mean; or nothing is worth
            something.
        InvalidMarket: A worth or a slope is not a finite number.

    Example:
        >>> import numpy as np, catallax as cx
        >>> square = cx.valuations.Concave(lambda a, x: a * x[0] ** 2, np.ones(1), goods=1)
        >>> try:
        ...     probe(square, np.ones(1))
        ... except NotConcave as error:
        ...     error.why
        'A concave function is worth at least their mean.'
    """
    points = drawn(np.where(supply > 0, supply, 1.0))
    shape = (family.agents, supply.size)
    with exact():
        asked = jnp.broadcast_to(points[:, :, None], (*points.shape[:2], *shape))
        seen, slopes, nothing = jax.tree.map(np.asarray, _asked(family, asked))
    _finite(seen, slopes, points, first)
    if from_nothing:
        _none_at_nothing(nothing, np.abs(seen).max(axis=(0, 1)), first)
    left, right, middle = seen
    short = (left + right) / 2 - middle
    allowed = SLACK * (np.abs(left) + np.abs(right) + np.abs(middle))
    if (short > allowed).any():
        k, i = np.unravel_index(np.argmax(short - allowed), short.shape)
        raise NotConcave(
            f"Agent {first + i} values two bundles at {left[k, i]} and {right[k, i]}, and the one "
            f"half-way at {middle[k, i]}.",
            "A concave function is worth at least their mean.",
            f"Give a concave function; the bundles were {points[0, k].tolist()} and "
            f"{points[1, k].tolist()}.",
        )


def drawn(reach: Float[np.ndarray, "m"]) -> Float[np.ndarray, "3 k m"]:
    """Returns pairs of bundles and what is half-way between them."""
    rng = np.random.default_rng(SEED)
    third, goods = PAIRS // 3, reach.size
    # Every scale is met: bends may be near 0, or far out only.
    left = rng.uniform(size=(PAIRS, goods)) ** rng.choice([1.0, 3.0], size=(PAIRS, 1))
    right = rng.uniform(size=(PAIRS, goods))
    one = np.arange(third)
    alone = left[third : 2 * third].copy()
    alone[one, one % goods] = right[third : 2 * third][one, one % goods]
    right[third : 2 * third] = alone
    right[2 * third :] = left[2 * third :] * rng.uniform(0.01, 0.8, size=(PAIRS - 2 * third, 1))
    left, right = 2 * reach * left, 2 * reach * right
    return np.stack([left, right, (left + right) / 2])


@jax.jit
def _asked(family: Any, points: Array) -> tuple[Array, Array, Array]:
    flat = points.reshape(-1, *points.shape[2:])
    worth = jax.vmap(family.worth)(flat).reshape(*points.shape[:2], -1)
    slopes = jax.vmap(jax.grad(lambda bundles: jnp.sum(family.worth(bundles))))(points[2])
    return worth, slopes, family.worth(jnp.zeros_like(points[0, 0]))


def _finite(seen: np.ndarray, slopes: np.ndarray, points: np.ndarray, first: int) -> None:
    for name, found, at in (("worth", seen, points), ("slope", slopes, points[2])):
        wrong = ~np.isfinite(found)
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0])
            agent, bundle = place[at.ndim - 1], at[place[: at.ndim - 1]]
            raise InvalidMarket(
                f"valuations gives agent {first + agent} a {name} of {found[place]} at the bundle "
                f"{bundle.tolist()}.",
                "Worth and its slopes are finite wherever there is something of every good.",
                "Look at the function there; jnp.where hides a branch, not its slope.",
            )


def _none_at_nothing(nothing: np.ndarray, scale: np.ndarray, first: int) -> None:
    wrong = ~(np.abs(nothing) <= SLACK * scale)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise NotConcave(
            f"Agent {first + i} values nothing at {nothing[i]}.",
            "Worth is counted from 0, or no price could be set against it.",
            "Subtract what the function gives for an empty bundle.",
        )
