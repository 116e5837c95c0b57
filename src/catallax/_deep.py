"""The deep market: one step of Algorithm 1, in the order quote, settle, act, collect."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32, Float64, Int32, Int64

from catallax._acting import actions_of
from catallax._clearing import Sale, clear_within_means
from catallax._learning import Record
from catallax._ledger import (
    N_SYSTEM,
    Account,
    Fault,
    Ledger,
    Reason,
    Transfers,
    check_books,
    fault,
    post,
    transfers,
)
from catallax._market import Setting
from catallax._population import Population, bury
from catallax._quotes import Offers, merged, quote, valuations_of
from catallax._rules import Stop
from catallax._settlement import (
    check_sale_prices,
    check_sales,
    collect_rent,
    pay_rewards,
    refinance,
    sale_transfers,
    settle_estates,
)
from catallax._state import Draws, EconomyState, progress_of
from catallax._types import NOBODY, TICKS_MAX, TICKS_PER_CREDIT, PyTree, floats


class Decision(NamedTuple):
    """What a tick decides before the worlds move.

    Attributes:
        action: `[W, ...]`.
        owner: int32 `[W]`, the account that owns each world now.
        stops: bool `[W]`, episodes that end because nobody bid.
        record: The `Record` without reward and end.
        capped: int64 scalar, sales in which a cap lowered somebody's bid.
        moves: Every transfer of the sales.
    """

    action: Array
    owner: Int32[Array, "W"]
    stops: Bool[Array, "W"]
    record: Record
    capped: Int64[Array, ""]
    moves: Transfers


def trade(
    setting: Setting,
    state: EconomyState,
    observation: Array,
    closing: Bool[Array, "W"],
    draws: Draws,
    outside: Offers | None = None,
) -> tuple[EconomyState, Decision]:
    """Quotes, clears, settles and decides: the first half of a tick.

    On a closing world the original owner buys at the auction's price, nobody explores and
    nobody acts: that is how a truncated episode is sold.

    Args:
        setting: The market in its world.
        state: Before.
        observation: `[W]` or `[W, D]`, of closing worlds the final one.
        closing: bool `[W]`, worlds that were truncated in the last tick.
        draws: Of this tick.
        outside: Offers of host agents, merged over the quotes; None without any.

    Returns:
        The state after, and the `Decision`.
    """
    senses, offers = quote(setting, state, observation)
    if outside is not None:
        offers = merged(setting, offers, outside)
    valuations, enters, bad_bid = valuations_of(setting, state, offers)
    wealth = state.ledger.balances[setting.first_agent :]
    means = jnp.maximum(wealth, 0) - setting.bond_ticks
    market = setting.market
    sale = clear_within_means(
        market.auction,
        market.exploration,
        valuations,
        enters,
        means,
        closing,
        draws.luck,
        progress_of(state),
    )
    bad = bad_bid | fault(~_finite(observation), Fault.BAD_OBSERVATION)
    ledger = state.ledger._replace(faults=state.ledger.faults | bad)
    ledger, buyer, sold, moves = _settle(setting, ledger, state.owner, sale, closing)
    ledger = check_sale_prices(ledger, sale, valuations, means, market.auction.reserve_ticks)
    owner = jnp.where(sold, buyer, state.owner)
    state = state._replace(ledger=ledger)
    state, owner = _solvency(setting, state, owner, wealth)
    return _act(
        setting, state, senses, offers, valuations, sale, sold, owner, closing, draws, moves
    )


def _settle(
    setting: Setting,
    ledger: Ledger,
    owner: Int32[Array, "W"],
    sale: Sale,
    closing: Bool[Array, "W"],
) -> tuple[Ledger, Int32[Array, "W"], Bool[Array, "W"], Transfers]:
    sold = sale.winner != NOBODY
    buyer = jnp.where(closing, Account.ORIGINAL_OWNER, setting.first_agent + sale.buyer)
    buyer = buyer.astype(jnp.int32)
    terms = (owner, buyer, sale.price, sale.paid, sold, setting.market.gamma)
    moves = sale_transfers(*terms)
    after = post(ledger, moves)
    return check_sales(ledger, after, *terms), buyer, sold, moves


def _solvency(
    setting: Setting,
    state: EconomyState,
    owner: Int32[Array, "W"],
    wealth_before: Int64[Array, "N"],
) -> tuple[EconomyState, Int32[Array, "W"]]:
    """Tests every agent once: refinances it, or closes its account and frees its worlds."""
    ledger, population, first = state.ledger, state.population, setting.first_agent
    wealth = ledger.balances[first:]
    if setting.floor_ticks is not None:
        poor = population.alive & (wealth < setting.floor_ticks)
        ledger = jax.lax.cond(
            jnp.any(poor),
            lambda ledger: refinance(ledger, first, poor, setting.endowment_ticks),
            lambda ledger: ledger,  # nobody is poor in nearly every tick: then no account is read
            ledger,
        )
        topped = population.refinanced + jnp.sum(poor, dtype=jnp.int64)
        population = population._replace(refinanced=topped)
        return state._replace(ledger=ledger, population=population), owner
    dead = population.alive & (wealth < 0)
    ledger = jax.lax.cond(
        jnp.any(dead),
        lambda ledger: settle_estates(ledger, first, dead),
        lambda ledger: ledger,
        ledger,
    )
    of_agent = owner >= first
    lost = of_agent & dead[jnp.where(of_agent, owner - first, 0)]
    owner = jnp.where(lost, jnp.int32(Account.ORIGINAL_OWNER), owner)
    return state._replace(ledger=ledger, population=bury(population, dead)), owner


def _act(
    setting: Setting,
    state: EconomyState,
    senses: PyTree,
    offers: Offers,
    valuations: Int64[Array, "N W"],
    sale: Sale,
    sold: Bool[Array, "W"],
    owner: Int32[Array, "W"],
    closing: Bool[Array, "W"],
    draws: Draws,
    moves: Transfers,
) -> tuple[EconomyState, Decision]:
    first = setting.first_agent
    bankrupt = owner < first
    actor = jnp.where((sale.buyer == NOBODY) | bankrupt, NOBODY, sale.buyer)
    action = actions_of(setting, state, senses, offers, actor, draws)
    ledger_price = sale.price.astype(jnp.float64) / TICKS_PER_CREDIT
    record = Record(
        senses=tuple(
            sensed if species.learns else ()
            for species, sensed in zip(setting.species, senses, strict=True)
        ),
        actor=actor,
        action=action,
        price=_read_price(offers, valuations, sale, ledger_price),
        paid=(sale.paid.astype(jnp.float64) / TICKS_PER_CREDIT).astype(jnp.float32),
        sold=sold,
        closing=closing,
        reward=jnp.zeros(setting.worlds, jnp.float32),
        ended=closing,
    )
    stops = jnp.zeros(setting.worlds, bool)
    if isinstance(setting.market.nobody, Stop):
        stops = (actor == NOBODY) & ~closing
    capped = jnp.sum(sale.capped & sold, dtype=jnp.int64)
    population = _won(state.population, actor, state.tick)
    state = state._replace(owner=owner, population=population)
    return state, Decision(action, owner, stops, record, capped, moves)


def _read_price(
    offers: Offers,
    valuations: Int64[Array, "N W"],
    sale: Sale,
    ledger_price: Float64[Array, "W"],
) -> Float32[Array, "W"]:
    """Returns the price as learners read it: the setter's own float where the books agree."""
    slot = jnp.maximum(sale.setter, 0)[None, :]
    credits = jnp.take_along_axis(offers.credits, slot, axis=0)[0]
    ticks = jnp.take_along_axis(valuations, slot, axis=0)[0]
    same = (sale.setter != NOBODY) & (ticks == sale.price)
    near = jnp.abs(credits - ledger_price) < 2 / TICKS_PER_CREDIT
    return jnp.where(same & near, credits, ledger_price.astype(jnp.float32))


