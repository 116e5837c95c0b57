"""What agents of linear values do at smoothed prices, one by one and together."""

import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._market import Money

LEANING = 0.7
"""What an agent's goods must promise before it spends, in ε: log 2, money against two equals."""

BLOCK = 2048
"""Agents that are asked at once: what they answer fits in a core's cache."""


class Sums(NamedTuple):
    """What agents do together at log-prices q and a smoothing ε: sums over agents.

    Attributes:
        spent: `[m]`, `P_j = Σ_i B_i w_ij`.
        pull: `[m, m]`, `Σ_i B_i (φ_i − φ'_i) π_ij π_ik`, how goods draw money from each other.
        ripple: `[m]`, `Σ_i B_i φ'_i π_ij`, how they draw it from what is not spent.
        drift: `[m]`, `∂P/∂ε`.
        lost: Money whose use is lost to smoothing.
        stake: Money that is of use, `Σ_i min(B_i, v_i(x_i))`.
        excess: The largest payment beyond worth, as a share of wealth.
        excess_money: The same, in money.
    """

    spent: Float[Array, "m"]
    pull: Float[Array, "m m"]
    ripple: Float[Array, "m"]
    drift: Float[Array, "m"]
    lost: Float[Array, ""]
    stake: Float[Array, ""]
    excess: Float[Array, ""]
    excess_money: Float[Array, ""]


class Answers(NamedTuple):
    """What each of some agents does: `w_ij = φ_i e_ij / Z_i`.

    Attributes:
        weights: `[n, m]`, e, 1 for the best good.
        tilts: `[n, m]`, `e log e`.
        total: `[n]`, Z.
        mean: `[n]`, `Σ_j π_ij log e_ij`.
        top: `[n]`, γ, the log of the best bang per buck.
        part: `[n]`, φ, the part of its money that an agent spends.
        slope: `[n]`, φ'.
        depth: `[n]`, u.
    """

    weights: Float[Array, "n m"]
    tilts: Float[Array, "n m"]
    total: Float[Array, "n"]
    mean: Float[Array, "n"]
    top: Float[Array, "n"]
    part: Float[Array, "n"]
    slope: Float[Array, "n"]
    depth: Float[Array, "n"]


class Quote(NamedTuple):
    """Prices as agents are told them: `1 / p = rates · e^(−shift)`.

    Attributes:
        rates: `[m]`, 0 for a good that has no price.
        shift: `[m]`, small: what rounding would swallow if it were part of the rates. None where
            powers are in 32 bits, and nothing is gained.
        eps: ε.
    """

    rates: Float[Array, "m"]
    shift: Float[Array, "m"] | None
    eps: Float[Array, ""]


def answers(values: Float[Array, "n m"], quote: Quote, money: Money, work: Any) -> Answers:
    """Asks agents what they do at prices, smoothed by ε.

    Money goes to goods by `π_ij ∝ (v_ij / p_j)^(1/ε)`, and of it the part `φ(u_i)` is spent with
    `u_i = log Σ_j (v_ij / p_j)^(1/ε) − log 2` and `φ(u) = (1 − e^(−u))²` above 0, 0 below: nobody
    spends on goods that are worth less than they cost. In a Fisher market φ is 1.

    Args:
        values: `[n, m]`, v, in 32 or 64 bits.
        quote: Prices and ε.
        money: "budget" or "fisher".
        work: The type in which powers are computed. Ratios are taken in 64 bits, relative to the
            best: nothing is lost near a tie, however small ε.

    Returns:
        Their `Answers`.
    """
    eps, wide = quote.eps, quote.rates.dtype
    ratios = values.astype(wide) * quote.rates
    # To what powers are relative makes no difference, and need not be differentiated.
    best = jax.lax.stop_gradient(jnp.max(ratios, axis=1))
    unit = 1 / jnp.where(best > 0, best, 1.0)
    below = jnp.log1p((ratios * unit[:, None] - 1).astype(work))
    top = jnp.where(best > 0, jnp.log(jnp.where(best > 0, best, 1.0)), -jnp.inf)
    if quote.shift is not None:
        moved = below - quote.shift
        most = jax.lax.stop_gradient(jnp.where(best > 0, jnp.max(moved, axis=1), 0.0))
        below, top = moved - most[:, None], top + most
    logs = below / eps.astype(work)
    weights = jnp.exp(logs)
    tilts = jnp.where(weights > 0, weights * logs, 0)
    total = jnp.maximum(jnp.sum(weights, axis=1), 1e-30).astype(wide)
    mean = jnp.sum(tilts, axis=1).astype(wide) / total
    depth = jnp.where(best > 0, top / eps + jnp.log(total) - LEANING, -jnp.inf)
    if money == "fisher":
        part, slope = jnp.where(best > 0, 1.0, 0.0), jnp.zeros_like(top)
    else:
        held = jnp.exp(-jnp.maximum(depth, 0.0))
        part, slope = (1 - held) ** 2, 2 * held * (1 - held)
    return Answers(weights, tilts, total, mean, top, part, slope, depth)


