"""A picture of an equilibrium: prices, who gets what, and supply and demand of each good.

The demand for a good is drawn as its price alone varies. An agent's demand is minus the slope of
what it adds to the dual, which is convex in prices: `max_y v(y) − p·y`, with `min(v, w)` for v
under a cap; of values of degree 1 with unit cost e, `w (−log e)⁺` with a budget and `−w log e` in
a Fisher market. So the fall of that between two prices, over their distance, is the mean demand
between them, and no demand function is needed. Other values with a budget have no such dual, and
tangents describe no demand: there the picture has no curves.
"""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from catallax._cli._show_market import MONEY, amount, at_stake, dearest, ranked, shown_prices
from catallax._errors import MissingExtra
from catallax._types import exact
from catallax.clearing.equilibrium._market import Market
from catallax.clearing.equilibrium._regret import best_utility
from catallax.clearing.equilibrium.valuations import (
    Linear,
    Logarithmic,
    PiecewiseLinear,
    Quadratic,
)

if TYPE_CHECKING:
    from catallax._cli._market_files import MarketFile
    from catallax.clearing.equilibrium import Equilibrium

CURVES, BARS, AGENTS, STEPS = 9, 16, 7, 100
ADDS_UP = (Linear, Quadratic, Logarithmic, PiecewiseLinear)
COLOURS = ("#3b6ea5", "#d98c3f", "#5a9e6f", "#b5546b", "#7d6bb0", "#8c7355", "#4fa3a8")
OTHERS, LEFT, INK = "#b9bec6", "#eceef1", "#30343b"


def drawing() -> Callable[["MarketFile", "Equilibrium", str], bytes]:
    """Returns `draw`, with the figures of matplotlib.

    Raises:
        MissingExtra: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra(
            "A picture was asked for, and matplotlib is not installed.",
            "It is an extra, which only this needs.",
            "Install it with: pip install 'catallax[plot]'.",
        ) from error
    return partial(draw, Figure)


def draw(figures: Any, market: "MarketFile", found: "Equilibrium", kind: str) -> bytes:
    """Draws an equilibrium.

    Args:
        figures: The class of figures of matplotlib.
        market: From its file.
        found: Its equilibrium.
        kind: png or svg.

    Returns:
        The bytes of the picture.
    """
    goods = dearest(market, found, CURVES)
    curves = demand_curves(market, found, goods)
    columns = min(3, len(goods))
    rows = -(-len(goods) // columns) if curves else 0
    figure = figures(figsize=(9, 3.2 + 2.5 * rows), layout="constrained")
    above, *below = figure.subfigures(
        1 + bool(rows), 1, height_ratios=[3.2, 2.5 * rows][: 1 + bool(rows)], squeeze=False
    )[:, 0]
    above.suptitle(
        f"{MONEY[market.money].capitalize()}: every condition of an equilibrium holds to "
        f"{float(found.certificate.violation):.0e}",
        fontsize="medium",
    )
    _overview(above, market, found)
    if curves:
        axes = below[0].subplots(rows, columns, squeeze=False).ravel()
        for axis, good, curve in zip(axes, goods.tolist(), curves, strict=False):
            _crossing(axis, market, found, good, curve)
        for axis in axes[len(goods) :]:
            axis.set_axis_off()
        axes[0].legend(fontsize="x-small", frameon=False, loc="upper right")
    file = BytesIO()
    # Without a date in it the same market gives the same picture.
    figure.savefig(file, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return file.getvalue()


def _overview(figure: Any, market: "MarketFile", found: "Equilibrium") -> None:
    goods = dearest(market, found, BARS)
    names = [_short(market.goods[good]) for good in goods]
    left, right = figure.subplots(1, 2, sharey=True)
    rows = np.arange(len(goods))
    prices = np.nan_to_num(shown_prices(market, found)[goods])
    left.barh(rows, prices, 0.65, color=COLOURS[0])
    for row, price in enumerate(prices.tolist()):
        left.annotate(
            amount(price), (price, row), (3, 0), textcoords="offset points", va="center", size=8
        )
    left.set_yticks(rows, names, fontsize="small")
    left.invert_yaxis()
    left.set_xlim(0, 1.15 * float(prices.max(initial=0.0)) or 1.0)
    left.set_title("Prices, money a unit", fontsize="medium", loc="left")
    _shares(right, market, found, goods)
    for axis in (left, right):
        _plain(axis)


def _shares(axis: Any, market: "MarketFile", found: "Equilibrium", goods: np.ndarray) -> None:
    """Draws who gets what share of each good: who pays most first, then all others, then nobody."""
    largest = np.sort(ranked(market, found)[:AGENTS])
    given = np.maximum(found.bundles[:, goods], 0.0)
    total = np.maximum(market.supply[goods], given.sum(axis=0))
    given = given / np.where(total > 0, total, 1.0)
    parts = [(_short(market.agents[one]), given[one], COLOURS[k]) for k, one in enumerate(largest)]
    if len(market.agents) > len(largest):
        rest = given.sum(axis=0) - given[largest].sum(axis=0)
        parts.append((f"{len(market.agents) - len(largest):,} others", rest, OTHERS))
    left = np.maximum(1 - given.sum(axis=0), 0.0) * (total > 0)
    if (left > 1e-3).any():
        parts.append(("left over", left, LEFT))
    start, rows = np.zeros(len(goods)), np.arange(len(goods))
    for name, share, colour in parts:
        axis.barh(rows, share, 0.65, left=start, color=colour, edgecolor="white", label=name)
        start = start + share
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axis.set_title("Who gets what, of the supply", fontsize="medium", loc="left")
    axis.legend(fontsize="x-small", frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _crossing(axis: Any, market: "MarketFile", found: "Equilibrium", good: int, curve: Any) -> None:
    edges, demand = curve
    supply, price = float(market.supply[good]), float(shown_prices(market, found)[good])
    wide = 2.2 * supply if supply > 0 else 1.1 * float(demand.max(initial=1.0))
    axis.stairs(
        *(demand, edges), orientation="horizontal", baseline=None, color=COLOURS[0], label="demand"
    )
    axis.axvline(supply, color=COLOURS[1], label="supply")
    axis.axhline(price, color=INK, linewidth=0.7, linestyle=":")
    given = float(found.bundles[:, good].sum())
    if price == 0:
        # What is given out of a free good is a best bundle of somebody, so demand reaches it.
        axis.plot([demand[0], given], [0, 0], color=COLOURS[0], clip_on=False)
    axis.plot([given], [price], "o", color=INK, markersize=5, label="equilibrium", clip_on=False)
    axis.set(xlim=(0, wide), ylim=(0, edges[-1]))
    title = f"{_short(market.goods[good])}: {amount(given)} at {amount(price)}"
    axis.set_title(title, fontsize="medium", loc="left")
    axis.set_xlabel("quantity", fontsize="small")
    if axis.get_subplotspec().is_first_col():
        axis.set_ylabel("its price", fontsize="small")
    _plain(axis)


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize="small", colors=INK)


def _short(name: str) -> str:
    # A dollar sign would begin a formula.
    name = name.replace("$", r"\$")
    return name if len(name) <= 18 else f"{name[:17]}…"


# --- demand


def demand_curves(
    market: "MarketFile", found: "Equilibrium", goods: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the demand for goods as their price alone varies, each from near 0 to twice its own.

    Args:
        market: From its file.
        found: Its equilibrium.
        goods: Their numbers.

    Returns:
        A pair a good: `[steps + 1]`, prices, and `[steps]`, the mean demand between them; or
        nothing where valuations have no such curve.
    """
    if not has_curves(market):
        return []
    prices = shown_prices(market, found)
    typical = at_stake(market, found) / (float(market.supply.sum()) or 1.0)
    curves = []
    for good in goods.tolist():
        # A free good has no price to double.
        bend = float(prices[good]) or typical or 1.0
        edges = bend * np.linspace(0.02, 2.0, 2 * STEPS + 1)
        edges[np.argmin(np.abs(edges - bend))] = bend
        curves.append((edges, _mean_demand(market, found, good, edges)))
    return curves