def _won(population: Population, actor: Int32[Array, "W"], tick: Int64[Array, ""]) -> Population:
    n_agents = population.alive.shape[0]
    slot = jnp.where(actor == NOBODY, n_agents, actor)
    return population._replace(
        wins=population.wins.at[slot].add(1, mode="drop"),
        last_won=population.last_won.at[slot].set(tick, mode="drop"),
    )


def collect(
    setting: Setting,
    state: EconomyState,
    decision: Decision,
    reward: Float32[Array, "W"],
    terminated: Bool[Array, "W"],
    observation: Array | None,
) -> tuple[EconomyState, Record, tuple[Transfers, ...]]:
    """Pays rewards and rents and closes the tick: its second half.

    Args:
        setting: The market in its world.
        state: After `trade`.
        decision: Of `trade`.
        reward: float32 `[W]`, credits, from the world; ignored where it did not move.
        terminated: bool `[W]`, whether the world said that the episode is over.
        observation: Of the state reached, for consumers; None without any.

    Returns:
        The state after, the tick's `Record`, and the transfers.
    """
    moved = ~decision.record.closing & ~decision.stops
    fine = jnp.abs(reward) * TICKS_PER_CREDIT <= TICKS_MAX
    reward = jnp.where(moved & fine, reward, 0)
    bad = fault(jnp.any(moved & ~fine), Fault.BAD_REWARD)
    ledger = state.ledger._replace(faults=state.ledger.faults | bad)
    ledger, earned, moves = _rewards(setting, ledger, decision.owner, reward, moved, observation)
    if setting.market.rent.rate > 0:
        held = _held(setting, decision.owner)
        ledger, _ = collect_rent(
            ledger, setting.first_agent, held, setting.worlds, setting.market.rent.fraction
        )
    ended = decision.record.closing | decision.stops | (moved & terminated)
    record = decision.record._replace(reward=earned, ended=ended)
    owner = jnp.where(ended, jnp.int32(Account.ORIGINAL_OWNER), decision.owner)
    state = state._replace(ledger=check_books(ledger), owner=owner, tick=state.tick + 1)
    return state, record, moves


