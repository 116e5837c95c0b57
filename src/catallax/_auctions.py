"""Auctions of one good, many worlds at a time: a rule from bids to a winner and a price."""

from dataclasses import dataclass, field
from numbers import Integral
from typing import Literal, NamedTuple, Protocol

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32, Int32, Int64

from catallax._errors import InvalidSetting
from catallax._types import NOBODY, TICKS_MAX, ticks_of

NO_BID = -(2**62)
"""Stands below every bid; marks an agent that does not bid."""

BLOCK = 512
"""Slots that are counted together when one of many is drawn."""

Ties = Literal["first", "random"]


class Clearing(NamedTuple):
    """What an auction decides, for each of W worlds.

    Attributes:
        winner: int32 `[W]`, the slot that wins, or `NOBODY`.
        price: int64 `[W]`, ticks that the seller gets before the discount; 0 without a winner.
        setter: int32 `[W]`, the slot whose bid is the price, or `NOBODY` where the reserve is.

    Example:
        >>> import jax, jax.numpy as jnp, catallax as cx
        >>> with jax.enable_x64(True):
        ...     bids = jnp.asarray([[5], [9], [7]], jnp.int64)
        ...     cleared = cx.Vickrey().clear(bids, bids > 0, jnp.zeros(1, jnp.float32))
        >>> cleared.winner.tolist(), cleared.price.tolist()
        ([1], [7])
    """

    winner: Int32[Array, "W"]
    price: Int64[Array, "W"]
    setter: Int32[Array, "W"]


class Auction(Protocol):
    """A rule from bids to winner and price; `catallax.checks.check_auction` tests one.

    Example:
        >>> import catallax as cx
        >>> auction: cx.Auction = cx.Vickrey(seats=2)
        >>> auction.own_price
        False
    """

    @property
    def reserve_ticks(self) -> int | None:
        """The lowest price at which the good is sold, or None."""
        ...

    @property
    def own_price(self) -> bool:
        """Whether whoever buys pays its own bid, so that an explorer's bid is the price."""
        ...

    def clear(
        self, bids: Int64[Array, "N W"], enters: Bool[Array, "N W"], luck: Float32[Array, "W"]
    ) -> Clearing:
        """Clears W auctions among N agents."""
        ...


