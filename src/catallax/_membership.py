"""Agents that come, go or stop learning while a market runs, with their books.

Like all that touches money, these functions run in the 64-bit context.
"""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from catallax._chunk import expel
from catallax._errors import BadBirth, UnknownAgent
from catallax._genesis import blank_record, group_state
from catallax._keys import stream
from catallax._learning import GroupState, averaged_start
from catallax._ledger import N_REASONS, Account, Reason, post, transfers
from catallax._market import Setting
from catallax._population import EMPTY, Population, bear, founders, free_slots
from catallax._state import EconomyState
from catallax._types import NOBODY, floats
from catallax.agents._protocol import Genes, Species


@dataclass(frozen=True)
class Agent:
    """An agent taken out of a market: it can be put back, or into another of the same world.

    Attributes:
        species: Its species.
        genes: Its own parameters, as NumPy arrays.
        id: The id that it had; where it enters next it gets a fresh one.
        wealth_ticks: What it owned when it left (the estate went to the treasury).

    Example:
        >>> import catallax as cx
        >>> Agent(cx.Constant(action=0), None, 3, 0).id
        3
    """

    species: Species
    genes: Genes | None
    id: int
    wealth_ticks: int


def slot_of(population: Population, id_: int) -> int:
    """Returns the slot of a living agent.

    Args:
        population: Who lives.
        id_: The agent's id.

    Returns:
        Its slot.

    Raises:
        UnknownAgent: If nobody alive has the id.
    """
    alive, ids = np.asarray(population.alive), np.asarray(population.ids)
    found = np.flatnonzero(alive & (ids == id_))
    if found.size == 0:
        some = ", ".join(str(i) for i in ids[alive][:10])
        raise UnknownAgent(
            f"No living agent has the id {id_}.",
            "Ids are never reused, so an agent that left does not come back under its own.",
            f"The living are {some}{' ...' if alive.sum() > 10 else ''}.",
        )
    return int(found[0])


def group_of(setting: Setting, slot: int) -> int:
    """Returns the species, by its place, to which a slot belongs."""
    return int(np.searchsorted(setting.offsets, slot, side="right")) - 1


def removed(setting: Setting, state: EconomyState, id_: int) -> tuple[EconomyState, Agent]:
    """Takes an agent out: its worlds revert, its estate goes to the treasury.

    Args:
        setting: The market in its world.
        state: Before.
        id_: Whom.

    Returns:
        The state after, and the `Agent`.

    Raises:
        UnknownAgent: If nobody alive has the id.
    """
    slot = slot_of(state.population, id_)
    index = group_of(setting, slot)
    local = slot - setting.offsets[index]
    genes = jax.tree.map(lambda leaf: np.asarray(leaf[local]), state.groups[index].genes)
    wealth = int(state.ledger.balances[setting.first_agent + slot])
    state = expel(setting, state, jnp.arange(setting.n_agents) == slot)
    return state, Agent(setting.species[index], genes, id_, wealth)


def thawed(state: EconomyState, id_: int, frozen: bool) -> EconomyState:
    """Returns the state with an agent frozen (it trades but neither learns nor breeds) or not."""
    slot = slot_of(state.population, id_)
    mask = state.population.frozen.at[slot].set(frozen)
    return state._replace(population=state.population._replace(frozen=mask))


def added(
    setting: Setting, state: EconomyState, newcomer: Species | Agent, endowment_ticks: int
) -> tuple[Setting, EconomyState, list[int]]:
    """Lets agents in, each endowed by nature, in free slots of their species or in new ones.

    Args:
        setting: The market in its world.
        state: Before.
        newcomer: An `Agent`, or a species, of which as many enter as it says (one at least).
        endowment_ticks: The capital of each.

    Returns:
        The setting (larger if new slots were needed), the state after, and the new ids.

    Raises:
        UnsupportedSpace: If the species cannot serve the world.
        BadBirth: If the species asks for no agents.
    """
    species = newcomer.species if isinstance(newcomer, Agent) else newcomer
    species.supports(setting.spaces)
    count = 1 if isinstance(newcomer, Agent) else species.founders(setting.spaces)
    if count < 1:
        raise BadBirth(
            f"{type(species).__name__} was added with count={species.count}.",
            "Nobody would enter.",
            "Give count of 1 or more.",
        )
    index = _home(setting, state, species, count)
    if index is None:
        setting, state = _extended(setting, state, species, count)
        index = len(setting.species) - 1
    return setting, *_entered(setting, state, index, newcomer, count, endowment_ticks)


