"""The border: what a caller gave becomes a market, or an error that names the argument."""

import dataclasses
from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from catallax._errors import InvalidMarket, NotConcave, UnboundedDemand
from catallax.clearing.equilibrium._concavity import probe
from catallax.clearing.equilibrium._market import Market, Rules
from catallax.clearing.equilibrium._money import money_of
from catallax.clearing.equilibrium.valuations import (
    CES,
    BoundedLeontief,
    CobbDouglas,
    Concave,
    CoupledQuadratic,
    Leontief,
    Linear,
    Logarithmic,
    Mixed,
    PiecewiseLinear,
    PiecewiseQuadratic,
    Quadratic,
    Valuations,
)

CLOSED = (
    Linear,
    CES,
    CobbDouglas,
    Leontief,
    Quadratic,
    Logarithmic,
    PiecewiseLinear,
    PiecewiseQuadratic,
    CoupledQuadratic,
    BoundedLeontief,
)
"""Families whose numbers say all about them; others are probed."""

SUMS = 1e-9
"""How far the shares of a Cobb-Douglas agent may be from a sum of 1."""

ROUNDING = 1e-12
"""How far below 0 an eigenvalue may be, as a share of the largest, and a matrix from symmetric."""


def market_of(valuations: Any, supply: Any, wealth: Any, money: Any) -> Market:
    """Returns the market that a caller described, in NumPy and 64 bits, or raises.

    Without a limit wealth is 1, or what others have on average if these have a limit and anything,
    whatever was given: nothing depends on it. Functions that are not known to be concave are probed
    (see `probe`); the numbers of all other families are checked one by one.

    Args:
        valuations: One of `catallax.valuations`, or an object with its methods.
        supply: `[m]`, quantities, finite, 0 or more.
        wealth: `[n]`, money, finite, 0 or more; may be None with `money="none"`.
        money: The rule, or one for each family.

    Returns:
        The `Market`.

    Raises:
        InvalidMarket: An argument has another type or shape, or a number that means nothing.
        NotConcave: An agent would gain from mixtures, or has worth before it has anything.
        UnboundedDemand: An agent makes worth out of nothing.
    """
    checked = valuations_of(valuations)
    agents, goods = checked.agents, checked.goods
    money = money_of(money, valuations)
    supply = amounts("supply", supply, (goods,))
    own: Any = wealth_of(wealth, agents, money)
    market, first = Market(checked, supply, own, money), 0
    for family, rule in zip(market.families, market.rules, strict=True):
        if not isinstance(family, CLOSED):
            probe(family, supply, first, from_nothing=rule != "fisher")
        first += family.agents
    free = market.under("none")
    usual = np.mean(own, where=~free) if own[~free].any() else 1.0
    return dataclasses.replace(market, wealth=np.where(free, usual, own) if free.any() else own)


def wealth_of(wealth: Any, agents: int, money: Rules) -> np.ndarray:
    """Returns everyone's wealth; 1 each where none was given and none is needed."""
    if wealth is not None:
        return amounts("wealth", wealth, (agents,))
    if money == "none":
        return np.ones(agents)
    raise InvalidMarket(
        "wealth has the shape () of None.",
        f"With money={money!r} bundles depend on it.",
        f'Give {agents} amounts of money, or choose money="none".',
    )


def valuations_of(valuations: Any) -> Any:
    """Returns valuations in NumPy and 64 bits; what their numbers alone show is checked."""
    checked = _checked(valuations)
    families = getattr(checked, "families", (checked,))
    if len(families) > 1 and len({family.goods for family in families}) != 1:
        raise InvalidMarket(
            f"valuations has families of {[family.goods for family in families]} goods.",
            "All agents of a market are offered the same goods.",
            "Give what an agent does not want a value of 0.",
        )
    return checked