@dataclass(frozen=True)
class KthPrice:
    """The highest bid wins and pays the k-th highest, `seats` entries to each agent.

    With `seats` clones of every agent the k-th entry belongs to the agent of rank
    `(k-1) // seats`; two seats and k = 2 therefore charge the winner its own bid, which is the
    cloned Vickrey auction of Chang et al. With fewer than k entries the price is the reserve if
    there is one, else the lowest bid. Prices are signed.

    Args:
        k: 1 is the first price, 2 Vickrey's.
        seats: Entries (clones) of each agent: one id, one account, its bid entered so often.
        reserve: Credits below which nothing is sold; None sells at any price.
        ties: Who wins among equal bids: `"first"` the lowest slot, `"random"` any.

    Raises:
        InvalidSetting: If k or seats is below 1, or the reserve or ties unknown.

    Example:
        >>> import catallax as cx
        >>> cx.KthPrice(k=3).reserve_ticks is None
        True

    Source: paper Definition 2.1; Vickrey (1961); Chang, Kaushik, Weinberg, Griffiths and Levine,
    "Decentralized Reinforcement Learning" (2020) for clones.
    """

    k: int = 2
    seats: int = 1
    reserve: float | None = None
    ties: Ties = "first"

    def __post_init__(self) -> None:
        check_auction_settings(self.k, self.seats, self.reserve, self.ties)

    @property
    def reserve_ticks(self) -> int | None:
        """The reserve in ticks, or None."""
        return None if self.reserve is None else ticks_of(self.reserve)

    @property
    def own_price(self) -> bool:
        """Whether whoever buys pays its own bid: only at the first price."""
        return self.k == 1

    def clear(
        self, bids: Int64[Array, "N W"], enters: Bool[Array, "N W"], luck: Float32[Array, "W"]
    ) -> Clearing:
        """Clears W auctions among N agents.

        Args:
            bids: int64 `[N, W]`, ticks.
            enters: bool `[N, W]`, who bids.
            luck: float32 `[W]`, uniform draws that settle random ties.

        Returns:
            The `Clearing`.
        """
        if self.reserve_ticks is not None:
            enters = enters & (bids >= self.reserve_ticks)
        entered = jnp.where(enters, bids, NO_BID)
        winner, top = _highest(entered, self.ties, luck)
        setter, price = self._price(entered, winner, top)
        sold = top > NO_BID
        return Clearing(
            winner=jnp.where(sold, winner, NOBODY),
            price=jnp.where(sold, price, 0),
            setter=jnp.where(sold, setter, NOBODY),
        )

    def _price(
        self, entered: Int64[Array, "N W"], winner: Int32[Array, "W"], top: Int64[Array, "W"]
    ) -> tuple[Int32[Array, "W"], Int64[Array, "W"]]:
        setter, price = winner, top
        for _ in range((self.k - 1) // self.seats):
            entered = jnp.where(_slots(entered) == setter, NO_BID, entered)
            following, next_price = _highest(entered, "first", None)
            setter, price = self._or_fewer(following, next_price, setter, price)
        return setter, price

    def _or_fewer(
        self,
        following: Int32[Array, "W"],
        next_price: Int64[Array, "W"],
        setter: Int32[Array, "W"],
        price: Int64[Array, "W"],
    ) -> tuple[Int32[Array, "W"], Int64[Array, "W"]]:
        some = next_price > NO_BID
        if self.reserve_ticks is None:
            return jnp.where(some, following, setter), jnp.where(some, next_price, price)
        return jnp.where(some, following, NOBODY), jnp.where(some, next_price, self.reserve_ticks)


@dataclass(frozen=True)
class FirstPrice(KthPrice):
    """The highest bid wins and pays itself; with learning bidders this is SARSA.

    Args:
        seats: Entries of each agent; they change nothing here.
        reserve: Credits below which nothing is sold; None sells at any price.
        ties: `"first"` or `"random"`.

    Raises:
        InvalidSetting: If a setting is out of range.

    Example:
        >>> import catallax as cx
        >>> cx.FirstPrice(reserve=0.0).reserve_ticks
        0

    Source: paper Algorithm 1.
    """

    k: int = field(default=1, init=False)


@dataclass(frozen=True)
class Vickrey(KthPrice):
    """The highest bid wins and pays the second highest; `seats=2` makes it Q-learning.

    Args:
        seats: 1 is Vickrey's auction, 2 the cloned one.
        reserve: Credits below which nothing is sold; None sells at any price.
        ties: `"first"` or `"random"`.

    Raises:
        InvalidSetting: If a setting is out of range.

    Example:
        >>> import catallax as cx
        >>> cx.Vickrey(seats=2).k
        2

    Source: paper section 2; Vickrey (1961); Chang et al. (2020).
    """

    k: int = field(default=2, init=False)


def check_auction_settings(k: int, seats: int, reserve: float | None, ties: str) -> None:
    """Raises InvalidSetting where an auction's settings mean nothing."""
    for name, value in (("k", k), ("seats", seats)):
        if not (isinstance(value, Integral) and int(value) >= 1):
            raise InvalidSetting(
                f"{name}={value} was given to an auction.",
                "Bids are ranked from 1 and every agent enters at least once.",
                f"Give {name} as a whole number of 1 or more.",
            )
    if reserve is not None and not abs(reserve) * 1e6 <= TICKS_MAX:
        raise InvalidSetting(
            f"reserve={reserve} was given to an auction.",
            "A reserve is a finite price within the ledger's range.",
            "Give a number of credits, or None to sell at any price.",
        )
    if ties not in ("first", "random"):
        raise InvalidSetting(
            f"ties={ties!r} was given to an auction.",
            "Ties are settled by a named rule.",
            "Give 'first' (the lowest slot wins) or 'random'.",
        )


def _slots(bids: Int64[Array, "N W"]) -> Int32[Array, "N 1"]:
    return jnp.arange(bids.shape[0], dtype=jnp.int32)[:, None]


def _highest(
    entered: Int64[Array, "N W"], ties: Ties, luck: Float32[Array, "W"] | None
) -> tuple[Int32[Array, "W"], Int64[Array, "W"]]:
    """Returns the slot and the bid that are highest; plain maxima, which vectorise."""
    top = jnp.max(entered, axis=0)
    tied = entered == top
    if ties == "random" and luck is not None:
        return drawn_among(tied, luck)[0], top
    return jnp.min(jnp.where(tied, _slots(entered), entered.shape[0]), axis=0), top


def drawn_among(
    marked: Bool[Array, "N W"], luck: Float32[Array, "W"]
) -> tuple[Int32[Array, "W"], Int32[Array, "W"]]:
    """Draws one of the marked slots of each world, each as likely.

    Counts by blocks, so that a million slots cost one sum and not a running one.

    Args:
        marked: bool `[N, W]`.
        luck: float32 `[W]`, uniform draws in [0, 1).

    Returns:
        int32 `[W]`, the slot drawn (meaningless where none is marked), and int32 `[W]`, how many
        were marked.
    """
    n_slots, n_worlds = marked.shape
    size = min(n_slots, BLOCK)
    padded = jnp.pad(marked, ((0, -n_slots % size), (0, 0))).reshape(-1, size, n_worlds)
    counts = jnp.sum(padded, axis=1, dtype=jnp.int32)
    upto = jnp.cumsum(counts, axis=0)
    total = upto[-1]
    rank = jnp.clip((luck * total).astype(jnp.int32), 0, jnp.maximum(total - 1, 0)) + 1
    block = jnp.minimum(jnp.sum(upto < rank, axis=0, dtype=jnp.int32), counts.shape[0] - 1)
    world = jnp.arange(n_worlds, dtype=jnp.int32)
    within = rank - (upto[block, world] - counts[block, world])
    inside = padded[block, :, world]
    reached = inside & (jnp.cumsum(inside, axis=1, dtype=jnp.int32) == within[:, None])
    return block * size + jnp.argmax(reached, axis=1).astype(jnp.int32), total
