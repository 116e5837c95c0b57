"""The contract of a species, continued: what its agents perceive and what they bid."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from catallax._types import TICKS_MAX, TICKS_PER_CREDIT
from catallax.checks._clauses import Clause, clause, demand
from catallax.checks._sample import AGENTS, Sample, demand_same, form

BIDS: list[Clause] = []


@clause(
    BIDS,
    "senses have one form",
    "Senses of many observations are stacked.",
    "Let encode return arrays whose shape and dtype do not depend on the observation.",
)
def senses_have_one_form(sample: Sample) -> None:
    """The same shape one by one as stacked, finite, and as long as `dot` needs."""
    encoder, state = sample.species.encoder, sample.encoder_state
    wanted = form(jax.tree.map(lambda leaf: leaf[0], sample.senses))
    for observation in sample.observations[:8]:
        found = form(encoder.encode(state, jnp.asarray(observation)))
        demand(found == wanted, f"senses are {found} after {wanted}")
    for leaf in jax.tree.leaves(sample.senses):
        demand(np.isfinite(np.asarray(leaf, np.float64)).all(), "a sense is not finite")
    weights = jnp.zeros(encoder.size(sample.spaces.observation), jnp.float32)
    value = encoder.dot(weights, jax.tree.map(lambda leaf: leaf[0], sample.senses))
    demand(jnp.shape(value) == (), f"dot gives {jnp.shape(value)}, not a scalar")


@clause(
    BIDS,
    "the encoder keeps its form",
    "A compiled loop carries its state.",
    "Let update return a state of the same structure, shapes and dtypes, and finite.",
)
def encoder_keeps_its_form(sample: Sample) -> None:
    """After 100 chunks the state is as it was, and senses are finite."""
    encoder, state = sample.species.encoder, sample.encoder_state
    chunk, wanted = jnp.asarray(sample.observations)[:, None], form(state)
    for count in range(100):
        state = encoder.update(state, chunk)
        demand(form(state) == wanted, f"after {count + 1} chunks {wanted} became {form(state)}")
    for observation in sample.observations[:8]:
        senses = encoder.encode(state, jnp.asarray(observation))
        for leaf in jax.tree.leaves(senses):
            finite = np.isfinite(np.asarray(leaf, np.float64)).all()
            demand(finite, "after 100 chunks a sense is not finite")


@clause(
    BIDS,
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
    BIDS,
    "a bid depends on genes and senses only",
    "Markets compile it once.",
    "Read no global, no clock and no other random numbers; keep nothing between calls.",
)
def bid_is_pure(sample: Sample) -> None:
    """Asked 120 times, it says the same; so does an equal species."""
    genes, senses = sample.one(0), sample.sense(0)
    first = np.asarray(sample.species.bid(genes, senses))
    for count in range(120):
        again = np.asarray(sample.species.bid(genes, senses))
        same = np.array_equal(first, again, equal_nan=True)
        demand(same, f"asked again for the {count + 2}th time, it bids {again} after {first}")
    other = np.asarray(replace(sample.species).bid(genes, senses))
    demand(np.array_equal(first, other, equal_nan=True), f"its copy bids {other}, not {first}")


@clause(
    BIDS,
    "agents bid in a batch as alone",
    "Markets ask all agents at once.",
    "Write bid for one agent and one observation, with jnp, and no branch on values.",
)
def bid_in_batches(sample: Sample) -> None:
    """`vmap` over agents and observations equals one by one."""
    count = len(sample.observations)
    for agent, place in [(0, k) for k in range(0, count, 8)] + [(1, 0), (2, count - 1)]:
        alone = sample.species.bid(sample.one(agent), sample.sense(place))
        where = f"agent {agent} on observation {place}"
        demand_same(alone, sample.bids[agent, place], f"{where}, alone and in a batch,")


@clause(
    BIDS,
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
