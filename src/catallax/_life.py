"""Life: who is born, who pays for it, and who leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral
from typing import Any, Literal, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, Int64

from catallax._errors import BadBirth, InvalidSetting
from catallax._ledger import Account, Ledger, Reason, post, transfers
from catallax._population import EMPTY, Population, free_slots
from catallax._rules import check_credits
from catallax._types import NOBODY, Key, ticks_of


@dataclass(frozen=True)
class Exit:
    """Who leaves besides the bankrupt; estates go to the treasury.

    Args:
        idle: Ticks without buying a world after which an agent leaves; None for never.
        prune: Poorest agents of a species that leave when its slots are full.

    Raises:
        InvalidSetting: If a number is out of range.

    Example:
        >>> import catallax as cx
        >>> cx.Exit(idle=10_000, prune=5).prune
        5

    Source: paper section 4, "the rule we use to prune low-wealth agents".
    """

    idle: int | None = None
    prune: int = 0

    def __post_init__(self) -> None:
        if not (self.idle is None or whole(self.idle, 1)) or not whole(self.prune, 0):
            raise InvalidSetting(
                f"Exit was given idle={self.idle}, prune={self.prune}.",
                "Idleness is counted in ticks and the pruned in agents.",
                "Give idle of 1 or more or None, and prune of 0 or more.",
            )

    def leavers(
        self, population: Population, wealth: Int64[Array, "N"], groups: Sequence[slice], tick: Any
    ) -> Bool[Array, "N"]:
        """Returns bool `[N]`, who leaves now."""
        leaves = jnp.zeros(population.alive.shape, bool)
        if self.idle is not None:
            leaves = population.alive & (tick - population.last_won > self.idle)
        if self.prune:
            pruned = [_poorest(population, wealth, group, self.prune) for group in groups]
            leaves = leaves | jnp.concatenate(pruned)
        return leaves


def _poorest(
    population: Population, wealth: Int64[Array, "N"], group: slice, count: int
) -> Bool[Array, "n"]:
    alive = population.alive[group]
    ranked = jnp.argsort(jnp.where(alive, wealth[group], jnp.iinfo(jnp.int64).max))
    poor = jnp.zeros(alive.shape, bool).at[ranked[:count]].set(True)
    return poor & alive & jnp.all(alive)


class Births(NamedTuple):
    """Births of one chunk in one species.

    Attributes:
        slots: int32 `[B]`, where; `NOBODY` for those that do not take place.
        parents: int32 `[B]`, the slot of the parent, `NOBODY` without one.
        refused: int64 scalar, births that were due and not paid or not housed.
    """

    slots: Int32[Array, "B"]
    parents: Int32[Array, "B"]
    refused: Int64[Array, ""]


class Entry(Protocol):
    """A rule for births."""

    @property
    def mutates(self) -> bool:
        """Whether newborns are children (True) or the next of an enumeration (False)."""
        ...

    @property
    def group(self) -> int | None:
        """The species, by its place in the market, that newborns belong to; None for no births."""
        ...

    def check(self, sizes: Sequence[int], mutates: Sequence[bool]) -> None:
        """Raises where the rule does not fit the species."""
        ...

    def births(
        self, population: Population, ledger: Ledger, first: int, group: slice, key: Key
    ) -> Births:
        """Returns who is born."""
        ...

    def pay(self, ledger: Ledger, first: int, births: Births) -> Ledger:
        """Pays the newborns' capital."""
        ...

    def revives(self, treasury_ticks: Any) -> Any:
        """Returns whether somebody could be born into a market in which nobody lives."""
        ...


@dataclass(frozen=True)
class NoEntry:
    """Nobody is born after genesis.

    Example:
        >>> import catallax as cx
        >>> cx.NoEntry().group is None
        True
    """

    mutates: bool = False
    group: int | None = None

    def check(self, sizes: Sequence[int], mutates: Sequence[bool]) -> None:
        """Accepts every market."""

    def births(
        self, population: Population, ledger: Ledger, first: int, group: slice, key: Key
    ) -> Births:
        """Returns no births."""
        nobody = jnp.zeros(0, jnp.int32)
        return Births(nobody, nobody, jnp.zeros((), jnp.int64))

    def pay(self, ledger: Ledger, first: int, births: Births) -> Ledger:
        """Pays nothing."""
        return ledger

    def revives(self, treasury_ticks: Any) -> Any:
        """Returns False: nobody is ever born."""
        return treasury_ticks != treasury_ticks


