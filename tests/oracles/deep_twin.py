"""The deep market written a second time, from the paper and the design: integers and loops.

A `Twin` is told what every agent bids, in ticks, and how luck picks explorers; it keeps the books
of Algorithm 1 to the tick. `td` is the textbook rule, for comparison.
Nothing here knows of the library; an agent is a slot, 0 and up, and `None` is nobody.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from oracles.money import Bid, Books, kth_price, means_of, spent

OWNER = "original_owner"
Pick = Callable[[int, list[int]], int | None]
"""From a world and its bidders (slots) to the one that is sent to explore, or nobody."""


@dataclass(frozen=True)
class Rules:
    """The rules of a market, amounts in ticks."""

    k: int = 2
    seats: int = 2
    reserve: int | None = None
    gamma: Fraction = Fraction(9, 10)
    bond: int = 0
    rent: Fraction = Fraction(0)
    endowment: int = 0
    floor: int | None = None  # of refinanced capital; None is hard capital
    stops: bool = False


class Deal(NamedTuple):
    """One world at one tick: who won and who buys (slots), the price, and what is paid."""

    winner: int | None
    buyer: int | None
    price: int
    paid: int
    closing: bool


class Tick(NamedTuple):
    """What a tick decides: the deals, who acts, and which episodes stop."""

    deals: list[Deal]
    actors: list[int | None]
    stops: list[bool]


class Twin:
    """A market of agents in some worlds, with its books."""

    def __init__(self, rules: Rules, wealth: Sequence[int], worlds: int, treasury: int = 0) -> None:
        self.rules, self.worlds, self.books = rules, worlds, Books()
        self.agents = [f"agent/{slot}" for slot in range(len(wealth))]
        for account, amount in zip([*self.agents, "treasury"], [*wealth, treasury], strict=True):
            self.books.move("nature", account, amount, "endowment")
        self.alive = [True] * len(wealth)
        self.owner: list[str] = [OWNER] * worlds
        self.refinanced = self.deaths = 0

    def wealth(self, slot: int) -> int:
        """What an agent owns."""
        return self.books.balances[self.agents[slot]]

    def trade(self, bids: Sequence[Sequence[Bid]], closing: Sequence[bool], luck: Pick) -> Tick:
        """Clears, settles and tests solvency.

        Args:
            bids: By agent, then by world; the dead are silent whatever stands here.
            closing: By world, whether it was truncated and the original owner buys.
            luck: Who is sent to explore; on a closing world nobody is.

        Returns:
            The `Tick`.
        """
        bids = [
            row if alive else [None] * self.worlds
            for row, alive in zip(bids, self.alive, strict=True)
        ]
        deals = self._clear(bids, closing, luck)
        for world, deal in enumerate(deals):
            if deal.winner is None:
                continue
            buyer = OWNER if deal.closing else self.agents[deal.buyer]
            self.books.sell(self.owner[world], buyer, deal.price, deal.paid, self.rules.gamma)
        for world, deal in enumerate(deals):
            if deal.winner is not None:
                self.owner[world] = OWNER if deal.closing else self.agents[deal.buyer]
        self._test_solvency()
        actors = [
            None if deal.buyer is None or self.owner[world] == OWNER else deal.buyer
            for world, deal in enumerate(deals)
        ]
        stops = [
            self.rules.stops and actor is None and not closes
            for actor, closes in zip(actors, closing, strict=True)
        ]
        return Tick(deals, actors, stops)

    def _clear(
        self, bids: Sequence[Sequence[Bid]], closing: Sequence[bool], luck: Pick
    ) -> list[Deal]:
        """Rations whoever would pay more than its means, until nobody would."""
        means = [means_of(self.wealth(slot), self.rules.bond) for slot in range(len(bids))]
        rationed: set[int] = set()
        while True:
            caps = [
                min(mean, mean // self.worlds) if slot in rationed else mean
                for slot, mean in enumerate(means)
            ]
            deals = [
                self._deal(
                    [_capped(row[w], cap) for row, cap in zip(bids, caps, strict=True)],
                    w,
                    closes,
                    luck,
                )
                for w, closes in enumerate(closing)
            ]
            bought = [deal for deal in deals if not deal.closing]
            over = {s for s, mean in enumerate(means) if spent(bought, s) > max(mean, 0)}
            if self.worlds == 1 or not over - rationed:
                return deals
            rationed |= over

    def _deal(self, bids: Sequence[Bid], world: int, closes: bool, luck: Pick) -> Deal:
        rules = self.rules
        verdict = kth_price(bids, rules.k, rules.seats, rules.reserve)
        if verdict is None:
            return Deal(None, None, 0, 0, closes)
        winner, price = verdict.tied[0], verdict.price
        if closes:
            return Deal(winner, None, price, price, True)
        floor = -math.inf if rules.reserve is None else rules.reserve
        bidders = [slot for slot, bid in enumerate(bids) if bid is not None and bid >= floor]
        explorer = luck(world, bidders)
        if explorer is None:
            return Deal(winner, winner, price, price, False)
        own = bids[explorer]
        if rules.k == 1:  # the first price is the bid of whoever buys
            return Deal(winner, explorer, own, own, False)
        return Deal(winner, explorer, price, min(own, price), False)

    def _test_solvency(self) -> None:
        for slot, name in enumerate(self.agents):
            if not self.alive[slot]:
                continue
            if self.rules.floor is not None:
                if self.wealth(slot) < self.rules.floor:
                    self.books.refinance(name, self.rules.endowment)
                    self.refinanced += 1
            elif self.wealth(slot) < 0:
                self.books.close(name)
                self.alive[slot] = False
                self.deaths += 1
                self.owner = [OWNER if owner == name else owner for owner in self.owner]

    def collect(self, tick: Tick, rewards: Sequence[int], terminated: Sequence[bool]) -> list[bool]:
        """Pays rewards and rents and ends episodes.

        Args:
            tick: From `trade`.
            rewards: By world, in ticks; none is paid where the world did not move.
            terminated: By world.

        Returns:
            By world, whether its episode ended.
        """
        still = [d.closing or s for d, s in zip(tick.deals, tick.stops, strict=True)]
        for world, reward in enumerate(rewards):
            if not still[world]:
                self.books.reward("nature", self.owner[world], reward)
        for name in self.agents:
            self.books.rent(name, self.owner.count(name), self.worlds, self.rules.rent)
        ended = [s or bool(t) for s, t in zip(still, terminated, strict=True)]
        self.owner = [OWNER if e else o for e, o in zip(ended, self.owner, strict=True)]
        return ended


def _capped(bid: Bid, cap: int) -> Bid:
    return None if bid is None else min(bid, cap)


def td(table: list[list[float]], rate: float, steps: Sequence[tuple[int, int, float]]) -> None:
    """Moves entries of a table `[action][state]` towards targets, all from the same table.

    Args:
        table: Changed in place.
        rate: Of the step; already divided by the number of worlds.
        steps: Action, state and target each.
    """
    errors = [(a, s, target - table[a][s]) for a, s, target in steps]
    for action, state, error in errors:
        table[action][state] += rate * error