def _rewards(
    setting: Setting,
    ledger: Ledger,
    owner: Int32[Array, "W"],
    reward: Float32[Array, "W"],
    moved: Bool[Array, "W"],
    observation: Any,
) -> tuple[Ledger, Float32[Array, "W"], tuple[Transfers, ...]]:
    if not setting.market.consumers:
        ticks = jnp.round(reward.astype(jnp.float64) * TICKS_PER_CREDIT).astype(jnp.int64)
        payer = jnp.full(setting.worlds, Account.NATURE, jnp.int32)
        ledger, moves = pay_rewards(ledger, payer, owner, ticks)
        return ledger, reward, (moves,)
    return _consume(setting, ledger, owner, reward, moved, observation)


def _consume(
    setting: Setting,
    ledger: Ledger,
    owner: Int32[Array, "W"],
    reward: Float32[Array, "W"],
    moved: Bool[Array, "W"],
    observation: Any,
) -> tuple[Ledger, Float32[Array, "W"], tuple[Transfers, ...]]:
    """Consumers pay what they want the state reached for, each within its balance."""
    earned, moves = jnp.zeros(setting.worlds, jnp.int64), []
    for index, consumer in enumerate(setting.market.consumers):
        account = N_SYSTEM + index
        with floats():
            wanted = jax.vmap(consumer.wants)(observation, reward).astype(jnp.float32)
        fine = jnp.abs(wanted) * TICKS_PER_CREDIT <= TICKS_MAX
        ledger = ledger._replace(
            faults=ledger.faults | fault(jnp.any(moved & ~fine), Fault.BAD_REWARD)
        )
        scaled = jnp.where(moved & fine, wanted, 0).astype(jnp.float64) * TICKS_PER_CREDIT
        ticks = jnp.round(scaled).astype(jnp.int64)
        cap = jnp.maximum(ledger.balances[account], 0) // setting.worlds
        ticks = jnp.minimum(ticks, cap)
        payer = jnp.full(setting.worlds, account, jnp.int32)
        ledger, paid = pay_rewards(ledger, payer, owner, ticks)
        stipend = jnp.asarray([round(consumer.stipend * TICKS_PER_CREDIT)], jnp.int64)
        grant = transfers(Account.NATURE, account, stipend, Reason.ENDOWMENT)
        ledger = post(ledger, grant)
        earned, moves = earned + ticks, [*moves, paid, grant]
    return ledger, (earned / TICKS_PER_CREDIT).astype(jnp.float32), tuple(moves)


def _held(setting: Setting, owner: Int32[Array, "W"]) -> Int64[Array, "N"]:
    """Returns how many worlds each agent holds."""
    slot = jnp.where(owner >= setting.first_agent, owner - setting.first_agent, setting.n_agents)
    return jnp.zeros(setting.n_agents, jnp.int64).at[slot].add(1, mode="drop")


def _finite(observation: Array) -> Bool[Array, ""]:
    if jnp.issubdtype(observation.dtype, jnp.floating):
        return jnp.all(jnp.isfinite(observation))
    return jnp.asarray(True)