def amounts(name: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Returns finite numbers, 0 or more, of a shape.

    Args:
        name: What they are, for the error.
        values: What was given.
        shape: What is needed.

    Returns:
        float64.

    Raises:
        InvalidMarket: They are something else.
    """
    found = floats(name, values)
    if found.shape != shape:
        raise InvalidMarket(
            f"{name} has the shape {found.shape}.",
            f"These valuations need {shape}.",
            "Give one number to each of their agents and goods.",
        )
    return _bounded(name, found)


def floats(name: str, values: Any, part: str = "") -> np.ndarray:
    """Returns an array of float64, of any shape."""
    try:
        found = np.asarray(values)
        if found.dtype.kind in "USc":
            raise TypeError(f"they are {found.dtype.name}")
        return found.astype(np.float64, copy=False)
    except jax.errors.TracerArrayConversionError:
        raise
    except (TypeError, ValueError) as error:
        raise InvalidMarket(
            f"{name} is not an array of numbers{part and f' in its {part}'}: {error}.",
            "A market is made of numbers.",
            "Pass an array, or nested lists of equal lengths.",
        ) from error


# --- families


@singledispatch
def _checked(family: Any) -> Any:
    """Any other object with the methods of valuations."""
    if not isinstance(family, Valuations):
        raise InvalidMarket(
            f"valuations is a {type(family).__name__}.",
            "A market asks it what bundles are worth.",
            "Pass one of catallax.valuations, or an object with its methods.",
        )
    wide = jax.tree.map(_wide, family)
    if any(np.any(np.isnan(leaf)) for leaf in jax.tree.leaves(wide) if leaf.dtype.kind == "f"):
        raise _no_number("its arrays")
    return wide


@_checked.register
def _(family: Mixed) -> Any:
    families = []
    for one in family.families:
        checked = _checked(one)
        families.extend(getattr(checked, "families", (checked,)))
    if not families:
        raise _empty("families", (0,))
    return Mixed(tuple(families)) if len(families) > 1 else families[0]


@_checked.register
def _(family: Linear) -> Linear:
    return Linear(_table("values", family.values))


@_checked.register
def _(family: CES) -> CES:
    weights = _table("weights", family.weights)
    rho = _each("rho", family.rho, weights.shape[0])
    if rho.max() >= 1 or rho.min() == -np.inf or not rho.all():
        i = int(np.argmin((rho < 1) & (rho != 0) & (rho > -np.inf)))
        raise InvalidMarket(
            f"valuations.rho[{i}] is {rho[i]}.",
            "A CES has ρ below 1, finite and not 0.",
            "Use Linear for ρ = 1, CobbDouglas for ρ = 0, Leontief for ρ = −∞.",
        )
    scale = _scale(family, weights)
    return CES(weights, rho, scale, substitutes=bool(rho.min() > 0))


@_checked.register
def _(family: CobbDouglas) -> CobbDouglas:
    shares = _table("shares", family.shares)
    sums = shares.sum(axis=1)
    if sums.max() > 1 + SUMS or sums.min() < 1 - SUMS:
        i = int(np.argmax(np.abs(sums - 1)))
        raise InvalidMarket(
            f"valuations.shares[{i}] sum to {sums[i]}.",
            "Shares of spending sum to 1; then worth has degree 1.",
            "Divide each row by its sum.",
        )
    return CobbDouglas(shares, _scale(family, shares))


@_checked.register
def _(family: Leontief) -> Leontief:
    needs = _table("needs", family.needs)
    _require_needs(needs)
    return Leontief(needs, _scale(family, needs))


@_checked.register
def _(family: BoundedLeontief) -> BoundedLeontief:
    needs = _table("needs", family.needs)
    _require_needs(needs)
    slopes = _bounded("valuations.slopes", _each("slopes", family.slopes, needs.shape[0]))
    curvatures = _each("curvatures", family.curvatures, needs.shape[0])
    if curvatures.min() < 0:
        raise _convex("curvatures", curvatures, curvatures < 0, "With a curvature below 0")
    bounds = _each("bounds", family.bounds, needs.shape[0])
    if not bounds.min() >= 0:
        raise _wrong("valuations.bounds", bounds, ~(bounds >= 0))
    return BoundedLeontief(needs, slopes, _bounded("valuations.curvatures", curvatures), bounds)


@_checked.register
def _(family: Quadratic) -> Quadratic:
    slopes = _table("slopes", family.slopes)
    curvatures = _like("curvatures", family.curvatures, slopes.shape)
    if curvatures.min() < 0:
        raise _convex("curvatures", curvatures, curvatures < 0, "With a curvature below 0")
    return Quadratic(slopes, _bounded("valuations.curvatures", curvatures))


@_checked.register
def _(family: Logarithmic) -> Logarithmic:
    scales = _table("scales", family.scales)
    offsets = _like("offsets", family.offsets, scales.shape)
    return Logarithmic(scales, _positive("offsets", offsets))


@_checked.register
def _(family: PiecewiseLinear) -> PiecewiseLinear:
    slopes, widths = _pieces(family)
    _require_falling(slopes, slopes)
    return PiecewiseLinear(slopes, widths)


@_checked.register
def _(family: PiecewiseQuadratic) -> PiecewiseQuadratic:
    slopes, widths = _pieces(family)
    curvatures = _like("curvatures", family.curvatures, slopes.shape)
    if curvatures.min() < 0:
        raise _convex("curvatures", curvatures, curvatures < 0, "With a curvature below 0")
    peak = slopes / np.where(curvatures > 0, curvatures, 1.0)
    widths = np.where(curvatures > 0, np.minimum(widths, peak), widths)
    ends = slopes - np.where(curvatures > 0, curvatures * np.minimum(widths, peak), 0.0)
    _require_falling(slopes, ends)
    return PiecewiseQuadratic(slopes, _bounded("valuations.curvatures", curvatures), widths)


def _pieces(family: Any) -> tuple[np.ndarray, np.ndarray]:
    slopes = _table("slopes", family.slopes, axes=3)
    widths = _like("widths", family.widths, slopes.shape)
    if not widths.min() >= 0:
        raise _wrong("valuations.widths", widths, ~(widths >= 0))
    return slopes, widths


def _require_falling(slopes: np.ndarray, ends: np.ndarray) -> None:
    rises = slopes[:, :, 1:] > ends[:, :, :-1] + SUMS * (slopes - ends)[:, :, :-1]
    if rises.any():
        i, j, k = map(int, np.argwhere(rises)[0])
        raise NotConcave(
            f"valuations.slopes[{i}, {j}] rise from {ends[i, j, k]} to {slopes[i, j, k + 1]}.",
            "The first units of a good must be worth most.",
            "Put the pieces in order, the steepest first.",
        )


@_checked.register
def _(family: CoupledQuadratic) -> CoupledQuadratic:
    slopes = _table("slopes", family.slopes)
    agents, goods = slopes.shape
    curvatures = _like("curvatures", family.curvatures, (agents, goods, goods))
    largest = np.abs(curvatures).max(axis=(1, 2))
    if not largest.max() < np.inf:
        raise _wrong("valuations.curvatures", curvatures, ~np.isfinite(curvatures))
    skew = np.abs(curvatures - curvatures.swapaxes(1, 2)).max(axis=(1, 2))
    if (skew > ROUNDING * largest).any():
        i = int(np.argmax(skew > ROUNDING * largest))
        raise InvalidMarket(
            f"valuations.curvatures[{i}] is not symmetric: two sides differ by {skew[i]}.",
            "Second derivatives are the same in either order.",
            "Give (Q + Qᵀ) / 2.",
        )
    _semidefinite(curvatures, ROUNDING * goods * largest)
    return CoupledQuadratic(slopes, curvatures)


@_checked.register
def _(family: Concave) -> Concave:
    if not callable(family.function):
        raise InvalidMarket(
            f"valuations.function is a {type(family.function).__name__}.",
            "It is asked what bundles are worth.",
            "Give a function of parameters and a bundle.",
        )
    if not isinstance(family.goods, int) or family.goods < 1:
        raise InvalidMarket(
            f"valuations.goods is {family.goods!r}.", "It counts goods.", "Give a whole number."
        )
    parameters = jax.tree.map(_wide, family.parameters)
    leaves = jax.tree.leaves(parameters)
    shapes = [leaf.shape for leaf in leaves]
    if not leaves or len({shape[:1] for shape in shapes}) != 1 or not shapes[0] or not shapes[0][0]:
        raise InvalidMarket(
            f"valuations.parameters has the shapes {shapes}.",
            "Their first axis is agents, one or more.",
            "Give every agent its parameters; np.zeros(n) if there are none.",
        )
    if any(np.any(np.isnan(leaf)) for leaf in leaves if leaf.dtype.kind == "f"):
        raise _no_number("parameters")
    return dataclasses.replace(family, parameters=parameters)


def _semidefinite(curvatures: np.ndarray, allowed: np.ndarray) -> None:
    lift = np.where(allowed > 0, allowed, 1.0)[:, None, None] * np.eye(curvatures.shape[1])
    try:
        np.linalg.cholesky(curvatures + lift)  # much faster than eigenvalues
    except np.linalg.LinAlgError:
        lowest = np.linalg.eigvalsh(curvatures)[:, 0]
        if (lowest >= -allowed).all():
            return
        i = int(np.argmin(lowest + allowed))
        raise NotConcave(
            f"valuations.curvatures[{i}] has an eigenvalue of {lowest[i]}.",
            "Worth is concave only where all of them are 0 or more.",
            "Give a positive semidefinite matrix.",
        ) from None


# --- fields of families


def _require_needs(needs: np.ndarray) -> None:
    needed = needs.any(axis=1)
    if not needed.all():
        i = int(np.argmin(needed))
        raise UnboundedDemand(
            f"valuations.needs[{i}] are all 0.",
            f"Agent {i} of these makes worth without end out of nothing.",
            "Leave it out, or say what it needs.",
        )


def _table(name: str, values: Any, axes: int = 2) -> np.ndarray:
    found = floats("valuations", values, name)
    if found.ndim != axes or found.size == 0:
        raise _empty(name, found.shape)
    return _bounded(f"valuations.{name}", found)


def _like(name: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    found = floats("valuations", values, name)
    if found.ndim == 0:
        found = np.full(shape, found)
    if found.shape != shape:
        try:
            found = np.broadcast_to(found, shape).copy()
        except ValueError as error:
            raise InvalidMarket(
                f"valuations.{name} has the shape {found.shape}.",
                f"The other numbers of these agents need {shape}.",
                "Give one number, or one for each.",
            ) from error
    if np.isnan(found).any():
        raise _no_number(name, found)
    return found


def _each(name: str, values: Any, agents: int) -> np.ndarray:
    return _like(name, values, (agents,))


def _scale(family: Any, table: np.ndarray) -> np.ndarray:
    return _positive("scale", _each("scale", family.scale, table.shape[0]))


def _positive(name: str, found: np.ndarray) -> np.ndarray:
    if found.min() > 0 and found.max() < np.inf:
        return found
    raise _wrong(f"valuations.{name}", found, ~((found > 0) & (found < np.inf)), "above 0")


def _bounded(name: str, found: np.ndarray) -> np.ndarray:
    if found.size and not (found.min() >= 0 and found.max() < np.inf):
        if name.startswith("valuations.") and np.isnan(found).any():
            raise _no_number(name.removeprefix("valuations."), found)
        raise _wrong(name, found, ~((found >= 0) & (found < np.inf)))
    return found


def _wide(leaf: Any) -> np.ndarray:
    leaf = np.asarray(leaf)
    return leaf.astype(np.float64) if jnp.issubdtype(leaf.dtype, np.floating) else leaf


# --- errors


def _at(where: np.ndarray) -> list[int]:
    return np.argwhere(where)[0].tolist()


def _wrong(name: str, found: np.ndarray, where: np.ndarray, range_: str = "0 or more") -> Exception:
    first = _at(where)
    return InvalidMarket(
        f"{name}{first} is {found[tuple(first)]}.",
        f"It must be finite and {range_}.",
        f"Correct {name} first.",
    )


def _convex(name: str, found: np.ndarray, where: np.ndarray, why: str) -> Exception:
    first = _at(where)
    return NotConcave(
        f"valuations.{name}{first} is {found[tuple(first)]}.",
        f"{why} every unit is worth more than the one before.",
        f"Give 0 or more; {name} count downwards.",
    )


def _no_number(name: str, found: np.ndarray | None = None) -> Exception:
    place = "" if found is None else str(_at(np.isnan(found)))
    return InvalidMarket(
        f"valuations holds NaN in {name}{place}.",
        "NaN is no worth.",
        "Look where the numbers come from.",
    )


def _empty(name: str, shape: tuple[int, ...]) -> Exception:
    return InvalidMarket(
        f"valuations.{name} has the shape {shape}.",
        "It has a row for every agent and a column for every good, one of each at least.",
        "Give a table; for a single agent, a table of one row.",
    )
