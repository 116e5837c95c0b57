"""Learning: bids fitted by gradient to what ownership turned out to be worth."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float32, Int32

from catallax._errors import InvalidSetting
from catallax._keys import shuffled
from catallax._types import NOBODY, Key, PyTree
from catallax.agents._protocol import Genes, Species, Trade

Optimizer = Literal["sgd", "adam", "radam", "rmsprop", "adagrad"]

DIRECTIONS: dict[str, Any] = {
    "sgd": optax.identity,
    "adam": optax.scale_by_adam,
    "radam": optax.scale_by_radam,
    "rmsprop": optax.scale_by_rms,
    "adagrad": optax.scale_by_rss,
}


@dataclass(frozen=True)
class Learning:
    """How learners fit their bids: when, to what, and with which steps.

    Every `horizon` ticks the trades whose revenue is known are read from the books and fitted in
    `epochs` passes of `minibatches` each. The revenue of a trade is its reward plus the resale,
    `r + γ·[(1−λ)·p′ + λ·G′]` with G′ the next owner's revenue.

    Args:
        horizon: Ticks between two updates, T; 1 learns after every tick.
        trace: λ in [0, 1]; 0 looks at the resale price alone.
        optimizer: The direction of a step, by Optax's name.
        rate: The first step size.
        decay: `"linear"` lets the rate fall to 0 over a training call, `"none"` keeps it.
        epochs: Passes over the trades of a chunk.
        minibatches: Parts of a pass; it divides `horizon × worlds`.
        clip_norm: The largest norm of an agent's gradient; None for no limit.
        average: The memory in [0, 1) of the running average of weights that evaluation uses; 0
            evaluates the last weights.

    Raises:
        InvalidSetting: If a setting means nothing, by name.

    Example:
        >>> import catallax as cx
        >>> cx.Learning(horizon=1, trace=0.0, optimizer="sgd", rate=0.1, decay="none").epochs
        1

    Source: paper section 4; Sutton (1988) for λ; Gallici et al., "Simplifying deep temporal
    difference learning" (2024) for λ-returns over parallel worlds without a replay buffer.
    """

    horizon: int = 32
    trace: float = 0.65
    optimizer: Optimizer = "adam"
    rate: float = 0.01
    decay: Literal["linear", "none"] = "linear"
    epochs: int = 1
    minibatches: int = 1
    clip_norm: float | None = None
    average: float = 0.0

    def __post_init__(self) -> None:
        whole = min(self.horizon, self.epochs, self.minibatches) >= 1
        shares = 0 <= self.trace <= 1 and 0 <= self.average < 1
        named = self.optimizer in DIRECTIONS and self.decay in ("linear", "none")
        if not (whole and shares and named and 0 <= self.rate < float("inf")):
            raise InvalidSetting(
                f"{self} was given.",
                "horizon, epochs and minibatches are whole and at least 1, trace lies in [0, 1], "
                "average in [0, 1), the rate is 0 or more and finite, and the optimizer is one of "
                f"{', '.join(DIRECTIONS)}.",
                "Change the setting that is out of range.",
            )

    def direction(self) -> optax.GradientTransformation:
        """Returns Optax's transformation from gradients to directions."""
        direction = DIRECTIONS[self.optimizer]()
        if self.clip_norm is None:
            return direction
        return optax.chain(optax.clip_by_global_norm(self.clip_norm), direction)

    def rate_at(self, progress: Float32[Array, ""]) -> Float32[Array, ""]:
        """Returns the step size at a share of the training."""
        left = 1 - progress if self.decay == "linear" else jnp.ones_like(progress)
        return self.rate * left


class Record(NamedTuple):
    """What the books say of one tick in W worlds (or of T ticks, with a leading axis).

    Attributes:
        senses: For each learning group, what its agents perceived; `()` for others.
        actor: int32 `[W]`, the slot that bought and acted, or `NOBODY`.
        action: `[W, ...]`.
        price: float32 `[W]`, credits, what the seller's price was at this tick's sale.
        paid: float32 `[W]`, credits, what the buyer paid.
        sold: bool `[W]`, whether there was a sale at all.
        closing: bool `[W]`, whether the original owner bought (truncation).
        reward: float32 `[W]`, credits.
        ended: bool `[W]`, whether the episode terminated with this tick.
    """

    senses: PyTree
    actor: Int32[Array, "W"]
    action: Array
    price: Float32[Array, "W"]
    paid: Float32[Array, "W"]
    sold: Bool[Array, "W"]
    closing: Bool[Array, "W"]
    reward: Float32[Array, "W"]
    ended: Bool[Array, "W"]


class GroupState(NamedTuple):
    """The state of one species in a market.

    Attributes:
        genes: Stacked `[slots, ...]`.
        optimizer: Optax's state, stacked `[slots, ...]`.
        average: The running average of `genes.learned`, or `()`.
        encoder: The state of the encoder, shared.
    """

    genes: Genes
    optimizer: PyTree
    average: PyTree
    encoder: PyTree


