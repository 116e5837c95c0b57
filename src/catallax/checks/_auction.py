"""The contract of an auction, tested on every small table and on random large ones."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from catallax._auctions import Auction
from catallax._types import NOBODY, TICKS_MAX, TICKS_PER_CREDIT, exact
from catallax.checks._clauses import Clause, Finding, OnFail, clause, demand, demand_value, hold_to
from catallax.checks._tables import (
    Bidding,
    Sales,
    Table,
    agree,
    at,
    demand_everywhere,
    is_among,
    on_host,
)

CONTRACT: list[Clause] = []


def check_auction(
    auction: Auction,
    *,
    on_fail: OnFail = "raise",
    expected_failures: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Checks that an auction of yours keeps the contract of `catallax.Auction`.

    It clears every table of up to three agents who bid −1, 0, 1 or 2 or stay away, and random ones
    with bids up to the largest there are.

    Args:
        auction: The auction.
        on_fail: `"raise"` at the first broken clause, or `"report"` all findings.
        expected_failures: Reasons by the names of clauses that it breaks on purpose; one that
            passes all the same is reported too.

    Returns:
        One `Finding` a clause.

    Raises:
        CheckFailed: If a clause is broken.
        InvalidSetting: If a clause that is not there is expected to fail.

    Example:
        >>> import catallax as cx
        >>> findings = cx.checks.check_auction(cx.Vickrey(reserve=0.5))
        >>> findings[2].clause
        'the winner had entered'
    """
    name = f"The auction {type(auction).__name__}"
    return hold_to(name, CONTRACT, Bidding(auction), on_fail, expected_failures)


@clause(
    CONTRACT,
    "is a frozen value",
    "A market is compiled for its auction, which is a key.",
    "Make it a frozen dataclass of hashable fields.",
)
def is_value(bidding: Bidding) -> None:
    """Hashable, frozen, with a whole reserve or None."""
    demand_value(bidding.auction)
    whole = bidding.reserve is None or type(bidding.reserve) is int
    demand(whole, f"reserve_ticks is {bidding.reserve!r}, not a whole number or None")


@clause(
    CONTRACT,
    "answers in whole numbers",
    "Money is 64-bit integers; slots are int32.",
    "Return Clearing(winner int32 [W], price int64 [W], setter int32 [W]).",
)
def answers_in_whole_numbers(bidding: Bidding) -> None:
    """Shapes and dtypes of the clearing."""
    for table, clearing in bidding.cases:
        for name, dtype in (("winner", np.int32), ("price", np.int64), ("setter", np.int32)):
            column = getattr(clearing, name)
            wanted = (table.luck.shape, np.dtype(dtype))
            found = (column.shape, column.dtype)
            demand(found == wanted, f"its {name} is {found[1]} {found[0]}, not {dtype.__name__}")


@clause(
    CONTRACT,
    "the winner had entered",
    "Whoever stays away, or bids below the reserve, buys nothing.",
    "Choose among those that enter and reach the reserve.",
)
def winner_entered(bidding: Bidding) -> None:
    """The winner is a slot that entered and reached the reserve, or NOBODY."""
    for table, clearing in bidding.cases:
        there = is_among(bidding.eligible(table), clearing.winner)
        good = (clearing.winner == NOBODY) | there
        demand_everywhere(table, clearing, good, "the winner had no part in it")


@clause(
    CONTRACT,
    "the winner made the highest bid",
    "The good goes to whom it is worth most.",
    "Choose the largest bid among those that enter; ties may go to any of them.",
)
def winner_is_highest(bidding: Bidding) -> None:
    """Nobody who entered bid more than the winner."""
    for table, clearing in bidding.cases:
        top = np.where(table.enters, table.bids, -(2**62)).max(axis=0)
        good = (clearing.winner == NOBODY) | (at(table.bids, clearing.winner) == top)
        demand_everywhere(table, clearing, good, "the winner is not the highest bidder")


@clause(
    CONTRACT,
    "sells where somebody may buy",
    "A sale that fails is an owner who is not paid.",
    "Name a winner wherever anybody enters and reaches the reserve.",
)
def sells(bidding: Bidding) -> None:
    """Somebody wins where somebody may."""
    for table, clearing in bidding.cases:
        good = (clearing.winner != NOBODY) | ~bidding.eligible(table).any(axis=0)
        demand_everywhere(table, clearing, good, "nobody wins")


@clause(
    CONTRACT,
    "nobody wins where nobody bids",
    "A winner who did not bid would pay unasked.",
    "Return winner NOBODY, price 0 and setter NOBODY there.",
)
def nobody_wins(bidding: Bidding) -> None:
    """NOBODY, 0, NOBODY."""
    for table, clearing in bidding.cases:
        nothing = (clearing.price == 0) & (clearing.setter == NOBODY)
        empty = (clearing.winner == NOBODY) & nothing
        good = np.where(bidding.eligible(table).any(axis=0), True, empty)
        demand_everywhere(table, clearing, good, "nobody may buy")


@clause(
    CONTRACT,
    "no winner pays above its bid",
    "It may have no more.",
    "Lower the price to the winner's bid.",
)
def price_at_most_bid(bidding: Bidding) -> None:
    """Price ≤ bid."""
    for table, clearing in bidding.cases:
        bid = at(table.bids, clearing.winner)
        good = (clearing.winner == NOBODY) | (clearing.price <= bid)
        demand_everywhere(table, clearing, good, "the price is above the winner's bid")


