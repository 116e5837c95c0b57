"""The double-entry ledger: whole ticks in 64-bit integers, moved only by transfers.

Every function here expects to run in a 64-bit context (`catallax._types.exact`); the drivers
open it around a whole run.
"""

from enum import IntEnum
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, Int64

from catallax._types import Mask, Slots, Ticks


class Account(IntEnum):
    """The system accounts, which come before those of consumers and agents.

    Example:
        >>> Account.TREASURY.name.lower()
        'treasury'
    """

    ORIGINAL_OWNER = 0
    NATURE = 1
    DISCOUNT = 2
    LOSSES = 3
    EXPLORATION = 4
    TREASURY = 5
    COMPUTE = 6
    ROUNDING = 7
    CLEARING = 8


class Reason(IntEnum):
    """Why money moves.

    Example:
        >>> [reason.name.lower() for reason in Reason][:3]
        ['purchase', 'resale', 'discount']
    """

    PURCHASE = 0
    RESALE = 1
    DISCOUNT = 2
    REWARD = 3
    RENT = 4
    ALLOWANCE = 5
    ENDOWMENT = 6
    EXPLORATION = 7
    REFINANCE = 8
    ESTATE = 9
    LOSS = 10
    COMPUTE = 11
    ROUNDING = 12
    STIPEND = 13
    INCOME = 14
    CARRYING = 15


class Fault(IntEnum):
    """What a check inside the step may find, one bit each."""

    UNBALANCED = 1
    CLEARING_NOT_EMPTY = 2
    NEGATIVE_AMOUNT = 4
    NO_SUCH_ACCOUNT = 8
    PRICE_ABOVE_BID = 16
    PRICE_BELOW_RESERVE = 32
    OVER_MEANS = 64
    WRONG_PAYEE = 128
    TREASURY_OVERDRAWN = 256
    BAD_BID = 512
    BAD_OBSERVATION = 1024
    BAD_REWARD = 2048
    OVERFLOW = 4096
    BAD_PRICE = 8192
    BAD_STOCK = 16384
    DRIFT = 32768


N_SYSTEM = len(Account)
N_REASONS = len(Reason)
DENSE = 2**12
"""Slots times amounts up to which a sum by slot compares all with all."""

BALANCE_MAX = 2**61
"""Balances beyond this raise a fault long before 64 bits could wrap."""


class Transfers(NamedTuple):
    """A batch of movements, all for one reason or one reason each.

    Attributes:
        debit: int32 `[m]`, the account that pays.
        credit: int32 `[m]`, the account that receives.
        amount: int64 `[m]`, ticks, never negative; 0 moves nothing and is not counted.
        reason: int32 `[m]`, a `Reason`.
    """

    debit: Int32[Array, "m"]
    credit: Int32[Array, "m"]
    amount: Int64[Array, "m"]
    reason: Int32[Array, "m"]


class Ledger(NamedTuple):
    """Balances and the flows that made them.

    Attributes:
        balances: int64 `[accounts]`, ticks; they sum to 0, always.
        flows: int64 `[accounts, reasons]`, net ticks received since the last journal entry.
        transfers: int64 scalar, movements since genesis.
        faults: int32 scalar, the union of every `Fault` seen.
    """

    balances: Int64[Array, "accounts"]
    flows: Int64[Array, "accounts reasons"]
    transfers: Int64[Array, ""]
    faults: Int32[Array, ""]


def empty_ledger(n_accounts: int) -> Ledger:
    """Returns a ledger on which nothing has happened.

    Args:
        n_accounts: System accounts, consumers and agents together.

    Returns:
        A `Ledger` of zeros.
    """
    return Ledger(
        balances=jnp.zeros(n_accounts, jnp.int64),
        flows=jnp.zeros((n_accounts, N_REASONS), jnp.int64),
        transfers=jnp.zeros((), jnp.int64),
        faults=jnp.zeros((), jnp.int32),
    )


def transfers(debit: Slots | int, credit: Slots | int, amount: Ticks, reason: Reason) -> Transfers:
    """Builds transfers of signed amounts: below 0, the two sides change places.

    Args:
        debit: int32 `[m]` or scalar, the account that pays a positive amount.
        credit: int32 `[m]` or scalar, the account that receives it.
        amount: int64 `[m]`, ticks, of either sign.
        reason: Why.

    Returns:
        `Transfers` of non-negative amounts.
    """
    amount = jnp.atleast_1d(amount)
    debit = jnp.broadcast_to(jnp.asarray(debit, jnp.int32), amount.shape)
    credit = jnp.broadcast_to(jnp.asarray(credit, jnp.int32), amount.shape)
    backwards = amount < 0
    return Transfers(
        debit=jnp.where(backwards, credit, debit),
        credit=jnp.where(backwards, debit, credit),
        amount=jnp.abs(amount),
        reason=jnp.full(amount.shape, reason, jnp.int32),
    )


