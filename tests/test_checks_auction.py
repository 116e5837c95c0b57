"""The contract of auctions, on those of the library and on auctions that are wrong on purpose."""

from dataclasses import dataclass, field

import jax.numpy as jnp
import pytest

import catallax as cx
from catallax._errors import CheckFailed
from catallax._types import NOBODY
from catallax.checks import check_auction

GOOD = [
    cx.FirstPrice(),
    cx.FirstPrice(reserve=0.0, ties="random"),
    cx.Vickrey(),
    cx.Vickrey(seats=2, ties="random"),
    cx.Vickrey(reserve=0.5),
    cx.KthPrice(k=3, seats=1),
    cx.KthPrice(k=4, seats=2, reserve=-1.0),
]


@pytest.mark.parametrize("auction", GOOD, ids=str)
def test_every_auction_of_the_library_keeps_its_contract(auction):
    assert all(finding.passed for finding in check_auction(auction))


# --- one wrong auction for each clause


@dataclass(frozen=True)
class Wrapped:
    """An auction around Vickrey's whose clearing is tampered with."""

    reserve: float | None = None

    @property
    def inner(self):
        return cx.Vickrey(reserve=self.reserve)

    @property
    def reserve_ticks(self):
        return self.inner.reserve_ticks

    def clear(self, bids, enters, luck):
        return self.inner.clear(bids, enters, luck)


@dataclass(frozen=True)
class HalfReserve(Wrapped):
    @property
    def reserve_ticks(self):
        return 0.5


@dataclass(frozen=True)
class FloatPrice(Wrapped):
    def clear(self, bids, enters, luck):
        cleared = super().clear(bids, enters, luck)
        return cleared._replace(price=cleared.price.astype(jnp.float32))


@dataclass(frozen=True)
class LowestWins(Wrapped):
    def clear(self, bids, enters, luck):
        cleared = super().clear(-bids, enters, luck)
        return cleared._replace(price=-cleared.price)


@dataclass(frozen=True)
class FindsFewBuyers(Wrapped):
    """Sells only where two bid: wrong in rare worlds alone."""

    def clear(self, bids, enters, luck):
        cleared = super().clear(bids, enters, luck)
        few = jnp.sum(enters, axis=0) == 1
        return type(cleared)(
            jnp.where(few, NOBODY, cleared.winner),
            jnp.where(few, 0, cleared.price),
            jnp.where(few, NOBODY, cleared.setter),
        )


@dataclass(frozen=True)
class AlwaysSells(Wrapped):
    def clear(self, bids, enters, luck):
        cleared = super().clear(bids, enters, luck)
        return cleared._replace(winner=jnp.maximum(cleared.winner, 0))


@dataclass(frozen=True)
class Overcharges(Wrapped):
    def clear(self, bids, enters, luck):
        cleared = self.inner.clear(bids, enters, luck)
        return cleared._replace(price=jnp.where(cleared.winner >= 0, cleared.price + 1, 0))


@dataclass(frozen=True)
class ForgetsReserve(Wrapped):
    reserve: float | None = 1.0

    def clear(self, bids, enters, luck):
        cleared = cx.Vickrey().clear(bids, enters & (bids >= self.reserve_ticks), luck)
        second = cleared.setter != cleared.winner
        return cleared._replace(
            price=jnp.where(second, cleared.price, jnp.minimum(cleared.price, 5)),
        )


@dataclass(frozen=True)
class BlamesWinner(Wrapped):
    def clear(self, bids, enters, luck):
        cleared = self.inner.clear(bids, enters, luck)
        return cleared._replace(setter=cleared.winner)


@dataclass(frozen=True)
class ChargesByName(Wrapped):
    """Slot 0 pays its own bid, the others the second."""

    def clear(self, bids, enters, luck):
        second = self.inner.clear(bids, enters, luck)
        first = cx.FirstPrice().clear(bids, enters, luck)
        zero = second.winner == 0
        parts = zip(first, second, strict=True)
        return type(second)(*(jnp.where(zero, a, b) for a, b in parts))


@dataclass(frozen=True)
class ProgressiveTax(Wrapped):
    """First price above 1.5 credits, second price below: prices have an origin."""

    def clear(self, bids, enters, luck):
        second = self.inner.clear(bids, enters, luck)
        first = cx.FirstPrice().clear(bids, enters, luck)
        rich = first.price > 1_500_000
        parts = zip(first, second, strict=True)
        return type(second)(*(jnp.where(rich, a, b) for a, b in parts))


@dataclass(frozen=True)
class MixesWorlds(Wrapped):
    """First price where the world before sold dearly."""

    def clear(self, bids, enters, luck):
        second = self.inner.clear(bids, enters, luck)
        first = cx.FirstPrice().clear(bids, enters, luck)
        dear = jnp.roll(first.price, 1) > 0
        parts = zip(first, second, strict=True)
        return type(second)(*(jnp.where(dear, a, b) for a, b in parts))


@dataclass(frozen=True)
class ReadsTheAbsent(Wrapped):
    """First price where somebody who stays away would have bid the most."""

    def clear(self, bids, enters, luck):
        second = self.inner.clear(bids, enters, luck)
        first = cx.FirstPrice().clear(bids, enters, luck)
        shadow = jnp.max(bids, axis=0) > first.price
        parts = zip(first, second, strict=True)
        return type(second)(*(jnp.where(shadow, a, b) for a, b in parts))


@dataclass(frozen=True)
class TiresLate(Wrapped):
    """From the 100th call on it charges the first price."""

    calls: list = field(default_factory=list, compare=False, hash=False)

    def clear(self, bids, enters, luck):
        self.calls.append(1)
        late = len(self.calls) > 100
        return (cx.FirstPrice() if late else self.inner).clear(bids, enters, luck)


WRONG = {
    HalfReserve(): "is a frozen value",
    FloatPrice(): "answers in whole numbers",
    LowestWins(): "the winner made the highest bid",
    FindsFewBuyers(): "sells where somebody may buy",
    AlwaysSells(): "nobody wins where nobody bids",
    Overcharges(): "no winner pays above its bid",
    ForgetsReserve(): "no price is below the reserve",
    BlamesWinner(): "the setter's bid is the price",
    ChargesByName(): "names do not matter",
    ProgressiveTax(): "a constant added to all bids moves the price by it",
    MixesWorlds(): "worlds do not meet",
    ReadsTheAbsent(): "those who stay away have no effect",
    TiresLate(): "the same luck gives the same sale",
}


@pytest.mark.parametrize(("auction", "name"), WRONG.items(), ids=lambda x: type(x).__name__)
def test_a_wrong_auction_breaks_its_clause(auction, name):
    findings = {finding.clause: finding for finding in check_auction(auction, on_fail="report")}
    assert not findings[name].passed and findings[name].detail


def test_every_clause_has_a_wrong_auction():
    findings = check_auction(cx.FirstPrice(), on_fail="report")
    assert [finding.clause for finding in findings] == list(WRONG.values())


def test_the_message_shows_the_bids():
    with pytest.raises(CheckFailed, match=r"on bids \[.*\] .*winner, price, setter are"):
        check_auction(LowestWins())
    findings = check_auction(Wrapped(), expected_failures={}, on_fail="raise")
    assert all(finding.fine for finding in findings)