@clause(
    CONTRACT,
    "no price is below the reserve",
    "The seller said what it sells for.",
    "Raise the price to reserve_ticks.",
)
def price_at_least_reserve(bidding: Bidding) -> str | None:
    """Price ≥ reserve."""
    if bidding.reserve is None:
        return "it has no reserve"
    for table, clearing in bidding.cases:
        good = (clearing.winner == NOBODY) | (clearing.price >= bidding.reserve)
        demand_everywhere(table, clearing, good, f"the price is below {bidding.reserve}")
    return None


@clause(
    CONTRACT,
    "the setter's bid is the price",
    "Learners read the price from its bid.",
    "Return the slot whose bid is the price, or NOBODY where the reserve is.",
)
def setter_sets(bidding: Bidding) -> None:
    """The setter entered and bid the price; without one the price is the reserve."""
    for table, clearing in bidding.cases:
        sold, there = clearing.winner != NOBODY, clearing.setter != NOBODY
        entered = is_among(table.enters, clearing.setter)
        by_bid = entered & (at(table.bids, clearing.setter) == clearing.price)
        at_reserve = bidding.reserve is not None and clearing.price == bidding.reserve
        good = ~sold | np.where(there, by_bid, at_reserve)
        demand_everywhere(table, clearing, good, "the price is not the setter's bid")


@clause(
    CONTRACT,
    "names do not matter",
    "Agents in other slots are the same market.",
    "Rank bids, not slots; slots may settle ties only.",
)
def permutes(bidding: Bidding) -> None:
    """Permuting agents with distinct bids permutes winners and setters."""
    order = np.array([3, 0, 4, 1, 2])
    for table, clearing in bidding.distinct:
        moved = bidding.clear(Table(table.bids[order], table.enters[order], table.luck))
        back = np.append(order, NOBODY)
        found = Sales(back[moved.winner], moved.price, back[moved.setter])
        detail = "it clears otherwise when the agents change slots"
        demand_everywhere(table, clearing, agree(found, clearing), detail)


@clause(
    CONTRACT,
    "a constant on all bids is a constant on the price",
    "Bids are values, and where values begin to count from is nobody's business.",
    "Compare and choose bids; neither multiply them nor treat 0 as special.",
)
def shifts(bidding: Bidding) -> str | None:
    """All bids plus a constant: the same winner and setter, the price plus the constant.

    A reserve stays where it is and may then bind or not, so auctions with one are left out.
    """
    if bidding.reserve is not None:
        return "its reserve does not move with the bids"
    for table, _ in bidding.cases:
        lower = table._replace(bids=table.bids // 2)  # leaves room below the largest bid
        before = bidding.clear(lower)
        for constant in (-5 * TICKS_PER_CREDIT, 7):
            moved = lower._replace(bids=lower.bids + constant)
            found = bidding.clear(moved)
            price = np.where(before.winner == NOBODY, before.price, before.price + constant)
            same = agree(found, before._replace(price=price))
            detail = f"it clears otherwise than {constant} ticks below"
            demand_everywhere(moved, found, same, detail)
    return None


@clause(
    CONTRACT,
    "an own price is the winner's bid",
    "Explorers' bids become prices where own_price is set.",
    "Set own_price only where whoever buys pays its own bid, as at the first price.",
)
def own_price_is_own(bidding: Bidding) -> str | None:
    """Where `own_price` is True the price is the winner's bid."""
    demand(isinstance(bidding.auction.own_price, bool), "own_price is not a bool")
    if not bidding.auction.own_price:
        return "buyers may pay less than they bid"
    for table, clearing in bidding.cases:
        bid = at(table.bids, clearing.winner)
        good = (clearing.winner == NOBODY) | (clearing.price == bid)
        demand_everywhere(table, clearing, good, "the price is not the winner's bid")
    return None


@clause(
    CONTRACT,
    "worlds do not meet",
    "Each world is an auction of its own.",
    "Reduce over agents (axis 0) only.",
)
def worlds_are_apart(bidding: Bidding) -> None:
    """Worlds in another order, and among other worlds, clear the same."""
    for table, clearing in bidding.cases:
        order = np.random.default_rng(9).permutation(len(table.luck))
        order[len(order) // 2 :] = 0
        part = Table(*(column[..., order] for column in table))
        alone = bidding.clear(part)
        there = Sales(*(column[order] for column in clearing))
        demand_everywhere(part, alone, agree(alone, there), "it clears otherwise among others")


@clause(
    CONTRACT,
    "those who stay away have no effect",
    "Abstaining is not a low bid.",
    "Mask bids with `enters` before anything else.",
)
def absent_bids_are_not_read(bidding: Bidding) -> None:
    """Bids of those that do not enter change nothing."""
    draw = np.random.default_rng(4)
    for table, clearing in bidding.cases:
        noise = draw.integers(-TICKS_MAX, TICKS_MAX, table.bids.shape)
        found = bidding.clear(table._replace(bids=np.where(table.enters, table.bids, noise)))
        detail = "it clears otherwise when those who stay away would bid otherwise"
        demand_everywhere(table, clearing, agree(found, clearing), detail)


@clause(
    CONTRACT,
    "the same luck gives the same sale",
    "A resumed run must repeat an earlier one.",
    "Draw from `luck`, and keep nothing between two calls.",
)
def repeats(bidding: Bidding) -> None:
    """The same table clears the same, compiled anew, and a few times without compilation."""
    table, clearing = bidding.distinct[0]
    again = Bidding(bidding.auction).clear(table)
    demand_everywhere(table, again, agree(again, clearing), "it cleared otherwise before")
    few = Table(*(column[..., :8] for column in table))
    expected = Sales(*(column[:8] for column in clearing))
    with exact():
        columns = [jnp.asarray(column) for column in few]
        for _ in range(4):
            found = on_host(bidding.auction.clear(*columns))
            demand_everywhere(few, found, agree(found, expected), "it cleared otherwise before")