def together(*batches: Transfers) -> Transfers:
    """Joins batches of transfers into one, to be posted at once."""
    return Transfers(*(jnp.concatenate(column) for column in zip(*batches, strict=True)))


def post(ledger: Ledger, batch: Transfers) -> Ledger:
    """Carries out a batch of transfers.

    Integer addition is associative: any order and any split of the same transfers gives the
    same ledger.

    Args:
        ledger: The ledger before.
        batch: What moves.

    Returns:
        The ledger after; its `faults` tell of a negative amount or an account that is not there.
    """
    n_accounts = ledger.balances.shape[0]
    accounts = jnp.concatenate([batch.debit, batch.credit])
    outside = (accounts < 0) | (accounts >= n_accounts)
    accounts = jnp.where(outside, n_accounts, accounts)  # JAX would wrap a negative index
    amounts = jnp.concatenate([-batch.amount, batch.amount])
    cells = accounts * N_REASONS + jnp.concatenate([batch.reason, batch.reason])
    flows = ledger.flows.reshape(-1).at[cells].add(amounts, mode="drop")
    return Ledger(
        balances=ledger.balances.at[accounts].add(amounts, mode="drop"),
        flows=flows.reshape(ledger.flows.shape),
        transfers=ledger.transfers + jnp.sum(batch.amount > 0),
        faults=ledger.faults
        | fault(jnp.any(batch.amount < 0), Fault.NEGATIVE_AMOUNT)
        | fault(jnp.any(outside), Fault.NO_SUCH_ACCOUNT),
    )


def post_each(
    ledger: Ledger, first: int, amounts: Ticks, counterparty: Account, reason: Reason
) -> Ledger:
    """Moves a signed amount from one system account to each account of a range.

    Dense where `post` is sparse: the same ledger as one transfer per account, without indices.

    Args:
        ledger: The ledger before.
        first: The first account of the range.
        amounts: int64 `[n]`, ticks that each account of the range receives (below 0: pays).
        counterparty: The system account on the other side.
        reason: Why.

    Returns:
        The ledger after.
    """
    total, last = jnp.sum(amounts), first + amounts.shape[0]
    balances = ledger.balances.at[first:last].add(amounts)
    flows = ledger.flows.at[first:last, reason].add(amounts)
    return ledger._replace(
        balances=balances.at[counterparty].add(-total),
        flows=flows.at[counterparty, reason].add(-total),
        transfers=ledger.transfers + jnp.sum(amounts != 0),
    )


def totals(amounts: Int64[Array, "m"], slots: Int32[Array, "m"], n_slots: int) -> Ticks:
    """Returns the sum of the amounts of each slot, int64 `[n_slots]`.

    A small table compares every slot with every amount, which is one pass; a large one scatters.
    """
    if n_slots * amounts.shape[0] > DENSE:
        return jax.ops.segment_sum(amounts, slots, n_slots)
    mine = slots == jnp.arange(n_slots, dtype=jnp.int32)[:, None]
    return jnp.sum(jnp.where(mine, amounts, 0), axis=1)


def fault(broken: Mask, kind: Fault) -> Int32[Array, "..."]:
    """Returns the bit of a fault where it occurred, else 0."""
    return jnp.where(broken, jnp.int32(kind), jnp.int32(0))


def check_books(ledger: Ledger) -> Ledger:
    """Checks what must hold between two steps: Σ = 0, nothing in clearing, a solvent treasury.

    Args:
        ledger: The ledger to check.

    Returns:
        The same ledger with what was found in its `faults`.
    """
    balances = ledger.balances
    found = (
        fault(jnp.sum(balances) != 0, Fault.UNBALANCED)
        | fault(balances[Account.CLEARING] != 0, Fault.CLEARING_NOT_EMPTY)
        | fault(balances[Account.TREASURY] < 0, Fault.TREASURY_OVERDRAWN)
        | fault(jnp.max(jnp.abs(balances)) > BALANCE_MAX, Fault.OVERFLOW)
    )
    return ledger._replace(faults=ledger.faults | found)


def faults_named(faults: int) -> list[str]:
    """Names the faults in a mask.

    Args:
        faults: The mask, from a ledger.

    Returns:
        Names in lower case, in order of their bits.
    """
    return [kind.name.lower().replace("_", " ") for kind in Fault if int(faults) & kind]


def account_names(n_consumers: int, ids: np.ndarray) -> list[str]:
    """Names every account as the journal does.

    Args:
        n_consumers: How many consumers hold accounts.
        ids: int `[slots]`, the id of the agent in each slot, -1 where it is empty.

    Returns:
        One name an account: `treasury`, `consumer/0`, `agent/17`, `slot/3` where it is empty.
    """
    system = [account.name.lower() for account in Account]
    consumers = [f"consumer/{index}" for index in range(n_consumers)]
    agents = [f"agent/{id_}" if id_ >= 0 else f"slot/{slot}" for slot, id_ in enumerate(ids)]
    return system + consumers + agents
