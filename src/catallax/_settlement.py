"""Settlement: from sales, rewards, rents and deaths to transfers. Pure functions, no state."""

from fractions import Fraction

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32, Int64

from catallax._clearing import Sale
from catallax._ledger import (
    Account,
    Fault,
    Ledger,
    Reason,
    Transfers,
    fault,
    post,
    post_each,
    together,
    totals,
    transfers,
)
from catallax._types import Mask, Ticks


def kept_of(price: Ticks, owner: Int32[Array, "W"], discount: Fraction) -> Ticks:
    """Returns what the seller keeps of a price: `(price·γ_num) // γ_den`, of either sign.

    The first sale, from the original owner, is not discounted.

    Args:
        price: int64 `[W]`, ticks.
        owner: int32 `[W]`, the account that sells.
        discount: γ as a fraction.

    Returns:
        int64 `[W]`, ticks; the rest goes to the account `discount`.
    """
    kept = (price * discount.numerator) // discount.denominator
    return jnp.where(owner == Account.ORIGINAL_OWNER, price, kept)


def sale_transfers(
    owner: Int32[Array, "W"],
    buyer: Int32[Array, "W"],
    price: Ticks,
    paid: Ticks,
    sold: Mask,
    discount: Fraction,
) -> Transfers:
    """Returns the transfers of W sales, all through the clearing house.

    The buyer pays `paid`, the account `exploration` what is missing to the price, the seller
    keeps the discounted price and the account `discount` takes the rest.

    Args:
        owner: int32 `[W]`, the account that sells.
        buyer: int32 `[W]`, the account that buys.
        price: int64 `[W]`, ticks.
        paid: int64 `[W]`, ticks, at most the price.
        sold: bool `[W]`, whether there is a sale at all.
        discount: γ.

    Returns:
        Four transfers a world; amounts are 0 where there is no sale.
    """
    price, paid = jnp.where(sold, price, 0), jnp.where(sold, paid, 0)
    kept = kept_of(price, owner, discount)
    house = Account.CLEARING
    return together(
        transfers(buyer, house, paid, Reason.PURCHASE),
        transfers(Account.EXPLORATION, house, price - paid, Reason.EXPLORATION),
        transfers(house, owner, kept, Reason.RESALE),
        transfers(house, Account.DISCOUNT, price - kept, Reason.DISCOUNT),
    )


def check_sales(
    before: Ledger,
    after: Ledger,
    owner: Int32[Array, "W"],
    buyer: Int32[Array, "W"],
    price: Ticks,
    paid: Ticks,
    sold: Mask,
    discount: Fraction,
) -> Ledger:
    """Checks, from the balances alone, that sales paid whom they should and touched no one else.

    Args:
        before: The ledger before the sales.
        after: The ledger after them.
        owner: int32 `[W]`, the accounts that sold.
        buyer: int32 `[W]`, the accounts that bought.
        price: int64 `[W]`, ticks.
        paid: int64 `[W]`, ticks.
        sold: bool `[W]`.
        discount: γ.

    Returns:
        `after`, with what was found in its `faults`.
    """
    price, paid = jnp.where(sold, price, 0), jnp.where(sold, paid, 0)
    kept = kept_of(price, owner, discount)
    n_accounts = before.balances.shape[0]
    due = totals(jnp.concatenate([kept, -paid]), jnp.concatenate([owner, buyer]), n_accounts)
    account = jnp.arange(n_accounts)
    due += jnp.where(account == Account.DISCOUNT, jnp.sum(price - kept), 0)
    due += jnp.where(account == Account.EXPLORATION, jnp.sum(paid - price), 0)
    wrong = jnp.any(after.balances - before.balances != due)
    return after._replace(faults=after.faults | fault(wrong, Fault.WRONG_PAYEE))


