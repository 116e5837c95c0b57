"""What the design says of money, written a second time: integers, fractions, lists and loops.

Nothing here knows of the library. An agent is a slot, 0 and up; `None` is nobody.
"""

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

Bid = int | None  # None abstains


class Verdict(NamedTuple):
    """What an auction decides: who may win (ties), the price, and whether the reserve is it."""

    tied: tuple[int, ...]
    price: int
    by_reserve: bool


class Deal(NamedTuple):
    """One world sold: who won, who buys, at what price, what the buyer pays."""

    winner: int | None
    buyer: int | None
    price: int
    paid: int


NO_DEAL = Deal(None, None, 0, 0)


# --- auctions


def kth_price(bids: Sequence[Bid], k: int, seats: int, reserve: int | None) -> Verdict | None:
    """Ranks every entry, each agent's bid `seats` times; the k-th is the price."""
    bidders = [
        (bid, slot)
        for slot, bid in enumerate(bids)
        if bid is not None and (reserve is None or bid >= reserve)
    ]
    if not bidders:
        return None
    entries = sorted((bid for bid, _ in bidders for _ in range(seats)), reverse=True)
    tied = tuple(slot for bid, slot in bidders if bid == entries[0])
    if k <= len(entries):
        return Verdict(tied, entries[k - 1], by_reserve=False)
    if reserve is not None:
        return Verdict(tied, reserve, by_reserve=True)
    return Verdict(tied, entries[-1], by_reserve=False)


# --- clearing


def means_of(wealth: int, bond: int) -> int:
    """What an agent may spend: `max(w, 0) − bond`."""
    return max(wealth, 0) - bond


def clear(
    valuations: Sequence[Sequence[Bid]],
    means: Sequence[int],
    explorers: Sequence[int | None],
    k: int,
    seats: int = 1,
    reserve: int | None = None,
) -> tuple[list[Deal], set[int]]:
    """Clears W worlds; whoever is over its means is rationed, until nobody is.

    Args:
        valuations: By agent, then by world.
        means: By agent.
        explorers: By world, who is sent to act if the world is sold and its bid reaches the
            reserve.
        k: Of the auction.
        seats: Of the auction.
        reserve: Of the auction.

    Returns:
        A deal a world, and the rationed set.
    """
    n_worlds, rationed = len(explorers), set()
    while True:
        caps = [
            min(mean, mean // n_worlds) if slot in rationed and n_worlds > 1 else mean
            for slot, mean in enumerate(means)
        ]
        deals = []
        for world, explorer in enumerate(explorers):
            bids = [
                None if row[world] is None else min(row[world], cap)
                for row, cap in zip(valuations, caps, strict=True)
            ]
            if explorer is not None and reserve is not None and bids[explorer] < reserve:
                explorer = None
            verdict = kth_price(bids, k, seats, reserve)
            deals.append(_deal(bids, explorer, verdict, first_price=k == 1))
        over = {
            slot for slot, mean in enumerate(means) if spent(deals, slot) > max(mean, 0)
        } - rationed
        if not over:
            return deals, rationed
        rationed |= over


def _deal(
    bids: Sequence[Bid], explorer: int | None, verdict: Verdict | None, first_price: bool
) -> Deal:
    if verdict is None:
        return NO_DEAL
    winner, price = verdict.tied[0], verdict.price
    if explorer is None:
        return Deal(winner, winner, price, price)
    own = bids[explorer]
    assert own is not None, "an explorer is one of the bidders"
    if first_price:
        price = own  # whoever buys pays its own bid, and exploration costs nothing: SARSA
    return Deal(winner, explorer, price, min(own, price))


def spent(deals: Sequence[Deal], slot: int) -> int:
    """What an agent pays over all worlds; what it receives does not count."""
    return sum(max(deal.paid, 0) for deal in deals if deal.buyer == slot)


# --- the books


class Books:
    """A ledger of whole numbers by name: balances, flows by reason, and a count of movements."""

    def __init__(self) -> None:
        self.balances: defaultdict[str, int] = defaultdict(int)
        self.flows: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.count = 0

    def move(self, debit: str, credit: str, amount: int, reason: str) -> None:
        """Moves a signed amount; below 0, the other way round."""
        if amount < 0:
            debit, credit, amount = credit, debit, -amount
        self.balances[debit] -= amount
        self.balances[credit] += amount
        self.flows[debit, reason] -= amount
        self.flows[credit, reason] += amount
        self.count += amount > 0

    def sell(self, owner: str, buyer: str, price: int, paid: int, gamma: Fraction) -> None:
        """Sells one world through the clearing house."""
        kept = price if owner == "original_owner" else floor(price * gamma)
        self.move(buyer, "clearing", paid, "purchase")
        self.move("exploration", "clearing", price - paid, "exploration")
        self.move("clearing", owner, kept, "resale")
        self.move("clearing", "discount", price - kept, "discount")

    def reward(self, payer: str, owner: str, amount: int) -> None:
        """Pays a signed reward."""
        self.move(payer, owner, amount, "reward")

    def rent(self, owner: str, held: int, n_worlds: int, rate: Fraction) -> int:
        """Takes `floor(ε·max(w, 0)·k/W)`."""
        due = floor(rate * max(self.balances[owner], 0) * held / n_worlds)
        self.move(owner, "treasury", due, "rent")
        return due

    def close(self, agent: str) -> None:
        """Ends an account: a positive estate to the treasury, a debt to the losses."""
        wealth = self.balances[agent]
        if wealth > 0:
            self.move(agent, "treasury", wealth, "estate")
        else:
            self.move("losses", agent, -wealth, "loss")

    def refinance(self, agent: str, endowment: int) -> None:
        """Tops an account up to its endowment, if it has less."""
        self.move("losses", agent, max(endowment - self.balances[agent], 0), "refinance")

    def allow(self, payer: str, child: str, amount: int) -> None:
        """Gives a newborn its capital."""
        self.move(payer, child, amount, "allowance")


def floor(value: Fraction) -> int:
    """The largest whole number that is not above."""
    return value.numerator // value.denominator