def revenues(
    record: Record, discount: float, trace: float
) -> tuple[Float32[Array, "T W"], Bool[Array, "T W"]]:
    """Returns the revenue of every trade, and whether it is known by the last tick.

    With `p′` and `G′` the next tick's price and revenue: `r` where the episode terminated; `r +
    γ·p′` where the original owner bought; `r + γ·[(1−λ)p′ + λG′]` where an agent did; `r + G′`
    where nobody bid and the owner held on (unknown if that lasts beyond the last tick). The last
    tick's own revenue is not known yet, unless its episode ended, and enters as its price.

    Args:
        record: T+1 ticks of W worlds.
        discount: γ.
        trace: λ.

    Returns:
        float32 `[T, W]` in credits and bool `[T, W]`, for all ticks but the last.
    """
    ended_last = record.ended[-1]
    revenue_last = jnp.where(ended_last, record.reward[-1], record.price[-1])

    def step(
        following: tuple[Array, Array, Array, Array, Array],
        now: tuple[Array, Array, Array, Array, Array],
    ) -> tuple[Any, tuple[Array, Array]]:
        revenue_next, known_next, price_next, sold_next, closing_next = following
        reward, ended, price, sold, closing = now
        chained = jnp.where(known_next, revenue_next, price_next)
        mixed = (1 - trace) * price_next + trace * chained
        resale = discount * jnp.where(closing_next, price_next, mixed)
        later = jnp.where(sold_next, resale, revenue_next)
        revenue = reward + jnp.where(ended, 0.0, later)
        known = ended | sold_next | known_next
        return (revenue, known, price, sold, closing), (revenue, known)

    known_last = record.sold[-1] | ended_last
    start = (revenue_last, known_last, record.price[-1], record.sold[-1], record.closing[-1])
    columns = (record.reward, record.ended, record.price, record.sold, record.closing)
    before = jax.tree.map(lambda column: column[:-1], columns)
    return jax.lax.scan(step, start, before, reverse=True)[1]


def fit_group(
    species: Species,
    learning: Learning,
    group: GroupState,
    offset: int,
    trades: Trade,
    actor: Int32[Array, "B"],
    known: Bool[Array, "B"],
    active: Bool[Array, "n"],
    progress: Float32[Array, ""],
    key: Key,
) -> GroupState:
    """Fits the agents of one species to the trades of a chunk.

    Each agent learns from its own trades only; the loss is summed over them and divided by the
    size of the minibatch.

    Args:
        species: The species.
        learning: The rule.
        group: Its state before.
        offset: The slot of its first agent.
        trades: `[B, ...]`.
        actor: int32 `[B]`, who bought.
        known: bool `[B]`, whether the revenue is known.
        active: bool `[n]`, which agents learn (alive and not frozen).
        progress: The share of the training that is done.
        key: Consumed.

    Returns:
        The group after.
    """
    before, direction = group.genes, learning.direction()
    n_agents, n_trades = active.shape[0], actor.shape[0]
    own = (actor - offset)[None, :] == jnp.arange(n_agents, dtype=jnp.int32)[:, None]
    weight = (own & known[None, :] & active[:, None]).astype(jnp.float32)
    rate = learning.rate_at(progress)
    size = n_trades // learning.minibatches

    def loss(learned: PyTree, batch: tuple[Trade, Array]) -> Float32[Array, ""]:
        genes = Genes(learned, before.fixed)
        of_trades = jax.vmap(species.loss, in_axes=(None, None, 0))
        losses = jax.vmap(of_trades, in_axes=(0, 0, None))(genes, before, batch[0])
        return jnp.sum(jnp.where(batch[1] > 0, losses, 0.0)) / size

    def descend(
        carry: tuple[PyTree, PyTree], batch: tuple[Trade, Array]
    ) -> tuple[tuple[PyTree, PyTree], None]:
        learned, state = carry
        gradients = jax.grad(loss)(learned, batch)
        steps, state_after = jax.vmap(direction.update)(gradients, state, learned)
        moved = jax.tree.map(lambda leaf, step: leaf - rate * step, learned, steps)
        return (keep(active, moved, learned), keep(active, state_after, state)), None

    def epoch(carry: tuple[PyTree, PyTree], key: Key) -> tuple[tuple[PyTree, PyTree], None]:
        order = jnp.arange(n_trades) if learning.minibatches == 1 else shuffled(key, n_trades)
        rows = order.reshape(learning.minibatches, size)
        batches = (
            jax.tree.map(lambda leaf: leaf[rows], trades),
            jnp.moveaxis(weight[:, rows], 1, 0),
        )
        return jax.lax.scan(descend, carry, batches)

    start = (before.learned, group.optimizer)
    (learned, state), _ = jax.lax.scan(epoch, start, jax.random.split(key, learning.epochs))
    average = averaged(learning, group.average, learned, progress)
    return group._replace(genes=Genes(learned, before.fixed), optimizer=state, average=average)


def averaged(
    learning: Learning, average: PyTree, learned: PyTree, progress: Float32[Array, ""]
) -> PyTree:
    """Returns the running average of weights after a chunk."""
    if learning.average == 0:
        return average
    memory = learning.average
    return jax.tree.map(lambda old, new: memory * old + (1 - memory) * new, average, learned)


def keep(active: Bool[Array, "n"], after: PyTree, before: PyTree) -> PyTree:
    """Returns `after` for active agents and `before` for others."""

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(active.reshape((-1,) + (1,) * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, after, before)


def empty_record(blank: Record) -> Record:
    """Returns a record of the same shapes in which nobody traded."""
    nothing = jax.tree.map(jnp.zeros_like, blank)
    return nothing._replace(
        actor=jnp.full_like(blank.actor, NOBODY), ended=jnp.ones_like(blank.ended)
    )


def averaged_start(learning: Learning, learned: PyTree) -> PyTree:
    """Returns the first running average: the weights, or `()` where none is kept."""
    return learned if learning.average > 0 else ()