def check_sale_prices(
    ledger: Ledger,
    sale: Sale,
    valuations: Int64[Array, "N W"],
    means: Int64[Array, "N"],
    reserve_ticks: int | None,
) -> Ledger:
    """Checks prices against bids, the reserve, and every buyer's total against its means.

    Args:
        ledger: The ledger, for its `faults`.
        sale: What was sold.
        valuations: int64 `[N, W]`, uncapped bids in ticks.
        means: int64 `[N]`, what each agent had to spend.
        reserve_ticks: The lowest price allowed, or None.

    Returns:
        The ledger with what was found in its `faults`.
    """
    bought, worlds = sale.buyer >= 0, jnp.arange(sale.buyer.shape[0])
    slot = jnp.maximum(sale.buyer, 0)
    own = valuations.at[slot, worlds].get(mode="clip")
    over_bid = bought & ((sale.paid > own) | (sale.paid > sale.price))
    over_cap = bought & (sale.paid > means.at[slot].get(mode="clip"))
    found = fault(over_bid, Fault.PRICE_ABOVE_BID) | fault(over_cap, Fault.OVER_MEANS)
    if reserve_ticks is not None:
        found |= fault(bought & (sale.price < reserve_ticks), Fault.PRICE_BELOW_RESERVE)
    spent = totals(jnp.where(bought, jnp.maximum(sale.paid, 0), 0), slot, means.shape[0])
    over_means = fault(jnp.any(spent > jnp.maximum(means, 0)), Fault.OVER_MEANS)
    union = jax.lax.reduce(found, jnp.int32(0), jax.lax.bitwise_or, (0,))
    return ledger._replace(faults=ledger.faults | union | over_means)


def pay_rewards(
    ledger: Ledger, payer: Int32[Array, "W"], owner: Int32[Array, "W"], reward: Ticks
) -> tuple[Ledger, Transfers]:
    """Pays W signed rewards: nature or a consumer to the owner, or the owner to them below 0.

    Args:
        ledger: Before.
        payer: int32 `[W]`, accounts.
        owner: int32 `[W]`, accounts.
        reward: int64 `[W]`, ticks.

    Returns:
        The ledger after, and the transfers.
    """
    batch = transfers(payer, owner, reward, Reason.REWARD)
    return post(ledger, batch), batch


def collect_rent(
    ledger: Ledger, first: int, held: Int64[Array, "N"], n_worlds: int, rate: Fraction
) -> tuple[Ledger, Ticks]:
    """Collects `floor(ε·max(w, 0)·k/W)` from every agent that holds k of W worlds.

    Args:
        ledger: Before.
        first: The account of slot 0.
        held: int64 `[N]`, worlds held, k.
        n_worlds: W.
        rate: ε, per tick.

    Returns:
        The ledger after, and int64 `[N]` the rents in ticks.
    """
    wealth = jnp.maximum(ledger.balances[first:], 0)
    share = rate / n_worlds
    # In three exact parts, so that no product leaves 64 bits.
    whole, rest = wealth // share.denominator, (wealth % share.denominator) * share.numerator
    part, crumb = rest // share.denominator, rest % share.denominator
    rent = (whole * share.numerator + part) * held + (crumb * held) // share.denominator
    return post_each(ledger, first, -rent, Account.TREASURY, Reason.RENT), rent


def settle_estates(ledger: Ledger, first: int, dead: Mask) -> Ledger:
    """Closes the accounts of the dead: estates to the treasury, debts paid by `losses`.

    Args:
        ledger: Before.
        first: The account of slot 0.
        dead: bool `[N]`.

    Returns:
        The ledger after; the balance of every dead agent is 0.
    """
    wealth = jnp.where(dead, ledger.balances[first:], 0)
    ledger = post_each(ledger, first, -jnp.maximum(wealth, 0), Account.TREASURY, Reason.ESTATE)
    return post_each(ledger, first, -jnp.minimum(wealth, 0), Account.LOSSES, Reason.LOSS)


def refinance(ledger: Ledger, first: int, poor: Mask, endowment_ticks: int) -> Ledger:
    """Tops agents up to the endowment; `losses` pays, and the books tell how much.

    Args:
        ledger: Before.
        first: The account of slot 0.
        poor: bool `[N]`, who is topped up.
        endowment_ticks: Up to where.

    Returns:
        The ledger after.
    """
    missing = jnp.where(poor, jnp.maximum(endowment_ticks - ledger.balances[first:], 0), 0)
    return post_each(ledger, first, missing, Account.LOSSES, Reason.REFINANCE)
