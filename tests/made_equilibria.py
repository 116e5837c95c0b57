"""Equilibria made backwards: from prices and bundles to the agents whom they suit."""

import jax.numpy as jnp
import numpy as np

from catallax._types import exact
from catallax.clearing.equilibrium import valuations as cv

WANTED, GOODS, EACH = 3, 5, 2
"""The fourth good is free and partly left over; of the fifth there is none."""


def root(a, x):
    return jnp.sum(a * jnp.sqrt(x))


def family_of(kind, t, p, x, rng):
    """Agents to whom, at prices p and a price t of money, the bundles x are best."""
    n, spends = len(t), x @ p
    cost = t[:, None] * p
    held = x > 0
    if kind == "linear":
        return cv.Linear(np.where(held, cost, rng.uniform(0.2, 1, x.shape) * cost))
    if kind == "ces":
        rho = np.where(np.arange(n) % 2, 0.5, -1.0)
        weights = np.where(held, p * np.where(held, x, 1) ** (1 - rho[:, None]), 0)
        return cv.CES(weights, rho, t / spends ** (1 / rho - 1))
    if kind == "cobb":
        shares = p * x / spends[:, None]
        return cv.CobbDouglas(shares, t * spends / np.prod(x**shares, axis=1))
    if kind == "leontief":
        return cv.Leontief(x, t * spends)
    if kind == "quadratic":
        curved = rng.uniform(0.5, 2, x.shape)
        return cv.Quadratic(np.where(held, cost + curved * x, 0.9 * cost), curved)
    if kind == "log":
        offsets = rng.uniform(0.5, 2, x.shape)
        return cv.Logarithmic(np.where(held, cost * (x + offsets), 0.9 * cost * offsets), offsets)
    if kind in IN_PIECES:
        return IN_PIECES[kind](x, cost, t * spends, rng)
    if kind == "coupled":
        half = rng.uniform(0, 1, (n, GOODS, GOODS))
        curved = np.einsum("ijk,ilk->ijl", half, half)
        curved[:, WANTED:] = curved[:, :, WANTED:] = 0
        return cv.CoupledQuadratic(cost + np.einsum("ijk,ik->ij", curved, x), curved)
    return cv.Concave(root, np.where(held, 2 * cost * np.sqrt(x), 0), GOODS)


def straight(x, cost, _, rng):
    """The first piece is full, and the second is worth less than it costs."""
    held = x > 0
    slopes = np.stack([1.5 * cost, 0.5 * cost], axis=2)
    return cv.PiecewiseLinear(
        np.where(held[..., None], slopes, 0.6 * slopes),
        np.stack([np.where(held, x, 1), np.where(held, np.inf, 0)], axis=2),
    )


def bent(x, cost, _, rng):
    """The second piece is entered half-way: there it is worth what it costs."""
    held = x > 0
    whole = np.where(held, x, 1)
    slopes = np.stack([2 * cost, 1.25 * cost], axis=2) * np.where(held, 1, 0.4)[..., None]
    bends = np.stack([0.5 * cost / whole, 0.5 * cost / whole], axis=2) * held[..., None]
    return cv.PiecewiseQuadratic(slopes, bends, np.stack([0.5 * whole, whole], axis=2))


def bounded(x, _, costs, rng):
    """Every third agent would do more than its bound of 1, were it not for the bound."""
    each = np.arange(len(x))
    curved = np.where(each % 3, rng.uniform(0.5, 2, len(x)), 0)
    reached = np.where(each % 2, rng.uniform(1, 1.5, len(x)), 1.0)
    bounds = np.where((each % 2 == 0) & (curved > 0), np.inf, 1.0)
    return cv.BoundedLeontief(x, costs * reached + curved, curved, bounds)


IN_PIECES = {"pieces": straight, "bends": bent, "bounded": bounded}
WHOLE = ("linear", "ces", "cobb", "leontief")
KINDS = (*WHOLE, "quadratic", "log", "pieces", "bends", "bounded", "coupled", "root")


def equilibrium_of(seed, money, kinds=KINDS):
    """A market of all kinds, its prices and its bundles; money binds for some of its agents."""
    rng = np.random.default_rng(seed)
    n = EACH * len(kinds)
    p = np.append(rng.lognormal(0, 1, WANTED), [0.0, 0.7])
    x = np.zeros((n, GOODS))
    x[:, :WANTED] = rng.lognormal(0, 1, (n, WANTED))
    x[0, 0] = x[1, 1] = 0.0  # linear agents hold some goods only
    t = rng.uniform(1, 3, n)
    if money == "none":
        t[:] = 1
    elif money == "fisher":
        t *= 0.5
    else:
        t[::2] = 1  # for these there is money to spare
    parts = [slice(i * EACH, (i + 1) * EACH) for i in range(len(kinds))]
    families = [family_of(k, t[i], p, x[i], rng) for k, i in zip(kinds, parts, strict=True)]
    pays, worth = x @ p, worth_of(cv.Mixed(tuple(families)), x)
    spare = np.where(t == 1, rng.uniform(1.2, 3, n), 1.0)
    wealth = {"cap": worth, "budget": pays}.get(money, pays) * (1 if money == "fisher" else spare)
    supply = np.sum(x, axis=0) + np.array([0, 0, 0, 2.0, 0])
    return cv.Mixed(tuple(families)), supply, wealth, p, x


def worth_of(valuations, x):
    with exact():
        return np.asarray(valuations.worth(jnp.asarray(x)))
