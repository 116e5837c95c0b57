"""Payments of the wide market: trades, keep, stipends and incomes, as transfers on the ledger.

All functions are pure and expect a 64-bit context (`catallax._types.exact`). `accounts` says to
which account each holder's money belongs; holders may share one.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float64, Int32, Int64

from catallax._ledger import (
    Account,
    Fault,
    Ledger,
    Reason,
    Transfers,
    fault,
    post,
    together,
    totals,
    transfers,
)
from catallax._quanta import payments_of
from catallax._shares import shares_of
from catallax._trade import Trade


def trade_transfers(trade: Trade, accounts: Int32[Array, "n"]) -> Transfers:
    """Returns a trade as transfers through the clearing house, which they leave empty.

    Args:
        trade: What is bought and sold.
        accounts: int32 `[n]`, of the holders.

    Returns:
        Two transfers a holder: what it pays for all goods, and what it gets for all of them.
    """
    house = Account.CLEARING
    return together(
        transfers(accounts, house, trade.spent, Reason.PURCHASE),
        transfers(house, accounts, trade.earned, Reason.RESALE),
    )


def pay_trade(
    ledger: Ledger, trade: Trade, accounts: Int32[Array, "n"], means: Int64[Array, "n"]
) -> Ledger:
    """Pays for a trade, and checks from the balances alone who was paid and who was touched.

    Args:
        ledger: Before.
        trade: What is bought and sold.
        accounts: int32 `[n]`, of the holders.
        means: int64 `[n]`, ticks, what each might spend.

    Returns:
        The ledger after, with what was found in its `faults`.
    """
    after = post(ledger, trade_transfers(trade, accounts))
    return check_trade(ledger, after, trade, accounts, means)


def check_trade(
    before: Ledger,
    after: Ledger,
    trade: Trade,
    accounts: Int32[Array, "n"],
    means: Int64[Array, "n"],
) -> Ledger:
    """Checks that a trade paid whom it should, touched no one else and went beyond no means.

    Args:
        before: The ledger before it.
        after: The ledger after it.
        trade: What was bought and sold.
        accounts: int32 `[n]`, of the holders.
        means: int64 `[n]`, ticks.

    Returns:
        `after`, with what was found in its `faults`.
    """
    due = totals(trade.earned - trade.spent, accounts, before.balances.shape[0])
    paid, got = jnp.sum(trade.payments, axis=0), jnp.sum(trade.receipts, axis=0)
    negative = jnp.any(trade.payments < 0) | jnp.any(trade.receipts < 0)
    found = (
        fault(jnp.any(after.balances - before.balances != due), Fault.WRONG_PAYEE)
        | fault(jnp.any(paid != got), Fault.UNBALANCED)
        | fault(jnp.any(trade.spent > jnp.maximum(means, 0)), Fault.OVER_MEANS)
        | fault(negative, Fault.NEGATIVE_AMOUNT)
    )
    return after._replace(faults=after.faults | found)


def collect_carrying_costs(
    ledger: Ledger,
    holdings: Int64[Array, "n m"],
    carrying: Float64[Array, "m"],
    accounts: Int32[Array, "n"],
) -> tuple[Ledger, Int64[Array, "n"]]:
    """Charges holders for what they keep; the treasury gets it, as it gets rents.

    Whoever cannot pay owes: goods that are kept cost what they cost, and solvency is tested later.

    Args:
        ledger: Before.
        holdings: int64 `[n, m]`, quanta kept.
        carrying: float64 `[m]`, ticks for a quantum.
        accounts: int32 `[n]`, of the holders.

    Returns:
        The ledger after, and int64 `[n]` what each pays, in ticks, rounded down good by good.
    """
    due = jnp.sum(payments_of(holdings, carrying[None]), axis=1)
    return post(ledger, transfers(accounts, Account.TREASURY, due, Reason.CARRYING)), due


def hand_over(ledger: Ledger, earned: Int64[Array, "k"], accounts: Int32[Array, "k"]) -> Ledger:
    """Hands what the owners of resources earned to the treasury, so that money circulates.

    Args:
        ledger: Before.
        earned: int64 `[k]`, ticks, 0 or more.
        accounts: int32 `[k]`, who earned it.

    Returns:
        The ledger after.
    """
    return post(ledger, transfers(accounts, Account.TREASURY, earned, Reason.INCOME))


def pay_stipends(
    ledger: Ledger, stipends: Int64[Array, "k"], accounts: Int32[Array, "k"]
) -> tuple[Ledger, Int64[Array, "k"]]:
    """Pays consumers their stipends out of the treasury, which is never overdrawn.

    If it holds less than all stipends together, they share what it holds in proportion to them.

    Args:
        ledger: Before.
        stipends: int64 `[k]`, ticks, 0 or more.
        accounts: int32 `[k]`, of the consumers.

    Returns:
        The ledger after, and int64 `[k]` what each got, in ticks.
    """
    held = jnp.maximum(ledger.balances[Account.TREASURY], 0)
    payable = jnp.minimum(jnp.sum(stipends), held)
    paid = shares_of(payable[None], stipends[:, None])[:, 0]
    return post(ledger, transfers(Account.TREASURY, accounts, paid, Reason.STIPEND)), paid