def summed(said: Answers, wealth: Float[Array, "n"], eps: Array, money: Money) -> Sums:
    """Sums answers up.

    Args:
        said: The `Answers`.
        wealth: `[n]`, B.
        eps: ε.
        money: The rule.

    Returns:
        The `Sums`.
    """
    work = said.weights.dtype
    per = wealth / said.total
    spend = per * said.part
    outer = (per * (said.part - said.slope) / said.total).astype(work)
    top = jnp.where(said.top > -jnp.inf, said.top, 0.0)
    turn = per * (said.slope * (top / eps + said.mean) - said.part * said.mean)
    ripple = per * said.slope
    columns = jnp.stack([turn, ripple], axis=1).astype(work)
    turned, rippled = (columns.T @ said.weights).astype(eps.dtype)
    tilted = (spend.astype(work) @ said.tilts).astype(eps.dtype)
    bang = jnp.exp(top)
    below = -jnp.expm1(eps * said.mean)  # at most: the mean of logs is below the log of the mean
    if money == "fisher":
        lost, worth, over = below, jnp.ones_like(top), jnp.zeros_like(top)
    else:
        idle = jnp.maximum(1 - 1 / bang, 0.0)
        lost = said.part * below + (1 - said.part) * idle
        worth = jnp.minimum(said.part * bang * (1 - below), 1.0)
        over = said.part * jnp.maximum(-jnp.expm1(top + eps * said.mean), 0.0)
    over = jnp.where(wealth > 0, over, 0.0)
    return Sums(
        spent=jnp.sum(said.weights.astype(eps.dtype) * spend[:, None], axis=0),
        pull=jnp.dot((said.weights * outer[:, None]).T, said.weights).astype(eps.dtype),
        ripple=rippled,
        drift=-(tilted + turned) / eps,
        lost=jnp.sum(wealth * jnp.where(said.top > -jnp.inf, lost, 0.0)),
        stake=jnp.sum(wealth * jnp.where(said.top > -jnp.inf, worth, 0.0)),
        excess=jnp.max(over, initial=0.0),
        excess_money=jnp.max(wealth * over, initial=0.0),
    )


def softness(said: Answers, wealth: Float[Array, "n"], money: Money) -> Float[Array, "n"]:
    """Returns how near agents are to doing something else: about `e^(−d)` at a distance of d ε."""
    ties = -said.mean
    if money == "budget":
        margin = jnp.exp(-jnp.abs(said.depth))
        ties = jnp.where(said.depth < 0, margin, jnp.maximum(ties, margin))
    return jnp.where(wealth > 0, ties, 0.0)


def nothing(goods: int) -> Sums:
    """Returns the sums over nobody."""
    none, zero = jnp.zeros(goods), jnp.zeros(())
    return Sums(none, jnp.zeros((goods, goods)), none, none, zero, zero, zero, zero)


def together(one: Sums, other: Sums) -> Sums:
    """Returns the sums over two groups of agents; in NumPy, if they are."""
    most = np.maximum if isinstance(one.spent, np.ndarray) else jnp.maximum
    added = jax.tree.map(operator.add, one, other)
    return added._replace(
        excess=most(one.excess, other.excess),
        excess_money=most(one.excess_money, other.excess_money),
    )


def asked(
    values: Float[Array, "n m"],
    wealth: Float[Array, "n"],
    quote: Quote,
    money: Money,
    work: Any,
) -> tuple[Sums, Float[Array, "n"]]:
    """Asks all agents, block after block.

    Args:
        values: `[n, m]`, v.
        wealth: `[n]`, B.
        quote: Prices and ε.
        money: The rule.
        work: The type of powers.

    Returns:
        The `Sums`, and `[n]`, the softness of each.
    """

    def block(values: Array, wealth: Array) -> tuple[Sums, Array]:
        said = answers(values, quote, money, work)
        return summed(said, wealth, quote.eps, money), softness(said, wealth, money)

    count, width = values.shape
    if count <= BLOCK:
        return block(values, wealth)
    blocks = -(-count // BLOCK)
    values = jnp.pad(values, ((0, blocks * BLOCK - count), (0, 0)))
    wealth = jnp.pad(wealth, (0, blocks * BLOCK - count))

    def step(sums: Sums, rows: tuple[Array, Array]) -> tuple[Sums, Array]:
        more, soft = block(*rows)
        return together(sums, more), soft

    rows = values.reshape(blocks, BLOCK, width), wealth.reshape(blocks, BLOCK)
    sums, soft = jax.lax.scan(step, nothing(width), rows)
    return sums, soft.reshape(-1)[:count]
