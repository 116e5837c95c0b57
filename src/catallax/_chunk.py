"""A chunk: some ticks with fixed parameters, then learning and life. Shared by both drivers."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from catallax._keys import stream
from catallax._learning import GroupState, Record, averaged_start, fit_group, revenues
from catallax._ledger import Account, Fault, fault
from catallax._life import Births, parent_ids
from catallax._market import Setting
from catallax._population import Population, bear, bury, sweep
from catallax._settlement import settle_estates
from catallax._state import EconomyState, progress_of
from catallax._types import NOBODY, TICKS_PER_CREDIT, Key, PyTree, floats
from catallax.agents._protocol import Species, Trade

Metrics = dict[str, Array]


class Flows(NamedTuple):
    """What the journal needs of a segment.

    Attributes:
        flows: int64 `[accounts, reasons]`, net ticks received.
        ids: int64 `[N]`, whose slots they were.
        transfers: int64 scalar, movements since genesis.
        tick: int64 scalar, the tick at which the books were closed.
    """

    flows: Array
    ids: Array
    transfers: Array
    tick: Array


def close_books(state: EconomyState) -> tuple[EconomyState, Flows]:
    """Hands the flows over to the journal and begins afresh; slots of the dead become free.

    The flows are checked against the balances they led to by the caller's audit, and must sum to
    0 for every reason here.

    Args:
        state: At the end of a segment.

    Returns:
        The state after, with empty flows, and the `Flows`.
    """
    ledger = state.ledger
    unbalanced = jnp.any(jnp.sum(ledger.flows, axis=0) != 0)
    flows = Flows(ledger.flows, state.population.ids, ledger.transfers, state.tick)
    ledger = ledger._replace(
        flows=jnp.zeros_like(ledger.flows),
        faults=ledger.faults | fault(unbalanced, Fault.UNBALANCED),
    )
    return state._replace(ledger=ledger, population=sweep(state.population)), flows


def end_chunk(
    setting: Setting, state: EconomyState, records: Record, observations: Array, tallies: Metrics
) -> tuple[EconomyState, Metrics]:
    """Learns from a chunk, lets agents leave and be born, and says what happened.

    Args:
        setting: The market in its world.
        state: After the last tick of the chunk.
        records: `[T, W, ...]`, what the books say of its ticks.
        observations: `[T, W, ...]`, for the encoders' running statistics.
        tallies: What the driver counted: episodes, returns, steps, capped sales.

    Returns:
        The state after, and the metrics of the chunk.
    """
    key = stream(state.key, "chunk", state.tick.astype(jnp.uint32))
    state, error = learn(setting, state, records, observations, stream(key, "learn"))
    state = leave_and_enter(setting, state, stream(key, "life"))
    return state, {**tallies, **economics(setting, state, records, error)}


def learn(
    setting: Setting, state: EconomyState, records: Record, observations: Array, key: Key
) -> tuple[EconomyState, Array]:
    """Fits every learning species to the trades whose revenue is known now.

    The first tick of the batch is the last of the chunk before, whose resale has now been seen.

    Args:
        setting: The market in its world.
        state: Before.
        records: `[T, W, ...]`.
        observations: `[T, W, ...]`.
        key: Consumed.

    Returns:
        The state after, and the root mean square of profit over the trades.
    """
    market, progress = setting.market, progress_of(state)
    active = state.population.alive & ~state.population.frozen
    with floats():
        joined = jax.tree.map(
            lambda first, rest: jnp.concatenate([first[None], rest]), state.pending, records
        )
        revenue, known = revenues(joined, float(market.gamma), market.learning.trace)
        traded = jax.tree.map(lambda column: column[:-1], joined)
        known = known & (traded.actor != NOBODY)
        error = _root_mean_square(revenue - traded.paid, known)
        groups = tuple(
            _learned(setting, index, group, traded, revenue, known, active, progress, key)
            for index, group in enumerate(state.groups)
        )
        groups = tuple(
            group._replace(encoder=species.encoder.update(group.encoder, observations))
            for species, group in zip(setting.species, groups, strict=True)
        )
    pending = jax.tree.map(lambda column: column[-1], records)
    return state._replace(groups=groups, pending=pending), error


def _learned(
    setting: Setting,
    index: int,
    group: GroupState,
    traded: Record,
    revenue: Array,
    known: Bool[Array, "T W"],
    active: Bool[Array, "N"],
    progress: Array,
    key: Key,
) -> GroupState:
    species, offset, size = setting.species[index], setting.offsets[index], setting.sizes[index]
    if not species.learns:
        return group
    trades = Trade(traded.senses[index], traded.action, revenue, traded.paid)
    flat = jax.tree.map(lambda leaf: leaf.reshape((-1, *leaf.shape[2:])), trades)
    return fit_group(
        species,
        setting.market.learning,
        group,
        offset,
        flat,
        traded.actor.reshape(-1),
        known.reshape(-1),
        active[offset : offset + size],
        progress,
        stream(key, "fit", index),
    )


def _root_mean_square(values: Array, mask: Array) -> Array:
    squares = jnp.sum(jnp.where(mask, values**2, 0.0))
    return jnp.sqrt(squares / jnp.maximum(jnp.sum(mask), 1))


def leave_and_enter(setting: Setting, state: EconomyState, key: Key) -> EconomyState:
    """Lets agents leave, then others be born, with their books.

    Args:
        setting: The market in its world.
        state: Before.
        key: Consumed.

    Returns:
        The state after.
    """
    market, first = setting.market, setting.first_agent
    if market.exit.idle is not None or market.exit.prune:
        groups = [slice(o, o + n) for o, n in zip(setting.offsets, setting.sizes, strict=True)]
        wealth = state.ledger.balances[first:]
        leaves = market.exit.leavers(state.population, wealth, groups, state.tick)
        state = expel(setting, state, leaves)
    if market.entry.group is None:
        return state
    offset = setting.offsets[market.entry.group]
    group = slice(offset, offset + setting.sizes[market.entry.group])
    births = market.entry.births(
        state.population, state.ledger, first, group, stream(key, "births")
    )
    return _give_birth(setting, state, births, key)


def expel(setting: Setting, state: EconomyState, leaves: Bool[Array, "N"]) -> EconomyState:
    """Lets agents go: their worlds revert to the original owner, their estates to the treasury."""
    first = setting.first_agent
    leaves = leaves & state.population.alive
    of_agent = state.owner >= first
    lost = of_agent & leaves[jnp.where(of_agent, state.owner - first, 0)]
    return state._replace(
        ledger=settle_estates(state.ledger, first, leaves),
        population=bury(state.population, leaves),
        owner=jnp.where(lost, jnp.int32(Account.ORIGINAL_OWNER), state.owner),
    )


def _give_birth(setting: Setting, state: EconomyState, births: Births, key: Key) -> EconomyState:
    market, index = setting.market, setting.market.entry.group
    assert index is not None
    population: Population = state.population
    numbers = (population.births + jnp.arange(births.slots.shape[0])).astype(jnp.int32)
    parents = parent_ids(population, births)
    group = newborn(setting, index, state.groups[index], births, numbers, market.entry.mutates, key)
    population = bear(population, births.slots, parents, state.tick)
    population = population._replace(refused=population.refused + births.refused)
    return state._replace(
        ledger=market.entry.pay(state.ledger, setting.first_agent, births),
        population=population,
        groups=(*state.groups[:index], group, *state.groups[index + 1 :]),
    )


def newborn(
    setting: Setting,
    index: int,
    group: GroupState,
    births: Births,
    numbers: Array,
    mutates: bool,
    key: Key,
) -> GroupState:
    """Writes the genes of newborns into their slots, with a fresh optimiser each."""
    species: Species = setting.species[index]
    offset, size = setting.offsets[index], setting.sizes[index]
    with floats():
        keys = jax.random.split(stream(key, "genes"), births.slots.shape[0])
        if mutates:
            parent = jax.tree.map(lambda leaf: leaf[births.parents - offset], group.genes)
            genes = jax.vmap(species.mutate)(keys, parent)
        else:
            genes = jax.vmap(lambda one, number: species.init(one, setting.spaces, number))(
                keys, numbers
            )
        place = jnp.where(births.slots == NOBODY, size, births.slots - offset)

        def put(tree: PyTree, rows: PyTree) -> PyTree:
            return jax.tree.map(
                lambda leaf, row: leaf.at[place].set(row.astype(leaf.dtype), mode="drop"),
                tree,
                rows,
            )

        fresh = group._replace(genes=put(group.genes, genes))
        if not species.learns:
            return fresh
        first = jax.vmap(setting.market.learning.direction().init)(genes.learned)
        return fresh._replace(
            optimizer=put(group.optimizer, first),
            average=put(group.average, averaged_start(setting.market.learning, genes.learned)),
        )


def economics(
    setting: Setting, state: EconomyState, records: Record, error: Array
) -> dict[str, Any]:
    """Returns the state of the economy in figures, for the metrics file."""
    population, balances = state.population, state.ledger.balances
    wealth = jnp.where(population.alive, balances[setting.first_agent :], 0)
    sales = jnp.sum(records.sold, dtype=jnp.int64)
    price = jnp.sum(jnp.where(records.sold, records.price, 0.0))
    return {
        "tick": state.tick,
        "sales": sales,
        "price_sum": price,
        "profit_rms": error,
        "alive": jnp.sum(population.alive, dtype=jnp.int64),
        "births": population.births,
        "deaths": population.deaths,
        "refused": population.refused,
        "refinanced": population.refinanced,
        "wealth_credits": jnp.sum(wealth) / TICKS_PER_CREDIT,
        "richest_credits": jnp.max(wealth) / TICKS_PER_CREDIT,
        "treasury_credits": balances[Account.TREASURY] / TICKS_PER_CREDIT,
        "discount_credits": balances[Account.DISCOUNT] / TICKS_PER_CREDIT,
        "exploration_credits": balances[Account.EXPLORATION] / TICKS_PER_CREDIT,
    }
