"""Acting: the winners' actions, one agent a world and species, and what follows without one."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from catallax._market import Setting
from catallax._quotes import Offers
from catallax._rules import DefaultAction, RandomAction
from catallax._state import Draws, EconomyState
from catallax._types import NOBODY, PyTree, floats
from catallax.agents._actions import as_action, blank_action, random_actions, where_action
from catallax.agents._protocol import Genes


def actions_of(
    setting: Setting,
    state: EconomyState,
    senses: PyTree,
    offers: Offers,
    actor: Int32[Array, "W"],
    draws: Draws,
) -> Array:
    """Computes the winners' actions, one agent a world and species."""
    nobody = _nobody_actions(setting, draws)
    with floats():
        action = nobody
        for index, species in enumerate(setting.species):
            if species.on_host:
                continue
            offset, size = setting.offsets[index], setting.sizes[index]
            mine = (actor >= offset) & (actor < offset + size)
            slot = jnp.where(mine, actor - offset, 0)
            chosen: Genes = jax.tree.map(
                lambda leaf, slot=slot: leaf[slot], state.groups[index].genes
            )
            acted = jax.vmap(species.act)(chosen, senses[index], draws.act)
            action = where_action(mine, acted.astype(action.dtype), action)
        if offers.actions is None:
            return action
        hosted = np.repeat([species.on_host for species in setting.species], setting.sizes)
        slot = jnp.maximum(actor, 0)
        acted = offers.actions[slot, jnp.arange(setting.worlds)]
        return where_action((actor != NOBODY) & jnp.asarray(hosted)[slot], acted, action)


def _nobody_actions(setting: Setting, draws: Draws) -> Array:
    space, worlds = setting.spaces.action, setting.worlds
    with floats():
        if isinstance(setting.market.nobody, RandomAction):
            return random_actions(space, draws.action)
        default = blank_action(space)
        if isinstance(setting.market.nobody, DefaultAction):
            default = as_action(space, setting.market.nobody.action)
        return jnp.broadcast_to(jnp.asarray(default), (worlds, *default.shape))
