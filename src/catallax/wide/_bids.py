"""What everybody bids: wants of households, and forecasts propagated back through techniques."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float64, Int

from catallax.clearing.equilibrium.valuations import (
    BoundedLeontief,
    Concave,
    Mixed,
    PiecewiseLinear,
)
from catallax.industries import Household, Industry
from catallax.techniques import OnGoods

from ._makers import Makers, makers_of
from ._rules import Inertia


class Bidders(NamedTuple):
    """Everybody who bids, and in which order.

    Attributes:
        makers: The producers.
        others: Techniques that are no arrays.
        worths: For each of those, the function of prices and a bundle that it bids by.
        wants: The households' values.
        order: `[n bidders]`, households are numbered first, then producers: who stands where among
            the valuations.
    """

    makers: Makers
    others: tuple[OnGoods, ...]
    worths: tuple[Callable[[Any, Array], Array], ...]
    wants: PiecewiseLinear
    order: Int[np.ndarray, "n"]


class Outlook(NamedTuple):
    """What producers go by.

    Attributes:
        forecasts: float64 `[m]`, p̂, credits for 1 of a good in the next step.
        scales: float64 `[P]`, z̄; NaN for techniques without a level.
    """

    forecasts: Float64[np.ndarray, "m"]
    scales: Float64[np.ndarray, "P"]


def bidders_of(industry: Industry) -> Bidders:
    """Returns who bids in an industry."""
    makers, others = makers_of(industry)
    first = len(industry.households)
    order = np.concatenate([first + makers.linear, first + makers.curved, np.arange(first)])
    worths = tuple(_revenue(technique) for technique in others)
    return Bidders(makers, others, worths, wants_of(industry.households, industry.goods), order)


def wants_of(households: Sequence[Household], goods: Sequence[str]) -> PiecewiseLinear:
    """Returns what households want, each good's dearest want first.

    Args:
        households: H of them.
        goods: The names of the m goods.

    Returns:
        Values `[H, m, k]`, with as many pieces as the longest list of wants for one good has.
    """
    listed = {
        (row, goods.index(want.good)): sorted(
            (w for w in one.wants if w.good == want.good), key=lambda w: -w.worth
        )
        for row, one in enumerate(households)
        for want in one.wants
    }
    pieces = max((len(wants) for wants in listed.values()), default=1)
    slopes = np.zeros((len(households), len(goods), pieces))
    widths = np.zeros_like(slopes)
    for (row, good), wants in listed.items():
        slopes[row, good, : len(wants)] = [want.worth for want in wants]
        widths[row, good, : len(wants)] = [want.most for want in wants]
    return PiecewiseLinear(slopes, widths)


def valuations_of(
    bidders: Bidders,
    outlook: Outlook,
    alive: np.ndarray,
    inertia: Inertia,
    discount: float,
) -> Any:
    """Returns what everybody bids, `∇α_b = γ Dαᵀ p̂ − ∇cost`, in the order of `Bidders.order`.

    A producer in fixed proportions bids what a level brings, less what inertia subtracts:
    `(γ b·p̂ − c) z − (ρ/2)(z − z̄)²` up to its capacity. It reads forecasts, its own technique and
    where it has been itself, and nothing of anybody else's.

    Args:
        bidders: Who bids.
        outlook: What producers go by.
        alive: bool `[P]`; the dead bid nothing.
        inertia: How slowly they change.
        discount: γ.

    Returns:
        Valuations of one or more families.

    Source: paper section 2.2, "Computing prices via backpropagation".
    """
    families: list[Any] = []
    makers, worth = bidders.makers, discount * outlook.forecasts
    if makers.linear.size:
        gains, scales = level_gains(makers, outlook, discount), outlook.scales[makers.linear]
        bend = inertia.strength * np.maximum(gains, 0.0) / _capacity(makers, scales)
        slopes = np.maximum(gains + bend * scales, 0.0) * alive[makers.linear]
        activities = makers.activities
        families.append(
            BoundedLeontief(
                np.asarray(activities.inputs), slopes, bend, np.asarray(activities.capacity)
            )
        )
    for row, function in zip(makers.curved.tolist(), bidders.worths, strict=True):
        prices = (worth * alive[row])[None]
        families.append(Concave(function, (prices, alive[row : row + 1] * 1.0), worth.size))
    families.append(bidders.wants)
    return Mixed(tuple(families)) if len(families) > 1 else families[0]


def level_gains(makers: Makers, outlook: Outlook, discount: float) -> Float64[np.ndarray, "k"]:
    """Returns what a level is expected to bring, `γ b·p̂ − c`, of techniques in fixed proportions.

    Args:
        makers: The producers.
        outlook: What they go by.
        discount: γ.

    Returns:
        float64 `[k]`, credits, of either sign.
    """
    activities = makers.activities
    revenue = np.asarray(activities.outputs) @ (discount * outlook.forecasts)
    return revenue - np.asarray(activities.unit_cost)


def _capacity(makers: Makers, scales: np.ndarray) -> np.ndarray:
    """Returns capacities, and for those who have none what they have been doing."""
    capacity = np.asarray(makers.activities.capacity)
    usual = np.where(np.isfinite(capacity), capacity, np.maximum(scales, 1.0))
    return np.maximum(usual, 1e-12)


def _revenue(technique: OnGoods) -> Callable[[Any, Array], Array]:
    def worth(settings: Any, bundle: Array) -> Array:
        prices, alive = settings
        return prices @ technique.produce(bundle) - alive * technique.cost(bundle)

    return worth
