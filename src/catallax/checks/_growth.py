"""The contract of a species, continued: its genes, what it learns and what its children inherit."""

import jax
import jax.numpy as jnp
import numpy as np

from catallax.agents._protocol import Genes
from catallax.checks._clauses import Clause, clause, demand
from catallax.checks._sample import PROFITS, Sample, demand_same, dtype_of, form

GROWTH: list[Clause] = []


@clause(
    GROWTH,
    "genes have one form",
    "The genes of all agents are stacked.",
    "Let init return Genes(learned, fixed) whose structure, shapes and dtypes depend on the "
    "spaces only.",
)
def genes_have_one_form(sample: Sample) -> None:
    """For any index, alone and under `vmap`."""
    genes, key = sample.alone, sample.keys[0]
    demand(isinstance(genes, Genes), f"init gives a {type(genes).__name__}, not Genes")
    wanted = form(genes)
    for index in (1, 2, 7, 100, 1_000):
        found = form(jax.eval_shape(lambda key, n=index: sample.born(key, jnp.int32(n)), key))
        demand(found == wanted, f"agent {index} has {found}, not {wanted}")
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
    again = sample.born(sample.keys[0], jnp.int32(0))
    for a, b in zip(jax.tree.leaves(sample.alone), jax.tree.leaves(again), strict=True):
        demand(np.array_equal(a, b), f"an agent was born with {a} and then with {b}")
    for agent in range(2):
        alone = sample.born(sample.keys[agent], jnp.int32(agent))
        demand_same(alone, sample.one(agent), f"agent {agent}, born alone and in a batch,")


@clause(
    GROWTH,
    "genes are 32 bits wide",
    "Agents compute in 32 bits; only money takes 64.",
    "Build every gene with jnp and an explicit dtype.",
)
def genes_are_narrow(sample: Sample) -> None:
    """No float64 and no int64."""
    for leaf in jax.tree.leaves(sample.alone):
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
    lesson = sample.lesson
    demand(lesson.loss.dtype == np.float32, f"it is {lesson.loss.dtype}")
    demand(np.isfinite(lesson.loss).all(), f"after profits of {PROFITS} it is {lesson.loss}")
    demand(lesson.fine.all(), f"after profits of {PROFITS} its gradient is not finite")
    return None


@clause(
    GROWTH,
    "a step down the gradient lowers the loss",
    "Otherwise it learns nothing.",
    "Let loss depend on genes.learned, through the bid at least.",
)
def descent_lowers_loss(sample: Sample) -> str | None:
    """For each trade, at some rate."""
    if not sample.species.learns:
        return "it does not learn"
    lesson = sample.lesson
    lowered = (lesson.after < lesson.loss[..., None]).any(axis=-1)
    if not lowered.all():
        profit, trade = np.argwhere(~lowered)[0]
        start = lesson.loss[profit, trade]
        demand(False, f"after a profit of {PROFITS[profit]} no step lowers a loss of {start}")
    return None
