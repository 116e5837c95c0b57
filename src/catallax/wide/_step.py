"""The step of a wide market, around its clearing: what comes in, what is paid, what is made."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float64, Int64

from catallax._ledger import (
    N_SYSTEM,
    Account,
    Fault,
    Ledger,
    Reason,
    check_books,
    fault,
    post,
    transfers,
)
from catallax._payments import collect_carrying_costs, hand_over, pay_stipends, pay_trade
from catallax._property import PropertyRights
from catallax._settlement import settle_estates
from catallax._stocks import (
    Moved,
    Stocks,
    added,
    arrive,
    bequeath,
    consume,
    depreciate,
    dispose,
    drift,
    transform,
    unsound,
)
from catallax._trade import Trade, trade
from catallax._types import TICKS_MAX, TICKS_PER_CREDIT

from ._cast import Cast
from ._habits import Inert, kept_up, waited
from ._lessons import learned
from ._makers import Makers, made_of, revenue_of
from ._state import WideState
from ._tastes import Tastes, View, remembered, worths_of
from ._turnover import Lives, entering, leaving, lived, paid_in, restarted

HEIR = 0
"""The row of the original owner, to whom the goods of the bankrupt revert."""


class Offer(NamedTuple):
    """What is offered in a step, and who can pay how much for it.

    Attributes:
        begun: What everybody held before.
        state: With what came in.
        moved: What came in.
        supply: float64 `[m]`, quantities of goods, as they are seen.
        means: int64 `[n]`, ticks.
    """

    begun: Stocks
    state: WideState
    moved: Moved
    supply: Float64[Array, "m"]
    means: Int64[Array, "n"]


class Cleared(NamedTuple):
    """What `Equ` found, in the order of holders.

    Attributes:
        prices: float64 `[m]`, credits for 1 of a good.
        bundles: float64 `[n, m]`, quantities.
    """

    prices: Float64[Array, "m"]
    bundles: Float64[Array, "n m"]


class Pace(NamedTuple):
    """How fast things change.

    Attributes:
        rate: λ.
        inertia: The numbers of `Inertia` that act between steps.
        patience: The numbers of `Patience` that act between steps.
        experience: μ and ε of `Experience`.
    """

    rate: float
    inertia: Inert
    patience: tuple[float, float, float]
    experience: tuple[float, float]


class Seen(NamedTuple):
    """What a step was like.

    Attributes:
        trade: Who bought and sold what for how much.
        worths: float64 `[n]`, credits, what households used up was worth to them.
        costs: float64 `[P]`, credits that levels cost.
        gains: float64 `[P]`, credits, what producers earned, less what they spent and levels cost.
        levels: float64 `[P]`, of techniques; NaN for those without one.
        made: float64 `[P, C]`, quantities of components.
        moved: What entered and left the world, in quanta of components.
        drift: int64 `[C]`, quanta that came from or went nowhere.
        bad: bool `[P, C]`, where what was made is no stock.
        flows: int64 `[7, n, C]`, what holders received in quanta, by `FLOWS`.
    """

    trade: Trade
    worths: Float64[Array, "n"]
    costs: Float64[Array, "P"]
    gains: Float64[Array, "P"]
    levels: Float64[Array, "P"]
    made: Float64[Array, "P C"]
    moved: Moved
    drift: Int64[Array, "C"]
    bad: Bool[Array, "P C"]
    flows: Int64[Array, "7 n C"]


FLOWS = ("arrived", "bought", "sold", "used", "spoiled", "made", "reverted")
"""Why stocks of goods change, in the order in which they do."""


def offered(cast: Cast, state: WideState, rights: PropertyRights) -> Offer:
    """Books what comes in to its owners, and says what there is to buy and to pay with."""
    stocks, moved = arrive(state.stocks, cast.arrivals)
    quanta = rights.observe(jnp.sum(stocks.holdings, axis=0))
    means = jnp.maximum(state.ledger.balances[cast.accounts], 0)
    supply = quanta * jnp.asarray(cast.units)
    return Offer(state.stocks, state._replace(stocks=stocks), moved, supply, means)


def settled(
    cast: Cast,
    makers: Makers,
    others: Any,
    wants: Any,
    tastes: Tastes,
    first_household: int,
    offer: Offer,
    cleared: Cleared,
    pace: Pace,
    rights: PropertyRights,
) -> tuple[WideState, Seen]:
    """Pays for what was bought, lets it be used up, and makes of it what the next step offers.

    Args:
        cast: The holders.
        makers: The producers as arrays.
        others: The techniques that are none.
        wants: What households want.
        tastes: Of those who have no list of wants, or bid by something else.
        first_household: The row of the first household.
        offer: What was offered.
        cleared: What `Equ` found.
        pace: How fast expectations, habits and lessons change.
        rights: Which components are in whose bundle.

    Returns:
        The state after, with faults in its ledger, and what was `Seen`.
    """
    before = offer.state
    units, carrying = jnp.asarray(cast.units), jnp.asarray(cast.goods.carrying)
    deal = trade(rights.observe(before.stocks.holdings), *cleared, offer.means, units)
    bought, returned = parts_of(rights, before.stocks, deal)
    ledger = pay_trade(before.ledger, deal, cast.accounts, offer.means)
    ledger = _discounted(cast, ledger, deal)
    bundles = deal.bought * units
    producers = first_household + wants.agents
    measures = jnp.asarray(cast.goods.units)
    parts = bought[producers:] * measures
    made = made_of(makers, others, bundles[producers:], parts)
    view = View(before.step, before.forecasts, offer.supply)
    eaten = bundles[first_household:producers]
    worth = wants.worth(eaten) + worths_of(tastes, view, eaten)
    worths = jnp.zeros(bundles.shape[0]).at[first_household:producers].set(worth)
    stocks, moved, keep = _kept(cast, before.stocks, bought, returned)
    ledger, _ = collect_carrying_costs(ledger, keep, carrying, cast.accounts)
    outputs = jnp.zeros(bought.shape).at[producers:].set(made.outputs / measures)
    stocks, out, bad = transform(stocks, stocks.holdings + outputs)
    finished = stocks.holdings
    ledger = _rewarded(cast, ledger, worths, made.costs, producers)
    ledger = _stipends_paid(cast, ledger, deal)
    sales, spent = _turned_over(cast, deal, made.costs, producers)
    ledger, stocks, lives, alive, enters = _moved_on(
        cast, ledger, stocks, before, sales, spent, producers
    )
    moved = added(offer.moved, moved, out)
    lost = drift(offer.begun, stocks, moved)
    found = _found(deal, bad, jnp.any(lost != 0) | jnp.any(unsound(stocks)))
    ledger = check_books(ledger._replace(faults=ledger.faults | found))
    expected = jnp.zeros_like(made.levels).at[makers.linear].set(_hoped_for(cast, makers, before))
    surprise = deal.prices - before.forecasts
    after = WideState(
        ledger=ledger,
        stocks=stocks,
        forecasts=before.forecasts + pace.rate * surprise,
        habits=kept_up(before.habits, made.levels, expected, enters, pace.inertia),
        waits=waited(before.waits, surprise, pace.patience),
        lessons=learned(makers, before.lessons, made, pace.experience),
        memories=remembered(tastes, before.memories, view, eaten, worth),
        lives=lives,
        alive=alive,
        step=before.step + 1,
    )
    stages = keep, finished, stocks.holdings
    seen = Seen(
        trade=deal,
        worths=worths,
        costs=made.costs,
        gains=sales - spent,
        levels=made.levels,
        made=made.outputs,
        moved=moved,
        drift=lost,
        bad=bad[producers:],
        flows=_flows(cast, before.stocks.holdings, bought, returned, stages),
    )
    return after, seen


def _hoped_for(cast: Cast, makers: Makers, before: WideState) -> Any:
    """Returns what a level was expected to bring, float64 `[k]`, credits."""
    return revenue_of(makers, before.forecasts, discount_of(cast), before.lessons.per_level)


def _found(deal: Trade, bad: Array, drifts: Array) -> Array:
    """Returns what is wrong with a step, as bits of `Fault`."""
    price, stock = jnp.any(deal.unpriced), jnp.any(bad)
    found = fault(price, Fault.BAD_PRICE) | fault(stock, Fault.BAD_STOCK)
    return found | fault(drifts, Fault.DRIFT)


def _flows(
    cast: Cast,
    held: Array,
    bought: Array,
    returned: Array,
    stages: tuple[Array, Array, Array],
) -> Array:
    """What holders received, by `FLOWS`: all that happened between two steps' holdings.

    Args:
        cast: The holders.
        held: int64 `[n, C]`, what was offered.
        bought: int64 `[n, C]`.
        returned: int64 `[n, C]`, what came back.
        stages: int64 `[n, C]` each: what was left of that, with what was made, at the end.
    """
    kept, finished, left = stages
    changes = kept - returned, finished - kept, left - finished
    return jnp.stack([cast.arrivals, bought, returned - held, -bought, *changes])


def parts_of(rights: PropertyRights, stocks: Stocks, deal: Trade) -> tuple[Array, Array]:
    """Returns the components, int64 `[n, C]`, that everybody bought, and that came back to it.

    Args:
        rights: Which components are in whose bundle.
        stocks: What everybody held before the trade.
        deal: The trade.

    Returns:
        Two tables, which add up to the stocks, component by component.

    Source: paper Algorithm 2, "Calculate property rights", `s[α] ← s_x(ω[α])`.
    """
    holders = deal.bought.shape[0]
    bundles = jnp.concatenate([deal.bought, deal.returned])
    parts = rights.private(jnp.sum(stocks.holdings, axis=0), bundles, None)
    return parts[:holders], parts[holders:]


def discount_of(cast: Cast) -> Float64[Array, ""]:
    """Returns γ."""
    return cast.discount[0] / cast.discount[1]


def _discounted(cast: Cast, ledger: Ledger, deal: Trade) -> Ledger:
    """Takes `price − ⌊price·γ⌋` of what producers were paid for what they made a step earlier."""
    numerator, denominator = cast.discount
    kept = deal.earned * numerator // denominator
    rest = jnp.where(cast.discounted, deal.earned - kept, 0)
    return post(ledger, transfers(cast.accounts, Account.DISCOUNT, rest, Reason.DISCOUNT))


def _kept(
    cast: Cast, stocks: Stocks, bought: Array, returned: Array
) -> tuple[Stocks, Moved, Array]:
    """Uses up what was bought; of what came back, perishables go and the rest depreciates."""
    stocks, moved = consume(stocks._replace(holdings=bought + returned), bought)
    stocks = dispose(stocks, jnp.where(cast.goods.perishable, stocks.holdings, 0))
    stocks, _ = depreciate(stocks, jnp.asarray(cast.goods.kept))
    return stocks, moved, stocks.holdings


def _rewarded(cast: Cast, ledger: Ledger, worths: Array, costs: Array, producers: int) -> Ledger:
    """Nature pays for what was used up, where it does, and always takes what levels cost."""
    rewards = jnp.where(cast.rewarded, worths, 0.0).at[producers:].add(-costs)
    ticks = jnp.floor(rewards * TICKS_PER_CREDIT)
    wrong = ~(jnp.abs(ticks) <= TICKS_MAX)
    ticks = jnp.where(wrong, 0, ticks).astype(jnp.int64)
    ledger = ledger._replace(faults=ledger.faults | fault(jnp.any(wrong), Fault.BAD_REWARD))
    return post(ledger, transfers(Account.NATURE, cast.accounts, ticks, Reason.REWARD))


def _stipends_paid(cast: Cast, ledger: Ledger, deal: Trade) -> Ledger:
    """Hands what resources earned to the treasury, and pays stipends out of it."""
    ledger = hand_over(ledger, jnp.where(cast.hands_over, deal.earned, 0), cast.accounts)
    return pay_stipends(ledger, cast.stipends, cast.accounts)[0]


def _moved_on(
    cast: Cast,
    ledger: Ledger,
    stocks: Stocks,
    before: WideState,
    sales: Array,
    spent: Array,
    producers: int,
) -> tuple[Ledger, Stocks, Lives, Array, Array]:
    """Lets the bankrupt and the losers go, then one producer come in; says who is in, and who came.

    Who goes in a step waits longest for its return.
    """
    step, rule = before.step + 1, cast.turnover
    lives = lived(before.lives, before.alive, sales, spent, rule)
    leaves = leaving(lives, before.alive, step, rule)
    ledger, stocks, alive = _solvent(ledger, stocks, before.alive, producers, leaves)
    lives = restarted(lives, before.alive & ~alive, step)
    enters = entering(ledger, lives, alive, step, rule)
    ledger = paid_in(ledger, enters, cast.accounts[producers:], rule)
    return ledger, stocks, restarted(lives, enters, step), alive | enters, enters


def _turned_over(cast: Cast, deal: Trade, costs: Array, producers: int) -> tuple[Array, Array]:
    """Returns what producers kept of their sales and what they spent, float64 `[P]`, credits."""
    numerator, denominator = cast.discount
    kept = deal.earned * numerator // denominator
    sales, spent = (ticks[producers:] / TICKS_PER_CREDIT for ticks in (kept, deal.spent))
    return sales, spent + costs


def _solvent(
    ledger: Ledger, stocks: Stocks, alive: Array, producers: int, leaves: Array
) -> tuple[Ledger, Stocks, Array]:
    """Closes the accounts of producers below 0 or who leave; their goods revert, to row 0.

    So it does with what comes in to the dead, if keeping it costs more than it brings.
    """
    first = N_SYSTEM - 1 + producers
    dead = (ledger.balances[first:] < 0) | leaves
    ledger = settle_estates(ledger, first, dead)
    gone = jnp.zeros(stocks.holdings.shape[0], bool).at[producers:].set(dead)
    return ledger, bequeath(stocks, gone, HEIR), alive & ~dead