def _home(setting: Setting, state: EconomyState, species: Species, count: int) -> int | None:
    """Returns the group of the same species with enough free slots, if there is one."""
    free = np.asarray(free_slots(state.population))
    for index, (other, offset, size) in enumerate(
        zip(setting.species, setting.offsets, setting.sizes, strict=True)
    ):
        if other == species and free[offset : offset + size].sum() >= count:
            return index
    return None


def _extended(
    setting: Setting, state: EconomyState, species: Species, count: int
) -> tuple[Setting, EconomyState]:
    """Appends empty slots for a species: accounts of agents come last, so none moves."""
    size = max(species.slots(setting.spaces), count)
    market = replace(setting.market, agents=(*setting.market.agents, species))
    wider = replace(setting, market=market, sizes=(*setting.sizes, size))
    key = stream(state.key, "newcomers", state.population.next_id.astype(jnp.uint32))
    groups = (*state.groups, group_state(wider, species, size, key))
    senses = blank_record(wider, groups).senses
    pending = state.pending._replace(senses=(*state.pending.senses, senses[-1]))
    ledger = state.ledger._replace(
        balances=_padded(state.ledger.balances, size),
        flows=jnp.concatenate([state.ledger.flows, jnp.zeros((size, N_REASONS), jnp.int64)]),
    )
    blank = founders(jnp.zeros(size, bool))
    population = jax.tree.map(
        lambda old, new: jnp.concatenate([old, new]) if old.ndim else old,
        state.population,
        blank,
    )
    return wider, state._replace(
        ledger=ledger, population=population, groups=groups, pending=pending
    )


def _padded(column: Any, size: int) -> Any:
    return jnp.concatenate([column, jnp.zeros(size, column.dtype)])


def _entered(
    setting: Setting,
    state: EconomyState,
    index: int,
    newcomer: Species | Agent,
    count: int,
    endowment_ticks: int,
) -> tuple[EconomyState, list[int]]:
    offset, size = setting.offsets[index], setting.sizes[index]
    free = np.asarray(free_slots(state.population))[offset : offset + size]
    slots = (np.flatnonzero(free)[:count] + offset).astype(np.int32)
    first_id = int(state.population.next_id)
    parents = np.full(count, newcomer.id if isinstance(newcomer, Agent) else EMPTY, np.int64)
    population = bear(state.population, jnp.asarray(slots), jnp.asarray(parents), state.tick)
    amounts = jnp.full(count, endowment_ticks, jnp.int64)
    accounts = jnp.asarray(slots + setting.first_agent)
    capital = transfers(Account.NATURE, accounts, amounts, Reason.ENDOWMENT)
    group = _with_genes(setting, state, index, newcomer, slots - offset, first_id)
    groups = (*state.groups[:index], group, *state.groups[index + 1 :])
    # A newcomer must not learn from the last trade of whoever had its slot.
    taken = jnp.isin(state.pending.actor, jnp.asarray(slots))
    pending = state.pending._replace(actor=jnp.where(taken, NOBODY, state.pending.actor))
    state = state._replace(
        population=population,
        ledger=post(state.ledger, capital),
        groups=groups,
        pending=pending,
    )
    return state, list(range(first_id, first_id + count))


def _with_genes(
    setting: Setting,
    state: EconomyState,
    index: int,
    newcomer: Species | Agent,
    places: np.ndarray,
    first_id: int,
) -> GroupState:
    species, group = setting.species[index], state.groups[index]
    with floats():
        if isinstance(newcomer, Agent):
            genes = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], newcomer.genes)
        else:
            keys = jax.random.split(stream(state.key, "added", first_id), len(places))
            numbers = jnp.arange(len(places), dtype=jnp.int32)
            genes = jax.vmap(lambda key, number: species.init(key, setting.spaces, number))(
                keys, numbers
            )

        def put(tree: Any, rows: Any) -> Any:
            return jax.tree.map(lambda leaf, row: leaf.at[places].set(row), tree, rows)

        group = group._replace(genes=put(group.genes, genes))
        if not species.learns:
            return group
        learning = setting.market.learning
        return group._replace(
            optimizer=put(group.optimizer, jax.vmap(learning.direction().init)(genes.learned)),
            average=put(group.average, averaged_start(learning, genes.learned)),
        )
