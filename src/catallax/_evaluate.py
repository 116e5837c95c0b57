"""The market as it decides, without money: a frozen, greedy copy."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from catallax._auctions import NO_BID
from catallax._host import outside_offers
from catallax._market import Setting
from catallax._quotes import Offers, merged, quote, valuations_of
from catallax._rules import DefaultAction, Stop
from catallax._state import EconomyState
from catallax._types import NOBODY, exact, floats
from catallax._xla import compiler_options
from catallax.agents._actions import as_action, blank_action, bounded, where_action
from catallax.worlds._protocol import HostWorld


@dataclass(frozen=True)
class Evaluation:
    """What a greedy market earned.

    Attributes:
        returns: float64 `[episodes]`, the sum of rewards.
        lengths: int64 `[episodes]`, steps.

    Example:
        >>> import numpy as np
        >>> Evaluation(np.asarray([1.0, 3.0]), np.asarray([5, 7])).mean
        2.0
    """

    returns: np.ndarray
    lengths: np.ndarray

    @property
    def mean(self) -> float:
        """The mean return."""
        return float(self.returns.mean())

    @property
    def std(self) -> float:
        """The standard deviation of the returns."""
        return float(self.returns.std())


def frozen(state: EconomyState) -> EconomyState:
    """Returns the economy with averaged weights in place of the last ones, where there are any."""
    groups = tuple(
        group
        if isinstance(group.average, tuple) and not group.average
        else group._replace(genes=group.genes._replace(learned=group.average))
        for group in state.groups
    )
    return state._replace(groups=groups)


@lru_cache(maxsize=64)
def greedy_program(setting: Setting) -> Any:
    """Returns the compiled greedy decision `(state, observations, outside) -> action, winner`.

    Caps apply, nobody explores, nothing settles; ties go to the lowest slot.
    """

    def decide(
        state: EconomyState, observation: Array, outside: Offers | None
    ) -> tuple[Array, Array]:
        senses, offers = quote(setting, state, observation)
        if outside is not None:
            offers = merged(setting, offers, outside)
        valuations, enters, _ = valuations_of(setting, state, offers)
        wealth = state.ledger.balances[setting.first_agent :]
        means = jnp.maximum(wealth, 0) - setting.bond_ticks
        bids = jnp.where(enters, jnp.minimum(valuations, means[:, None]), NO_BID)
        luck = jnp.zeros(observation.shape[0], jnp.float32)
        winner = setting.market.auction.clear(bids, enters, luck).winner
        return _greedy_actions(setting, state, senses, offers, winner), winner

    return jax.jit(decide, compiler_options=compiler_options(level=1))


def _greedy_actions(
    setting: Setting, state: EconomyState, senses: Any, offers: Offers, winner: Array
) -> Array:
    blank = blank_action(setting.spaces.action)
    with floats():
        if isinstance(setting.market.nobody, DefaultAction):
            blank = as_action(setting.spaces.action, setting.market.nobody.action)
        action = jnp.broadcast_to(jnp.asarray(blank), (winner.shape[0], *blank.shape))
        for index, species in enumerate(setting.species):
            if species.on_host:
                continue
            offset, size = setting.offsets[index], setting.sizes[index]
            mine = (winner >= offset) & (winner < offset + size)
            slot = jnp.where(mine, winner - offset, 0)
            chosen = jax.tree.map(lambda leaf, slot=slot: leaf[slot], state.groups[index].genes)
            acted = jax.vmap(species.act_greedily)(chosen, senses[index])
            action = where_action(mine, acted.astype(action.dtype), action)
        if offers.actions is not None:
            hosted = np.repeat([species.on_host for species in setting.species], setting.sizes)
            slot = jnp.maximum(winner, 0)
            acted = offers.actions[slot, jnp.arange(winner.shape[0])]
            action = where_action((winner != NOBODY) & jnp.asarray(hosted)[slot], acted, action)
        return bounded(setting.spaces.action, action)


def decide(
    setting: Setting, state: EconomyState, observation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the greedy action and the winning slot for a batch of observations.

    Args:
        setting: The market in its world.
        state: A frozen economy.
        observation: `[n]` or `[n, D]`, in the library's form.

    Returns:
        Actions `[n, ...]` and int32 `[n]` slots, `NOBODY` where nobody bids (a market with
        `Stop()` would end there; the action is then the default or zeros).
    """
    with exact():
        outside = outside_offers(setting, state, observation)
        action, winner = greedy_program(setting)(state, observation, outside)
        return np.asarray(action), np.asarray(winner)


def evaluate(
    setting: Setting,
    state: EconomyState,
    worlds: HostWorld,
    episodes: int,
    seed: int,
    steps_max: int,
) -> Evaluation:
    """Plays whole episodes greedily, as many at a time as there are worlds.

    Args:
        setting: The market in its world.
        state: A frozen economy.
        worlds: Host worlds.
        episodes: How many episodes count.
        seed: Of the first episode; the others follow.
        steps_max: The longest episode.

    Returns:
        The `Evaluation`.
    """
    returns, lengths = [], []
    for first in range(0, episodes, worlds.count):
        seeds = [
            int(np.random.SeedSequence([seed, first + i]).generate_state(1)[0])
            for i in range(worlds.count)
        ]
        earned, steps = _episodes(setting, state, worlds, seeds, steps_max)
        returns.append(earned)
        lengths.append(steps)
    return Evaluation(np.concatenate(returns)[:episodes], np.concatenate(lengths)[:episodes])


def _episodes(
    setting: Setting, state: EconomyState, worlds: HostWorld, seeds: list[int], steps_max: int
) -> tuple[np.ndarray, np.ndarray]:
    observation, stop = worlds.reset(seeds), isinstance(setting.market.nobody, Stop)
    going = np.ones(worlds.count, bool)
    earned, steps = np.zeros(worlds.count), np.zeros(worlds.count, np.int64)
    while going.any():
        action, winner = decide(setting, state, observation)
        if stop:
            going = going & (winner != NOBODY)
        observation, reward, terminated, truncated = worlds.step(action, going)
        earned += np.where(going, reward, 0.0)
        steps += going
        going = going & ~terminated & ~truncated & (steps < steps_max)
    return earned, steps
