"""The contract of a species, continued: what its agents bid and what they do."""

from dataclasses import replace
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from catallax._errors import CatallaxError
from catallax._types import TICKS_MAX, TICKS_PER_CREDIT
from catallax.agents._actions import as_action, blank_action, bounded
from catallax.checks._clauses import Clause, clause, demand
from catallax.checks._draws import demand_same
from catallax.checks._sample import AGENTS, Sample

OFFERS: list[Clause] = []
HOST_OFFERS: list[Clause] = []


@clause(
    OFFERS,
    "a bid is a finite float32 scalar",
    "A bid is money, and money has no NaN.",
    "Return a float32 scalar in credits, within a million.",
)
def bid_is_finite(sample: Sample) -> None:
    """On every observation, extremes included."""
    bids = sample.bids
    count = len(sample.observations)
    demand(bids.dtype == np.float32, f"it is {bids.dtype}")
    demand(bids.shape == (AGENTS, count), f"it has shape {bids.shape[2:]}")
    fine = np.abs(bids) * TICKS_PER_CREDIT <= TICKS_MAX
    if not fine.all():
        agent, place = np.argwhere(~fine)[0]
        seen = sample.observations[place].tolist()
        demand(False, f"agent {agent} bids {bids[agent, place]} on observation {place}, {seen}")


@clause(
    OFFERS,
    "a bid depends on genes and senses only",
    "Markets compile it once.",
    "Read no global, no clock and no other random numbers; keep nothing between calls.",
)
def bid_is_pure(sample: Sample) -> None:
    """Asked 12 times, it says the same; so does an equal species."""
    genes, senses = sample.one(0), sample.sense(0)
    first = np.asarray(sample.species.bid(genes, senses))
    for count in range(11):
        again = np.asarray(sample.species.bid(genes, senses))
        same = np.array_equal(first, again, equal_nan=True)
        demand(same, f"asked again for the {count + 2}th time, it bids {again} after {first}")
    other = np.asarray(replace(sample.species).bid(genes, senses))
    demand(np.array_equal(first, other, equal_nan=True), f"its copy bids {other}, not {first}")


@clause(
    OFFERS,
    "agents bid in a batch as alone",
    "Markets ask all agents at once.",
    "Write bid for one agent and one observation, with jnp, and no branch on values.",
)
def bid_in_batches(sample: Sample) -> None:
    """`vmap` over agents and observations equals one by one."""
    count = len(sample.observations)
    bid = jax.jit(sample.species.bid)
    for agent, place in [(0, k) for k in range(0, count, 16)] + [(1, 0), (2, count - 1)]:
        alone = bid(sample.one(agent), sample.sense(place))
        where = f"agent {agent} on observation {place}"
        demand_same(alone, sample.bids[agent, place], f"{where}, alone and in a batch,")


@clause(
    OFFERS,
    "enters is a bool",
    "Abstaining is a mask of its own.",
    "Return a bool scalar from `enters`.",
)
def enters_is_bool(sample: Sample) -> None:
    """A bool scalar, under `vmap`."""
    enters = np.asarray(sample.over_all(sample.species.enters))
    wanted = (AGENTS, len(sample.observations))
    found = (enters.dtype, enters.shape)
    demand(found == (np.bool_, wanted), f"it is {found[0]} of shape {enters.shape[2:]}")


@clause(
    OFFERS,
    "actions are of the space",
    "The world would refuse them, or take them for others.",
    "Return int32 for Discrete, int32 [k] for MultiDiscrete, float32 [k] for Box.",
)
def actions_fit(sample: Sample) -> None:
    """Shape, dtype and bounds, after `bounded`."""
    space, blank = sample.spaces.action, blank_action(sample.spaces.action)
    for actions in (sample.acts, sample.greedy_acts):
        found = (actions.dtype, actions.shape[2:])
        demand(found == (blank.dtype, blank.shape), f"an action is {found[0]} {found[1]}")
        for action in np.asarray(bounded(space, jnp.asarray(actions))).reshape(-1, *blank.shape):
            _demand_inside(space, action)


def _demand_inside(space: gymnasium.Space[Any], action: np.ndarray) -> None:
    try:
        as_action(space, action)
    except CatallaxError as error:
        demand(False, error.what)


@clause(
    OFFERS,
    "acts greedily without chance",
    "Evaluations must repeat.",
    "Draw nothing in act_greedily.",
)
def greedy_is_deterministic(sample: Sample) -> None:
    """Asked 12 times, it does the same."""
    genes, senses = sample.one(0), sample.sense(0)
    first = np.asarray(sample.species.act_greedily(genes, senses))
    for count in range(11):
        again = np.asarray(sample.species.act_greedily(genes, senses))
        demand(np.array_equal(first, again), f"the {count + 2}th time it does {again}, not {first}")


# --- agents that are functions on the host


@clause(
    HOST_OFFERS,
    "offers are in form",
    "The driver hands these arrays on as they are.",
    "Let offers return actions [W, ...], float32 bids [W] and bool [W] whether there is a bid.",
)
def offers_in_form(sample: Sample) -> None:
    """Shapes, dtypes, bounds, and finite bids, on every observation."""
    actions, bids, enters = sample.offers(sample.observations)
    blank, count = blank_action(sample.spaces.action), len(sample.observations)
    found = (actions.dtype, actions.shape)
    demand(found == (blank.dtype, (count, *blank.shape)), f"actions are {found[0]} {found[1]}")
    found = (bids.dtype, bids.shape, enters.dtype, enters.shape)
    demand(found == (np.float32, (count,), np.bool_, (count,)), f"bids and entries are {found}")
    fine = ~enters | (np.abs(bids) * TICKS_PER_CREDIT <= TICKS_MAX)
    place = int(np.argmin(fine))
    seen = sample.observations[place].tolist()
    demand(fine.all(), f"it bids {bids[place]} on observation {place}, {seen}")
    for action in actions:
        _demand_inside(sample.spaces.action, action)


@clause(
    HOST_OFFERS,
    "offers depend on the observation only",
    "Markets ask in any order, and for any number of worlds.",
    "Keep nothing between two calls, and draw nothing.",
)
def offers_repeat(sample: Sample) -> None:
    """The same in another order, and alone as in a batch."""
    whole = sample.offers(sample.observations)
    turned = sample.offers(sample.observations[::-1])
    for one, other in zip(whole, turned, strict=True):
        demand(np.array_equal(one, other[::-1], equal_nan=True), "asked again, it offers otherwise")
    for place in range(0, len(sample.observations), 16):
        alone = sample.offers(sample.observations[place : place + 1])
        for one, other in zip(whole, alone, strict=True):
            demand(
                np.array_equal(one[place], other[0], equal_nan=True), "alone it offers otherwise"
            )
