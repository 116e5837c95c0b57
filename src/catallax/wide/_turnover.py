"""Who is in the market: producers try their techniques, and those who lose by it leave."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float64, Int64

from catallax._errors import InvalidSetting
from catallax._ledger import Account, Ledger, Reason, post, transfers
from catallax.techniques._amounts import require_between

from ._rules import MEMORY_MAX

NEVER = 2**62
"""More steps than there will be."""


class Terms(NamedTuple):
    """A rule of turnover in numbers, for the compiled step.

    Attributes:
        every: Steps from one entry to the next.
        trial: Steps that an entrant has before its mean gain counts.
        memory: Of mean gains and expenses.
        loss: The share of mean expenses beyond which a mean loss ends it.
        capital: Ticks that an entrant gets.
        payer: Account that pays them.
    """

    every: Int64[Array, ""]
    trial: Int64[Array, ""]
    memory: Float64[Array, ""]
    loss: Float64[Array, ""]
    capital: Int64[Array, ""]
    payer: Int64[Array, ""]


class Lives(NamedTuple):
    """What is remembered of P producers for their exit and entry.

    Attributes:
        since: int64 `[P]`, the step in which each came in or went out.
        invested: float64 `[P]`, credits, what it paid in the last step for goods and its level:
            the cost of what it sells in the next.
        gain: float64 `[P]`, credits a step, a slow mean of sales less their cost.
        spent: float64 `[P]`, credits a step, the same of that cost.
    """

    since: Int64[Array, "P"]
    invested: Float64[Array, "P"]
    gain: Float64[Array, "P"]
    spent: Float64[Array, "P"]


@dataclass(frozen=True)
class AllIn:
    """Every producer is in from the beginning; who goes bankrupt stays out.

    Example:
        >>> AllIn().first(11)
        11
    """

    def first(self, producers: int) -> int:
        """Returns how many are in at the beginning: all."""
        return producers

    def terms(self, capital_ticks: int, payer: Account) -> Terms:
        """Returns the rule in numbers."""
        return terms(NEVER, NEVER, 0.0, math.inf, capital_ticks, payer)


@dataclass(frozen=True)
class Trials:
    """Techniques are tried: one producer enters every so often, and loss makers leave.

    Who has been out longest is the next to enter, of equals the first in the industry, with the
    endowment of the closure: nature pays it under `Rewards`, the treasury under `Stipends`, if it
    can. Who has lost on average more than a share of what it spends leaves; what it owns goes to
    the treasury, its goods to the original owner. It may be tried again later. A gain is what was
    sold less what it cost in the step before, so that who grows is no loser. While a market settles
    good techniques make losses too: a short memory throws them out, and the market with them.

    Args:
        every: Steps from one entry to the next, 1 or more.
        trial: Steps before an entrant's mean gain counts, 1 or more.
        loss: The share of mean expenses beyond which a mean loss ends it, 0 or more.
        memory: Of the means, from 0 to .999.
        begin: How many producers are in at the beginning: the first of the industry.

    Raises:
        InvalidSetting: If an argument is out of range.

    Example:
        >>> import catallax as cx
        >>> chain = cx.industries.supply_chain(0)
        >>> trials = cx.Trials(every=2)
        >>> market = cx.WideMarket(chain, cx.Rewards(1e4), money="none", turnover=trials)
        >>> economy = cx.WideEconomy(market)
        >>> economy.run(4).present.sum(axis=1).tolist()
        [0, 0, 1, 1]

    Source: Baum (1999), Toward a model of intelligence as an economy of agents, for entry and ruin.
    """

    every: int = 1
    trial: int = 60
    loss: float = 0.25
    memory: float = 0.98
    begin: int = 0

    def __post_init__(self) -> None:
        """Checks the settings."""
        for name, least in (("every", 1), ("trial", 1), ("begin", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InvalidSetting(
                    f"Trials was given {name}={value!r}.",
                    "It counts steps or producers.",
                    f"Give a whole number of {least} or more.",
                )
        require_between("Trials", "loss", self.loss, 0.0, math.inf)
        require_between("Trials", "memory", self.memory, 0.0, MEMORY_MAX)

    def first(self, producers: int) -> int:
        """Returns how many are in at the beginning."""
        return min(self.begin, producers)

    def terms(self, capital_ticks: int, payer: Account) -> Terms:
        """Returns the rule in numbers."""
        return terms(self.every, self.trial, self.memory, self.loss, capital_ticks, payer)


Turnover = AllIn | Trials
"""Who is in the market, and when."""


def terms(
    every: int, trial: int, memory: float, loss: float, capital_ticks: int, payer: Account
) -> Terms:
    """Returns numbers as arrays; to be called in 64 bits."""
    whole, parts = np.array([every, trial], np.int64), np.array([memory, loss], np.float64)
    money = np.array([capital_ticks, int(payer)], np.int64)
    return Terms(*jax.device_put((*whole, *parts, *money)))


def first_lives(producers: int) -> Lives:
    """Returns the lives of those who have done nothing."""
    zeros = np.zeros(producers)
    return Lives(*jax.device_put((zeros.astype(np.int64), zeros, zeros, zeros)))


def lived(lives: Lives, alive: Array, sales: Array, spent: Array, rule: Terms) -> Lives:
    """Returns lives with a step in their means: who grows spends more than it earns, and gains.

    Args:
        lives: Before.
        alive: bool `[P]`.
        sales: float64 `[P]`, credits, what was earned net of the discount.
        spent: float64 `[P]`, credits, what was paid for goods and levels.
        rule: Whose memory it is.
    """
    means = [
        jnp.where(alive, rule.memory * old + (1 - rule.memory) * new, old)
        for old, new in ((lives.gain, sales - lives.invested), (lives.spent, lives.invested))
    ]
    return Lives(lives.since, spent, *means)


def leaving(
    lives: Lives, alive: Bool[Array, "P"], step: Int64[Array, ""], rule: Terms
) -> Bool[Array, "P"]:
    """Returns who has had its trial, and lost by it."""
    tried = step - lives.since >= rule.trial
    # At an infinite share nobody loses enough, who spends nothing neither.
    enough = jnp.where(jnp.isinf(rule.loss), jnp.inf, rule.loss * lives.spent)
    return alive & tried & (lives.gain < -enough)


def entering(
    ledger: Ledger, lives: Lives, alive: Bool[Array, "P"], step: Int64[Array, ""], rule: Terms
) -> Bool[Array, "P"]:
    """Returns who enters after a step: at most one, who has been out longest."""
    waits = jnp.where(alive, NEVER, lives.since)
    payer = rule.payer.astype(jnp.int32)
    can_pay = (payer == Account.NATURE) | (ledger.balances[payer] >= rule.capital)
    due = (step % rule.every == 0) & can_pay & ~jnp.all(alive)
    return due & (jnp.arange(alive.size) == jnp.argmin(waits))


def paid_in(ledger: Ledger, enters: Array, accounts: Array, rule: Terms) -> Ledger:
    """Pays entrants their capital."""
    capital = jnp.where(enters, rule.capital, 0)
    payer = rule.payer.astype(jnp.int32)
    return post(ledger, transfers(payer, accounts, capital, Reason.ALLOWANCE))


def restarted(lives: Lives, moves: Bool[Array, "P"], step: Int64[Array, ""]) -> Lives:
    """Returns lives in which those who came or went begin anew."""
    return Lives(
        since=jnp.where(moves, step, lives.since),
        invested=jnp.where(moves, 0.0, lives.invested),
        gain=jnp.where(moves, 0.0, lives.gain),
        spent=jnp.where(moves, 0.0, lives.spent),
    )
