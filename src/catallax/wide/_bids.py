"""What everybody bids: wants of households, and forecasts propagated back through techniques."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float64, Int

from catallax._types import TICKS_PER_CREDIT
from catallax.clearing.equilibrium._market import Money, Rules
from catallax.clearing.equilibrium.valuations import (
    BoundedLeontief,
    Concave,
    Linear,
    Mixed,
    PiecewiseLinear,
    PiecewiseQuadratic,
    Quadratic,
)
from catallax.industries import Household, Industry
from catallax.techniques import OnGoods

from ._habits import Habits
from ._makers import Makers, makers_of, revenue_of
from ._market import HOMOGENEOUS, WideMarket
from ._tastes import Tastes, View, believed, tastes_of

LEAST = 0.05
"""Who has no capacity counts as this share of the most it ever did, if it does less now."""

TRIFLE = 10
"""Who ever needed fewer quanta of all inputs could never grow by shares of what it does."""


class Bidders(NamedTuple):
    """Everybody who bids, and in which order.

    Attributes:
        makers: The producers.
        others: Techniques that are no arrays.
        worths: For each of those, the function of prices and a bundle that it bids by.
        wants: The households' wants, H of them; a taste lists none.
        plain: Which households bid by their wants.
        tastes: By what the others bid.
        order: `[n bidders]`, households are numbered first, then producers: who stands where among
            the valuations.
    """

    makers: Makers
    others: tuple[OnGoods, ...]
    worths: tuple[Callable[[Any, Array], Array], ...]
    wants: PiecewiseLinear
    plain: Int[np.ndarray, "h"]
    tastes: Tastes
    order: Int[np.ndarray, "n"]


class Outlook(NamedTuple):
    """What agents go by: last prices, and what each has seen of its own.

    Attributes:
        forecasts: float64 `[m]`, p̂, credits for 1 of a good in the next step.
        offered: float64 `[m]`, what sellers hold.
        habits: What producers are used to.
        alive: bool `[P]`.
        lessons: float64 `[P, m]`, what those whose inputs have grades expect to make of a level.
        waits: float64 `[m]`, the share of its patience that each good's market has.
        memories: What those who bid by a taste remember.
        step: Steps since genesis.
    """

    forecasts: Float64[np.ndarray, "m"]
    offered: Float64[np.ndarray, "m"]
    habits: Habits
    alive: Bool[np.ndarray, "P"]
    lessons: Float64[np.ndarray, "P m"]
    waits: Float64[np.ndarray, "m"] | float = 1.0
    memories: tuple[Any, ...] = ()
    step: Int[np.ndarray, ""] = np.zeros((), np.int64)


def bidders_of(industry: Industry) -> Bidders:
    """Returns who bids in an industry."""
    makers, others = makers_of(industry)
    households = industry.households
    first, tastes = len(households), tastes_of(households, industry.looks)
    plain = np.array([row for row, one in enumerate(households) if one.bids_by is None], int)
    rows = np.array(tastes.rows, int)
    order = np.concatenate([first + makers.linear, first + makers.curved, plain, rows])
    worths = tuple(Revenue(technique) for technique in others)
    wants = wants_of(households, industry.looks)
    return Bidders(makers, others, worths, wants, plain, tastes, order)


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
            (w for w in one.listed if w.good == want.good), key=lambda w: -w.worth
        )
        for row, one in enumerate(households)
        for want in one.listed
    }
    pieces = max((len(wants) for wants in listed.values()), default=1)
    slopes = np.zeros((len(households), len(goods), pieces))
    widths = np.zeros_like(slopes)
    for (row, good), wants in listed.items():
        slopes[row, good, : len(wants)] = [want.worth for want in wants]
        widths[row, good, : len(wants)] = [want.most for want in wants]
    return PiecewiseLinear(slopes, widths)


def valuations_of(bidders: Bidders, outlook: Outlook, market: WideMarket) -> Any:
    """Returns what everybody bids: producers, households, and sellers for what they hold back.

    Args:
        bidders: Who bids.
        outlook: What they go by.
        market: The rules.

    Returns:
        Valuations of one family or more; first those of `Bidders.order`, then, if anybody is
        patient, one for all sellers.

    Source: paper section 2.2, "Computing prices via backpropagation".
    """
    families, discount = [], float(market.discount)
    if bidders.makers.linear.size:
        families.append(level_bids(bidders.makers, outlook, market))
    worth, alive = discount * outlook.forecasts, outlook.alive * 1.0
    for row, function in zip(bidders.makers.curved.tolist(), bidders.worths, strict=True):
        settings = (worth * alive[row])[None], alive[row : row + 1]
        families.append(Concave(function, settings, worth.size))
    share = market.patience.share
    if bidders.plain.size:
        families.append(wanted(bidders, outlook, market))
    view = View(outlook.step, outlook.forecasts, outlook.offered)
    families += believed(bidders.tastes, outlook.memories, view)
    if share > 0:
        families.append(held_back(outlook, share * outlook.waits))
    return Mixed(tuple(families))


def money_of(bidders: Bidders, market: WideMarket) -> Rules:
    """Returns what money means to each family of `valuations_of`, or to all.

    Args:
        bidders: Who bids.
        market: The rules.

    Returns:
        One rule, or one for each family; what is held back is not bought with anybody's money.
    """
    if isinstance(market.money, str):
        return market.money
    producers, households = market.money_of_each
    families = bool(bidders.makers.linear.size) + bidders.makers.curved.size
    each: list[Money] = [producers for _ in range(families)]
    families = bool(bidders.plain.size) + len(bidders.tastes.groups)
    each.extend(households for _ in range(families))
    if market.patience.share > 0:
        each.append("none")
    return tuple(each)


def wanted(bidders: Bidders, outlook: Outlook, market: WideMarket) -> Linear | PiecewiseQuadratic:
    """Returns what households with lists of wants bid; those with budgets wait for nothing."""
    wants = jax.tree.map(lambda table: np.asarray(table)[bidders.plain], bidders.wants)
    if market.money_of_each[1] in HOMOGENEOUS:
        return Linear(wants.slopes[:, :, 0])
    return patient_wants(wants, outlook.forecasts, market.patience.share * outlook.waits)


def level_bids(makers: Makers, outlook: Outlook, market: WideMarket) -> BoundedLeontief:
    """Returns what producers in fixed proportions bid, `∇α_b = γ Dαᵀ p̂ − ∇cost − ρ (z − z̄)`.

    That is `(γ b·p̂ − c) z − (ρ/2)(z − z̄)²` up to the capacity, and less near it for who is patient.
    A producer reads forecasts, its own technique and what it did itself, and nothing of anybody
    else's; b is what it knows that a level makes, or where grades decide, what it has learnt from
    what it made.

    Args:
        makers: The producers.
        outlook: What they go by.
        market: The rules: how slowly they change, how much they wait.

    Returns:
        Values of k producers.
    """
    activities, own, inputs = makers.activities, makers.linear, np.asarray(makers.activities.inputs)
    forecasts, discount = outlook.forecasts, float(market.discount)
    revenue = np.asarray(revenue_of(makers, forecasts, discount, outlook.lessons))
    gains = revenue - np.asarray(activities.unit_cost)
    capacity = np.asarray(activities.capacity)
    habits = Habits(*(np.asarray(one)[own] for one in outlook.habits))
    usual = np.maximum(habits.scales, LEAST * habits.reached)
    units = np.array([float(good.unit) for good in market.goods or ()])
    usual = np.where(np.max(inputs / units, axis=1) * usual >= TRIFLE, usual, 0.0)
    size = np.where(np.isfinite(capacity), capacity, usual)
    most = np.maximum(habits.brought, revenue)
    # Who never did anything to speak of has nothing to change slowly.
    bend = np.divide(most, size, out=np.zeros_like(most), where=size > 0)
    bend *= market.inertia.strength * habits.grips
    slopes = np.maximum(gains + bend * habits.scales, 0.0) * outlook.alive[own]
    bend = waiting_bends(slopes, bend, capacity, inputs @ forecasts, market.patience.share)
    return BoundedLeontief(inputs, slopes, bend, capacity)


def waiting_bends(
    slopes: Float64[np.ndarray, "k"],
    bend: Float64[np.ndarray, "k"],
    capacity: Float64[np.ndarray, "k"],
    cost: Float64[np.ndarray, "k"],
    share: float,
) -> Any:
    """Returns by how much bids fall per level, so that of the last one's surplus a share is kept.

    Args:
        slopes: float64 `[k]`, what the first level is worth, in credits.
        bend: float64 `[k]`, by how much less every further one is.
        capacity: float64 `[k]`.
        cost: float64 `[k]`, `a·p̂`, what the inputs of a level are expected to cost.
        share: η.

    Returns:
        float64 `[k]`; that of before where the last level is not worth its cost.
    """
    full = np.isfinite(capacity) & (capacity > 0)
    size = np.where(full, capacity, 1.0)
    surplus = slopes - bend * size - cost
    return bend + np.where(full, share * np.maximum(surplus, 0.0) / size, 0.0)


def patient_wants(
    wants: PiecewiseLinear, forecasts: Float64[np.ndarray, "m"], share: Any
) -> PiecewiseQuadratic:
    """Returns what households bid: the last units of a want above p̂ for less, down to p̂.

    Several wants for one good wait side by side: between the worths of two of them, the last units
    of all those above are for sale to the household at once.

    Args:
        wants: Their values, each good's dearest want first.
        forecasts: float64 `[m]`, p̂.
        share: η, or float64 `[m]`, that of each good.

    Returns:
        Values with two pieces to a want: its first units, and the last ones of all down to there.
    """
    slopes, widths = np.asarray(wants.slopes), np.asarray(wants.widths)
    expected = np.broadcast_to(forecasts[:, None], slopes.shape)
    over = np.maximum(slopes - expected, 0.0)
    waits = (over > 0) & np.isfinite(widths)
    each = np.reshape(share, (-1, 1)) * np.divide(
        widths, slopes, out=np.zeros_like(over), where=waits
    )
    density = np.cumsum(each, axis=2)
    lower = np.concatenate([slopes[:, :, 1:], np.zeros_like(slopes[:, :, :1])], axis=2)
    last = density * np.maximum(slopes - np.maximum(lower, expected), 0.0)
    bend = np.divide(1.0, density, out=np.zeros_like(over), where=density > 0)
    first = widths - np.where(waits, each * over, 0.0)
    shape = (*slopes.shape[:2], -1)
    return PiecewiseQuadratic(
        np.stack([slopes, slopes], axis=3).reshape(shape),
        np.stack([0 * bend, bend], axis=3).reshape(shape),
        np.stack([np.maximum(first, 0.0), last], axis=3).reshape(shape),
    )


def held_back(outlook: Outlook, share: Any) -> Quadratic:
    """Returns at what prices all sellers together hold back how much: `η S (1 − p/p̂)`.

    Args:
        outlook: What they go by.
        share: η, or float64 `[m]`, that of each good.

    Returns:
        Values of one agent, who buys what is not sold; it pays nobody, and gets nothing.
    """
    forecasts, most = outlook.forecasts, share * outlook.offered
    # What is worth less than a tick in all is not held back.
    worthwhile = forecasts * most * TICKS_PER_CREDIT >= 1
    slopes = np.where(worthwhile, forecasts, 0.0)
    bend = np.divide(forecasts, most, out=np.zeros_like(slopes), where=worthwhile)
    return Quadratic(slopes[None], bend[None])


@dataclass(frozen=True)
class Revenue:
    """What a technique's outputs are expected to bring, less its cost; alike techniques compare."""

    technique: OnGoods

    def __call__(self, settings: Any, bundle: Array) -> Array:
        """Returns credits, of prices and 1 for the living (0 for the dead), and a bundle."""
        prices, alive = settings
        return prices @ self.technique.produce(bundle) - alive * self.technique.cost(bundle)