@dataclass(frozen=True)
class Enumerate:
    """The next agents of the species' enumeration enter, on an allowance from the treasury.

    Args:
        births_per_chunk: How many a chunk.
        allowance: Credits each; the treasury pays while it can, the rest are refused.
        group: The species, by its place in the market's list.

    Raises:
        InvalidSetting: If the allowance or the number is out of range.
        BadBirth: If more are to be born at once than the species has slots.

    Example:
        >>> import catallax as cx
        >>> cx.Enumerate(births_per_chunk=4, allowance=2.0).mutates
        False

    Source: paper section 2, "A must be countably enumerated and added to the economy one-by-one
    in the training loop with each agent being endowed with some allowance".
    """

    births_per_chunk: int = 1
    allowance: float = 1.0
    group: int = 0
    mutates: bool = False

    def __post_init__(self) -> None:
        check_entry(self.births_per_chunk, self.allowance)

    def check(self, sizes: Sequence[int], mutates: Sequence[bool]) -> None:
        """Raises where there is no such species or too few slots."""
        check_group(self.group, self.births_per_chunk, sizes)

    def births(
        self, population: Population, ledger: Ledger, first: int, group: slice, key: Key
    ) -> Births:
        """Returns as many births as there are slots and money for."""
        allowance = ticks_of(self.allowance)
        balance = ledger.balances[Account.TREASURY]
        affordable = balance // allowance if allowance else jnp.int64(self.births_per_chunk)
        slots = _next_free(population, group, self.births_per_chunk, affordable)
        orphans = jnp.full(slots.shape, NOBODY, jnp.int32)
        return Births(slots, orphans, jnp.sum(slots == NOBODY, dtype=jnp.int64))

    def pay(self, ledger: Ledger, first: int, births: Births) -> Ledger:
        """Pays allowances from the treasury."""
        born = births.slots != NOBODY
        amounts = jnp.where(born, ticks_of(self.allowance), 0)
        accounts = jnp.where(born, first + births.slots, Account.TREASURY)
        return post(ledger, transfers(Account.TREASURY, accounts, amounts, Reason.ALLOWANCE))

    def revives(self, treasury_ticks: Any) -> Any:
        """Returns whether the treasury can pay an allowance."""
        return treasury_ticks >= ticks_of(self.allowance)


