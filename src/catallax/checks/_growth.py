"""The contract of a species, continued: its genes, what it learns and what its children inherit."""

import jax
import jax.numpy as jnp
import numpy as np

from catallax._types import Key, PyTree
from catallax.agents._protocol import Genes
from catallax.checks._clauses import Clause, clause, demand
from catallax.checks._draws import demand_same, dtype_of, form
from catallax.checks._sample import Sample

GENES: list[Clause] = []
GROWTH: list[Clause] = []
RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
PROFITS, GENERATIONS = (1.0, -1.0, 100.0), 30


@clause(
    GENES,
    "genes have one form",
    "The genes of all agents are stacked.",
    "Let init return Genes(learned, fixed) whose structure, shapes and dtypes depend on the "
    "spaces only.",
)
def genes_have_one_form(sample: Sample) -> None:
    """For any index and key, alone and under `vmap`."""
    wanted = None
    for index in (0, 1, 7, 1_000):
        key = jax.random.key(index)
        genes = jax.eval_shape(lambda key=key, index=index: sample.born(key, index))
        demand(isinstance(genes, Genes), f"init gives a {type(genes).__name__}, not Genes")
        demand(wanted in (None, form(genes)), f"agent {index} has {form(genes)}, not {wanted}")
        wanted = form(genes)
    found = form(sample.one(0))
    demand(found == wanted, f"under vmap they are {found}, not {wanted}")


@clause(
    GENES,
    "the same key gives the same genes",
    "A run could not be repeated.",
    "Draw from the key alone.",
)
def genes_repeat(sample: Sample) -> None:
    """Twice alone, and alone as in a batch."""
    once, again = (sample.born(sample.keys[1], jnp.int32(1)) for _ in range(2))
    for a, b in zip(jax.tree.leaves(once), jax.tree.leaves(again), strict=True):
        demand(np.array_equal(a, b), f"an agent was born with {a} and then with {b}")
    demand_same(once, sample.one(1), "an agent, born alone and in a batch,")


@clause(
    GENES,
    "genes are 32 bits wide",
    "Agents compute in 32 bits; only money takes 64.",
    "Build every gene with jnp and an explicit dtype.",
)
def genes_are_narrow(sample: Sample) -> None:
    """No float64 and no int64."""
    for leaf in jax.tree.leaves(sample.born(sample.keys[0], jnp.int32(0))):
        dtype = dtype_of(leaf)
        demand(hasattr(leaf, "dtype") and dtype.itemsize <= 4, f"a gene is {dtype}")


@clause(
    GROWTH,
    "what is learned is float32",
    "Gradients need numbers that vary smoothly.",
    "Build learned genes with jnp.float32; put whole numbers and masks into Genes.fixed.",
)
def learned_is_float32(sample: Sample) -> None:
    """Every leaf of `learned`, and a learner has some."""
    leaves = jax.tree.leaves(sample.genes.learned)
    for leaf in leaves:
        demand(leaf.dtype == jnp.float32, f"a learned gene is {leaf.dtype}")
        demand(np.isfinite(np.asarray(leaf)).all(), "a learned gene is not finite")
    demand(leaves or not sample.species.learns, "it learns, and Genes.learned is empty")


@clause(
    GROWTH,
    "children are like their parents, and not the same",
    "Selection needs variation.",
    "Let mutate change some leaf, and no shape or dtype.",
)
def children_vary(sample: Sample) -> str | None:
    """Of 30 generations each keeps the form and bids; some child differs from its parent."""
    if not sample.species.mutates:
        return "it does not mutate"
    mutate, genes = sample.species.mutate, sample.genes
    batch = form(jax.eval_shape(jax.vmap(mutate), sample.keys, genes))
    demand(batch == form(genes), f"children have {batch}, and their parents {form(genes)}")

    def bear(parent: Genes, key: Key) -> tuple[Genes, tuple[jax.Array, Genes]]:
        child = mutate(key, parent)
        return child, (sample.species.bid(child, sample.sense(0)), child)

    keys = jax.random.split(jax.random.key(9), GENERATIONS)
    _, (bids, children) = jax.jit(lambda one: jax.lax.scan(bear, one, keys))(sample.one(0))
    worst = int(np.argmin(np.isfinite(bids)))
    demand(np.isfinite(bids).all(), f"a child of generation {worst + 1} bids {bids[worst]}")
    changed = any((leaf != leaf[:1]).any() for leaf in jax.tree.leaves(children))
    demand(changed, f"no child of {GENERATIONS} differs from its parent")
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
    for profit in PROFITS:
        values, slopes = sample.losses(sample.same_genes, sample.trades(profit))
        found = (values.dtype.name, values.shape[1:])
        demand(found == ("float32", ()), f"it is {found[0]} of shape {found[1]}")
        demand(np.isfinite(values).all(), f"after a profit of {profit} it is not finite")
        for leaf in jax.tree.leaves(slopes):
            finite = np.isfinite(leaf).all()
            demand(finite, f"after a profit of {profit} its gradient is not finite")
    return None


@clause(
    GROWTH,
    "a step down the gradient lowers the loss",
    "Otherwise it learns nothing.",
    "Let loss depend on genes.learned, through the bid at least.",
)
def descent_lowers_loss(sample: Sample) -> str | None:
    """For every trade, at some rate."""
    if not sample.species.learns:
        return "it does not learn"
    for profit in PROFITS[:2]:
        trades, learned = sample.trades(profit), sample.same_genes
        start, slopes = sample.losses(learned, trades)
        lowered = np.zeros(start.shape, bool)
        for rate in RATES:
            lowered |= np.asarray(sample.losses(_moved(learned, slopes, rate), trades)[0] < start)
        words = f"after a profit of {profit} no step of {RATES[-1]} to {RATES[0]} lowers the loss"
        demand(lowered.all(), f"{words} of {start[np.argmin(lowered)]}")
    return None


def _moved(learned: PyTree, slopes: PyTree, rate: float) -> PyTree:
    """Returns genes `[trades, ...]`, one step down the gradient of each trade."""
    return jax.tree.map(lambda leaf, slope: leaf - rate * slope, learned, slopes)
