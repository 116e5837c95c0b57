"""The contract of a species, continued: its genes, what it learns and what its children inherit."""

import jax
import jax.numpy as jnp
import numpy as np

from catallax._types import PyTree
from catallax.agents._protocol import Genes, Trade
from catallax.checks._clauses import Clause, clause, demand
from catallax.checks._sample import AGENTS, Sample, demand_same, dtype_of, form

GROWTH: list[Clause] = []
RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


@clause(
    GROWTH,
    "genes have one form",
    "The genes of all agents are stacked.",
    "Let init return Genes(learned, fixed) whose structure, shapes and dtypes depend on the "
    "spaces only.",
)
def genes_have_one_form(sample: Sample) -> None:
    """For any index and key, alone and under `vmap`."""
    wanted = None
    for index in (0, 1, 2, 7, 100, 1_000):
        genes = sample.born(jax.random.key(index), jnp.int32(index))
        demand(isinstance(genes, Genes), f"init gives a {type(genes).__name__}, not Genes")
        demand(wanted in (None, form(genes)), f"agent {index} has {form(genes)}, not {wanted}")
        wanted = form(genes)
    found = form(sample.one(0))
    demand(found == wanted, f"under vmap they are {found}, not {wanted}")


@clause(
    GROWTH,
    "the same key gives the same genes",
    "A run could not be repeated.",
    "Draw from the key alone.",
)
def genes_repeat(sample: Sample) -> None:
    """Twice alone, and alone as in a batch."""
    for agent in range(AGENTS):
        once = sample.born(sample.keys[agent], jnp.int32(agent))
        again = sample.born(sample.keys[agent], jnp.int32(agent))
        for a, b in zip(jax.tree.leaves(once), jax.tree.leaves(again), strict=True):
            demand(np.array_equal(a, b), f"agent {agent} was born with {a} and then with {b}")
        demand_same(once, sample.one(agent), f"agent {agent}, born alone and in a batch,")


@clause(
    GROWTH,
    "genes are 32 bits wide",
    "Agents compute in 32 bits; only money takes 64.",
    "Build every gene with jnp and an explicit dtype.",
)
def genes_are_narrow(sample: Sample) -> None:
    """No float64 and no int64."""
    genes = sample.born(sample.keys[0], jnp.int32(0))
    for leaf in jax.tree.leaves(genes):
        dtype = dtype_of(leaf)
        demand(hasattr(leaf, "dtype") and dtype.itemsize <= 4, f"a gene is {dtype}")


@clause(
    GROWTH,
    "what is learned is floating",
    "Gradients need numbers that vary smoothly.",
    "Put whole numbers and masks into Genes.fixed.",
)
def learned_is_floating(sample: Sample) -> None:
    """Every leaf of `learned`, and a learner has some."""
    leaves = jax.tree.leaves(sample.genes.learned)
    for leaf in leaves:
        demand(jnp.issubdtype(leaf.dtype, jnp.floating), f"a learned gene is {leaf.dtype}")
        demand(np.isfinite(np.asarray(leaf)).all(), "a learned gene is not finite")
    demand(leaves or not sample.species.learns, "it learns, and Genes.learned is empty")


@clause(
    GROWTH,
    "children are like their parents, and not the same",
    "Selection needs variation.",
    "Let mutate change some leaf, and no shape or dtype.",
)
def children_vary(sample: Sample) -> str | None:
    """Of 100 generations each keeps the form and bids; some child differs from its parent."""
    if not sample.species.mutates:
        return "it does not mutate"
    parent, wanted = sample.one(0), form(sample.one(0))
    mutate, bid = jax.jit(sample.species.mutate), jax.jit(sample.species.bid)
    line, changed = parent, False
    for generation in range(100):
        child = mutate(jax.random.key(generation), line)
        demand(form(child) == wanted, f"a child has {form(child)}, its parent {wanted}")
        pairs = zip(jax.tree.leaves(line), jax.tree.leaves(child), strict=True)
        changed = changed or not all(np.array_equal(a, b) for a, b in pairs)
        offer = bid(child, sample.sense(generation))
        demand(np.isfinite(offer), f"a child of generation {generation + 1} bids {offer}")
        line = child
    demand(changed, "no child of 100 differs from its parent")
    return None


@clause(
    GROWTH,
    "its loss is finite and has a gradient",
    "Learning follows the gradient.",
    "Return a float32 scalar that is smooth in genes.learned.",
)
def loss_is_finite(sample: Sample) -> str | None:
    """On every observation, after gains and after losses."""
    if not sample.species.learns:
        return "it does not learn"
    for profit in (1.0, -1.0, 100.0):
        genes = sample.one(0)
        trades = sample.trades(genes, profit)
        value, gradient = _losses(sample, genes, trades)
        said = (value.dtype.name, value.shape[1:])
        demand(said == ("float32", ()), f"it is {said[0]} of shape {said[1]}")
        demand(np.isfinite(value).all(), f"after a profit of {profit} it is not finite")
        for leaf in jax.tree.leaves(gradient):
            finite = np.isfinite(leaf).all()
            demand(finite, f"after a profit of {profit} its gradient is not finite")
    return None


def _losses(sample: Sample, genes: Genes, trades: Trade) -> tuple[jax.Array, PyTree]:
    """Returns the loss `[trades]` and the gradient of each."""

    def loss(learned: PyTree, trade: Trade) -> jax.Array:
        return sample.species.loss(Genes(learned, genes.fixed), genes, trade)

    values = jax.vmap(loss, (None, 0))(genes.learned, trades)
    if values.shape[1:]:
        return values, ()
    return values, jax.jit(jax.vmap(jax.grad(loss), (None, 0)))(genes.learned, trades)


@clause(
    GROWTH,
    "a step down the gradient lowers the loss",
    "Otherwise it learns nothing.",
    "Let loss depend on genes.learned, through the bid at least.",
)
def descent_lowers_loss(sample: Sample) -> str | None:
    """For each of some trades, at some rate."""
    if not sample.species.learns:
        return "it does not learn"
    genes = sample.one(0)
    for profit in (1.0, -1.0):
        trades = sample.trades(genes, profit)
        for place in (0, 1, 50, 127):
            trade = jax.tree.map(lambda leaf, place=place: leaf[place], trades)
            _demand_descent(sample, genes, trade, f"after a profit of {profit} on one trade")
    return None


def _demand_descent(sample: Sample, genes: Genes, trade: Trade, when: str) -> None:
    def loss(learned: PyTree) -> jax.Array:
        return sample.species.loss(Genes(learned, genes.fixed), genes, trade)

    start, gradient = jax.value_and_grad(loss)(genes.learned)
    for rate in RATES:
        moved = jax.tree.map(
            lambda leaf, slope, rate=rate: leaf - rate * slope, genes.learned, gradient
        )
        if loss(moved) < start:
            return
    demand(False, f"{when} no step of {RATES[-1]} to {RATES[0]} lowers the loss of {start}")
