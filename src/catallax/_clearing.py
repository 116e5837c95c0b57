"""Clearing under budgets: an auction in every world at once, and no one beyond its means."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32, Int32, Int64

from catallax._auctions import Auction
from catallax._exploration import Exploration, NoExploration
from catallax._ledger import totals
from catallax._types import NOBODY


class Sale(NamedTuple):
    """Who buys the worlds, and at what price.

    Attributes:
        winner: int32 `[W]`, the slot that won the auction, or `NOBODY`.
        buyer: int32 `[W]`, the slot that acts: the winner or an explorer, or `NOBODY`.
        price: int64 `[W]`, ticks, what the auction says; the seller is paid on it.
        paid: int64 `[W]`, ticks, what the buyer pays: `min(its own bid, price)`.
        setter: int32 `[W]`, the slot whose bid is the price, or `NOBODY`.
        capped: bool `[W]`, whether a cap lowered anybody's bid.
    """

    winner: Int32[Array, "W"]
    buyer: Int32[Array, "W"]
    price: Int64[Array, "W"]
    paid: Int64[Array, "W"]
    setter: Int32[Array, "W"]
    capped: Bool[Array, "W"]


class Luck(NamedTuple):
    """The uniform draws of one tick.

    Attributes:
        ties: float32 `[W]`.
        explore: float32 `[2, W]`.
    """

    ties: Float32[Array, "W"]
    explore: Float32[Array, "2 W"]


def clear_within_means(
    auction: Auction,
    exploration: Exploration,
    valuations: Int64[Array, "N W"],
    enters: Bool[Array, "N W"],
    means: Int64[Array, "N"],
    closing: Bool[Array, "W"],
    luck: Luck,
    progress: Float32[Array, ""],
) -> Sale:
    """Clears W auctions so that no agent pays more, over all of them, than its means.

    `b = min(v, means)`. Whoever would overspend over all its worlds joins a rationed set with a
    cap of `floor(means / W)` a world, and the auctions clear again, until none joins. Only
    positive prices count: what an agent receives in the same step does not fund it.

    Args:
        auction: The rule from bids to winner and price.
        exploration: The rule that may send someone else to act.
        valuations: int64 `[N, W]`, uncapped bids in ticks.
        enters: bool `[N, W]`, who bids where.
        means: int64 `[N]`, ticks: `max(w, 0) − bond`.
        closing: bool `[W]`, truncated worlds, which the original owner buys at the full price.
        luck: Draws for ties and exploration, the same at every round.
        progress: float32, the share of the training that is done.

    Returns:
        The `Sale`.
    """
    n_agents, n_worlds = valuations.shape

    def allocate(caps: Int64[Array, "N"]) -> Sale:
        bids = jnp.minimum(valuations, caps[:, None])
        terms = (bids, valuations, enters, closing, luck, progress)
        sale = _allocate(auction, exploration, *terms)
        return sale._replace(
            buyer=jnp.where(closing, NOBODY, sale.buyer),
            paid=jnp.where(closing, sale.price, sale.paid),
        )

    sale = allocate(means)
    if n_worlds == 1:
        return sale

    def overspent(sale: Sale) -> Bool[Array, "N"]:
        spent = jnp.where(sale.buyer == NOBODY, 0, jnp.maximum(sale.paid, 0))
        slot = jnp.where(sale.buyer == NOBODY, 0, sale.buyer)
        return totals(spent, slot, n_agents) > jnp.maximum(means, 0)

    def ration(
        carry: tuple[Sale, Bool[Array, "N"], Bool[Array, "N"]],
    ) -> tuple[Sale, Bool[Array, "N"], Bool[Array, "N"]]:
        _, rationed, over = carry
        rationed = rationed | over
        caps = jnp.where(rationed, jnp.minimum(means, means // n_worlds), means)
        sale = allocate(caps)
        return sale, rationed, overspent(sale) & ~rationed

    start = (sale, jnp.zeros(n_agents, bool), overspent(sale))
    return jax.lax.while_loop(lambda carry: jnp.any(carry[2]), ration, start)[0]


def _allocate(
    auction: Auction,
    exploration: Exploration,
    bids: Int64[Array, "N W"],
    valuations: Int64[Array, "N W"],
    enters: Bool[Array, "N W"],
    closing: Bool[Array, "W"],
    luck: Luck,
    progress: Float32[Array, ""],
) -> Sale:
    clearing = auction.clear(bids, enters, luck.ties)
    capped = jnp.any(enters & (bids < valuations), axis=0)
    sale = Sale(
        clearing.winner, clearing.winner, clearing.price, clearing.price, clearing.setter, capped
    )
    if isinstance(exploration, NoExploration):
        return sale
    if auction.reserve_ticks is not None:
        enters = enters & (bids >= auction.reserve_ticks)
    return _explore(auction, exploration, sale, bids, enters, closing, luck, progress)


def _explore(
    auction: Auction,
    exploration: Exploration,
    sale: Sale,
    bids: Int64[Array, "N W"],
    enters: Bool[Array, "N W"],
    closing: Bool[Array, "W"],
    luck: Luck,
    progress: Float32[Array, ""],
) -> Sale:
    """Sends the explorer to act; without a sale, or where the world closes, nobody explores.

    It pays `min(its own bid, price)`. At the first price its own bid *is* the price, so that the
    seller is paid on it and exploration costs nothing: that is SARSA.
    """
    explorer = exploration.explorer(bids, enters, progress, luck.explore)
    explores = (explorer != NOBODY) & (sale.winner != NOBODY) & ~closing
    own = jnp.take_along_axis(bids, jnp.maximum(explorer, 0)[None, :], axis=0)[0]
    if auction.own_price:
        sale = sale._replace(
            price=jnp.where(explores, own, sale.price),
            setter=jnp.where(explores, explorer, sale.setter),
        )
    return sale._replace(
        buyer=jnp.where(explores, explorer, sale.buyer),
        paid=jnp.where(explores, jnp.minimum(own, sale.price), sale.paid),
    )