@dataclass(frozen=True)
class Mutate:
    """Agents that can afford it have mutated children.

    Args:
        births_per_chunk: How many a chunk.
        allowance: Credits, a child's capital.
        payer: `"parent"` or `"treasury"`.
        threshold: A parent must own this many allowances.
        group: The species, by its place in the market's list.

    Raises:
        InvalidSetting: If a number is out of range, or the species has no `mutate`.
        BadBirth: If more are to be born at once than the species has slots.

    Example:
        >>> import catallax as cx
        >>> cx.Mutate(allowance=1.0, payer="parent").threshold
        4.0

    Source: Baum, "Toward a model of mind as a laissez-faire economy of idiots" (1996).
    """

    births_per_chunk: int = 1
    allowance: float = 1.0
    payer: Literal["parent", "treasury"] = "parent"
    threshold: float = 4.0
    group: int = 0
    mutates: bool = True

    def __post_init__(self) -> None:
        check_entry(self.births_per_chunk, self.allowance)
        if self.payer not in ("parent", "treasury") or not 1 <= self.threshold <= 1e6:
            raise InvalidSetting(
                f"Mutate was given payer={self.payer!r}, threshold={self.threshold}.",
                "A parent or the treasury pays, and a parent keeps what it does not give.",
                "Give payer='parent' or 'treasury' and a threshold of 1 or more.",
            )

    def check(self, sizes: Sequence[int], mutates: Sequence[bool]) -> None:
        """Raises where there is no such species, too few slots or no `mutate`."""
        check_group(self.group, self.births_per_chunk, sizes)
        if not mutates[self.group]:
            raise InvalidSetting(
                f"Mutate was told to have children in species {self.group}.",
                "That species has no mutate method.",
                "Choose another group=, or write mutate and set mutates = True.",
            )

    def births(
        self, population: Population, ledger: Ledger, first: int, group: slice, key: Key
    ) -> Births:
        """Returns children of agents drawn from those above the threshold."""
        allowance = ticks_of(self.allowance)
        wealth = ledger.balances[first:][group]
        fit = population.alive[group] & ~population.frozen[group]
        fit = fit & (wealth >= int(allowance * Fraction(self.threshold)))
        luck = jax.random.uniform(key, fit.shape, jnp.float32)
        scores, parents = jax.lax.top_k(jnp.where(fit, luck, -1.0), self.births_per_chunk)
        treasury = ledger.balances[Account.TREASURY]
        affordable = jnp.sum(scores >= 0, dtype=jnp.int64)
        if self.payer == "treasury" and allowance:
            affordable = jnp.minimum(affordable, treasury // allowance)
        slots = _next_free(population, group, self.births_per_chunk, affordable)
        parents = (parents + group.start).astype(jnp.int32)
        return Births(slots, parents, jnp.sum(slots == NOBODY, dtype=jnp.int64))

    def pay(self, ledger: Ledger, first: int, births: Births) -> Ledger:
        """Pays children from their parents or the treasury."""
        born = births.slots != NOBODY
        amounts = jnp.where(born, ticks_of(self.allowance), 0)
        child = jnp.where(born, first + births.slots, Account.TREASURY)
        parent = jnp.where(born, first + births.parents, Account.TREASURY)
        payer = parent if self.payer == "parent" else Account.TREASURY
        return post(ledger, transfers(payer, child, amounts, Reason.ALLOWANCE))

    def revives(self, treasury_ticks: Any) -> Any:
        """Returns False: children need a living parent."""
        return treasury_ticks != treasury_ticks


def _next_free(
    population: Population, group: slice, count: int, affordable: Int64[Array, ""]
) -> Int32[Array, "B"]:
    """Returns the first free slots of a group, `NOBODY` beyond what can be housed or paid."""
    free = free_slots(population)[group]
    rank = jnp.cumsum(free.astype(jnp.int32))
    wanted = jnp.arange(count, dtype=jnp.int32)
    slots = jnp.searchsorted(rank, wanted + 1).astype(jnp.int32) + group.start
    housed = wanted < jnp.minimum(rank[-1], affordable)
    return jnp.where(housed, slots, NOBODY)


def parent_ids(population: Population, births: Births) -> Int64[Array, "B"]:
    """Returns the ids of the parents, `EMPTY` without one."""
    ids = population.ids[jnp.maximum(births.parents, 0)]
    return jnp.where(births.parents == NOBODY, EMPTY, ids)


def check_entry(births: int, allowance: float) -> None:
    """Raises InvalidSetting where an entry rule's numbers mean nothing."""
    check_credits("allowance", allowance, 0)
    if not whole(births, 1):
        raise InvalidSetting(
            f"births_per_chunk={births} was given.",
            "An entry rule has births; without any it is NoEntry().",
            "Give 1 or more.",
        )


def whole(value: Any, low: int) -> bool:
    """Returns whether a setting is a whole number, and large enough."""
    return isinstance(value, Integral) and int(value) >= low


def check_group(group: int, births: int, sizes: Sequence[int]) -> None:
    """Raises where an entry rule names no species, or one with too few slots."""
    if not 0 <= group < len(sizes):
        raise InvalidSetting(
            f"group={group} was given to an entry rule.",
            f"The market has {len(sizes)} species, counted from 0.",
            "Give the place of the species in agents=[...].",
        )
    if births > sizes[group]:
        raise BadBirth(
            f"{births} births a chunk were asked for in species {group}.",
            f"It has {sizes[group]} slots.",
            "Give the species a larger capacity=, or fewer births_per_chunk.",
        )
