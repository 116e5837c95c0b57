"""Genesis: the first state of an economy, with its capital booked."""

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Discrete

from catallax._keys import stream
from catallax._learning import GroupState, Record, averaged_start, empty_record
from catallax._ledger import N_SYSTEM, Account, Ledger, Reason, empty_ledger, post_each
from catallax._market import Setting
from catallax._population import founders
from catallax._state import EconomyState, Plan
from catallax._types import Key, PyTree, floats, ticks_of
from catallax.agents._actions import blank_action
from catallax.agents._encoders import encoder_state
from catallax.agents._protocol import Species
from catallax.worlds._spaces import observation_size


def genesis(setting: Setting, key: Key) -> EconomyState:
    """Returns an economy at tick 0: founders born, capital paid, nothing traded.

    Args:
        setting: The market in its world.
        key: The root of all random streams.

    Returns:
        The first `EconomyState`.
    """
    alive = np.concatenate(
        [
            np.arange(size) < species.founders(setting.spaces)
            for species, size in zip(setting.species, setting.sizes, strict=True)
        ]
    )
    groups = tuple(
        group_state(setting, species, size, stream(key, "genesis", index))
        for index, (species, size) in enumerate(zip(setting.species, setting.sizes, strict=True))
    )
    return EconomyState(
        ledger=_endowed(setting, alive),
        population=founders(jnp.asarray(alive)),
        groups=groups,
        owner=jnp.full(setting.worlds, Account.ORIGINAL_OWNER, jnp.int32),
        pending=blank_record(setting, groups),
        tick=jnp.zeros((), jnp.int64),
        plan=Plan(jnp.zeros((), jnp.int64), jnp.ones((), jnp.int64)),
        key=key,
    )


def _endowed(setting: Setting, alive: np.ndarray) -> Ledger:
    """Pays every founder, the treasury and every consumer from nature."""
    market, ledger = setting.market, empty_ledger(setting.n_accounts)
    amounts = np.zeros(setting.n_accounts, np.int64)
    amounts[Account.TREASURY] = ticks_of(market.treasury)
    amounts[N_SYSTEM : setting.first_agent] = [ticks_of(c.budget) for c in market.consumers]
    amounts[setting.first_agent :] = np.where(alive, setting.endowment_ticks, 0)
    return post_each(ledger, 0, jnp.asarray(amounts), Account.NATURE, Reason.ENDOWMENT)


def group_state(setting: Setting, species: Species, size: int, key: Key) -> GroupState:
    """Returns the first state of one species, every slot filled with the next of its enumeration.

    Args:
        setting: The market in its world.
        species: The species.
        size: Its slots.
        key: Consumed.

    Returns:
        A `GroupState`.
    """
    with floats():
        keys = jax.random.split(stream(key, "genes"), size)
        numbers = jnp.arange(size, dtype=jnp.int32)
        genes = jax.vmap(lambda one, number: species.init(one, setting.spaces, number))(
            keys, numbers
        )
        learning = setting.market.learning
        return GroupState(
            genes=genes,
            optimizer=jax.vmap(learning.direction().init)(genes.learned) if species.learns else (),
            average=averaged_start(learning, genes.learned) if species.learns else (),
            encoder=encoder_state(
                species.encoder, stream(key, "encoder"), setting.spaces.observation
            ),
        )


def blank_observation(setting: Setting) -> np.ndarray:
    """Returns observations of W worlds, all zeros, in the library's form."""
    space = setting.spaces.observation
    if isinstance(space, Discrete):
        return np.zeros(setting.worlds, np.int32)
    return np.zeros((setting.worlds, observation_size(space)), np.float32)


def blank_record(setting: Setting, groups: tuple[GroupState, ...]) -> Record:
    """Returns a record of the right shapes in which nobody traded."""
    worlds = setting.worlds
    with floats():
        observation = jnp.asarray(blank_observation(setting))
        blank = blank_action(setting.spaces.action)
        nothing = jnp.zeros(worlds, jnp.float32)
        false = jnp.zeros(worlds, bool)
        return empty_record(
            Record(
                senses=tuple(
                    _senses(species, group, observation)
                    for species, group in zip(setting.species, groups, strict=True)
                ),
                actor=jnp.zeros(worlds, jnp.int32),
                action=jnp.zeros((worlds, *blank.shape), blank.dtype),
                price=nothing,
                paid=nothing,
                sold=false,
                closing=false,
                reward=nothing,
                ended=false,
            )
        )


def _senses(species: Species, group: GroupState, observation: jax.Array) -> PyTree:
    if not species.learns:
        return ()
    return jax.vmap(species.encoder.encode, in_axes=(None, 0))(group.encoder, observation)