def has_curves(market: "MarketFile") -> bool:
    """Returns whether everybody's demand is the slope of a dual that is known."""
    families = getattr(market.valuations, "families", (market.valuations,))
    limited = market.money in ("budget", "fisher")
    return all(
        family.homogeneous or (not limited and isinstance(family, ADDS_UP)) for family in families
    )


def _mean_demand(
    market: "MarketFile", found: "Equilibrium", good: int, edges: np.ndarray
) -> np.ndarray:
    wealth = np.ones(len(market.agents)) if market.wealth is None else market.wealth
    with exact():
        supply = jnp.asarray(market.supply)
        inner = Market(market.valuations, supply, jnp.asarray(wealth), market.money)
        duals = np.asarray(_duals(inner, found.prices, found.bundles, good, edges))
    with np.errstate(invalid="ignore"):
        demand = (duals[:-1] - duals[1:]) / np.diff(edges)
    return np.where(np.isfinite(demand), np.maximum(demand, 0.0), 0.0)


@jax.jit
def _duals(
    market: Market,
    prices: Float[Array, "m"],
    bundles: Float[Array, "n m"],
    good: Any,
    edges: Float[Array, "k"],
) -> Float[Array, "k"]:
    """Returns what all agents add to the dual at each price of one good."""

    def dual(price: Array) -> Array:
        varied = prices.at[good].set(price)
        if market.money in ("none", "cap"):
            unit = jnp.ones(market.wealth.shape)
            return jnp.sum(best_utility(market, varied, bundles, unit))
        gain = -jnp.log(jnp.clip(market.valuations.unit_cost(varied), 1e-300, 1e300))
        gain = jnp.maximum(gain, 0.0) if market.money == "budget" else gain
        return jnp.sum(market.wealth * gain)

    prices = jnp.asarray(prices)
    return jax.lax.map(dual, edges)
