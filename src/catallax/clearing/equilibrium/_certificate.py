"""By how much prices and bundles miss an equilibrium: measured on them, whoever found them."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from catallax._types import exact
from catallax._xla import compiled
from catallax.clearing.equilibrium._border import amounts, valuations_of, wealth_of
from catallax.clearing.equilibrium._market import Market, Money, Rules, by_rule
from catallax.clearing.equilibrium._money import money_of
from catallax.clearing.equilibrium._outcome import Certificate
from catallax.clearing.equilibrium._regret import best_utility, rests_on_trust
from catallax.clearing.equilibrium.valuations import CobbDouglas, Valuations

TASTE = 1e-9
"""A share of all there is, so small that nobody is satiated."""


def certify(
    valuations: Valuations,
    supply: ArrayLike,
    wealth: ArrayLike | None,
    prices: ArrayLike,
    bundles: ArrayLike,
    *,
    money: Rules,
) -> Certificate:
    """Measures by how much anyone's prices and bundles miss an equilibrium.

    In equilibrium `Σ_b ω_b ≤ Ω`, `p ≥ 0`, `p·(Ω − Σ_b ω_b) = 0`, and each bundle `ω_b` is a best
    one at the prices. Nothing here is shared with the methods that search for equilibria.

    Args:
        valuations: What bundles are worth to n agents.
        supply: `[m]`, quantities, 0 or more.
        wealth: `[n]`, money, 0 or more; may be None with `money="none"`, which ignores it.
        prices: `[m]`, money a unit, 0 or more.
        bundles: `[n, m]`, quantities, 0 or more.
        money: What money means: "none", "cap", "budget" or "fisher", or one of them for each
            family of `Mixed`.

    Returns:
        The `Certificate`, in float64.

    Raises:
        InvalidMarket: An argument has another shape, a number that is not finite, or one below 0.
        NotConcave: Curvatures or slopes say that an agent gains from mixtures. Functions are not
            probed.
        UnboundedDemand: An agent makes worth out of nothing.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Linear(np.array([[2.0], [1.0]]))
        >>> bundles = np.array([[1.0], [0.0]])
        >>> good = cx.certify(values, [1.0], None, [2.0], bundles, money="none")
        >>> float(good.violation)
        0.0
        >>> cheap = cx.certify(values, [1.0], None, [0.5], bundles, money="none")
        >>> cheap.regret.tolist()  # what twice the supply would bring, beyond what was given
        [0.75, 0.5]

    Source: paper Definition 2.2 (goods are conserved, payment within worth, best bundles).
    """
    money = money_of(money, valuations)
    valuations = valuations_of(valuations)
    agents, goods = valuations.agents, valuations.goods
    checked = (
        amounts("supply", supply, (goods,)),
        wealth_of(wealth, agents, money),
        amounts("prices", prices, (goods,)),
        amounts("bundles", bundles, (agents, goods)),
    )
    with exact():
        placed: Any = jax.device_put(checked)
        market = Market(valuations, placed[0], placed[1], money)
        return jax.tree.map(np.asarray, _compiled(market, placed[2], placed[3]))


def certificate_of(
    market: Market, prices: Float[Array, "m"], bundles: Float[Array, "n m"]
) -> Certificate:
    """Measures a triple that may be traced: a few passes over agents and goods, in 64 bits.

    Args:
        market: In 64 bits.
        prices: `[m]`.
        bundles: `[n, m]`.

    Returns:
        The `Certificate`, as `summed_up` defines it.
    """
    worth = market.valuations.worth(bundles)
    own, _ = _scales(market, worth)
    seen = standings_of(market, prices, bundles, jnp.where(own > 0, own, 1.0))
    return summed_up(market, prices, seen, jnp.sum(bundles, axis=0))


class Standings(NamedTuple):
    """How agents stand at prices with their bundles: all that a certificate asks about them.

    Agents can be asked in parts, as many as fit in memory, and their standings put together.

    Attributes:
        worth: `[n]`, v(x).
        pays: `[n]`, `p·x`.
        best: `[n]`, the best utility in reach.
        sound: bool `[n]`, whether their bundle and the prices are finite and 0 or more.
    """

    worth: Float[Array, "n"]
    pays: Float[Array, "n"]
    best: Float[Array, "n"]
    sound: Bool[Array, "n"]


def standings_of(
    market: Market,
    prices: Float[Array, "m"],
    bundles: Float[Array, "n m"],
    unit: Float[Array, "n"],
) -> Standings:
    """Asks agents, or some of them, how they stand; no agent's answer depends on another.

    Args:
        market: With the supply of the whole market, and some or all of its agents.
        prices: `[m]`.
        bundles: `[n, m]`, of these agents.
        unit: `[n]`, money above 0: the ruler of `best_utility` for goods with no supply.

    Returns:
        Their `Standings`.
    """
    return Standings(
        worth=market.valuations.worth(bundles),
        pays=bundles @ prices,
        best=jnp.where(_shut_out(market, prices), 0.0, best_utility(market, prices, bundles, unit)),
        sound=_is_amount(prices, 0) & _is_amount(bundles, 1),
    )


def _shut_out(market: Market, prices: Array) -> Bool[Array, "n"]:
    """Returns who has no claim to anything, or could have nothing of worth at any price.

    What they are refused is no mistake. No price keeps those without money, with a budget or in a
    Fisher market, from wanting a thing that is free: they have no claim to it. Nor does any keep
    those whose money is worthless from spending all of it on a thing of which there is none; nor
    Cobb-Douglas agents from a first unit that is missing, if the rest is free.
    """
    parts, first = [], 0
    for family, rule in zip(market.families, market.rules, strict=True):
        wealth = market.wealth[first : first + family.agents]
        first += family.agents
        out = (wealth <= 0) & (rule in ("budget", "fisher"))
        nothing = jnp.zeros((family.agents, family.goods))
        # A little of everything: of all there is, some have more than they like.
        lacking = family.worth(nothing + TASTE * market.supply) <= family.worth(nothing)
        if rule == "fisher":
            out = out | lacking
        elif isinstance(family, CobbDouglas):
            out = out | (lacking & (family.unit_cost(prices) <= 0))
        parts.append(out)
    return jnp.concatenate(parts)


def summed_up(
    market: Market, prices: Float[Array, "m"], seen: Standings, given: Float[Array, "m"]
) -> Certificate:
    """Puts the standings of all agents together.

    With worth v, payment `p·x`, leftover `ℓ = s − Σ_i x_i`, and the best utility U* in reach, the
    utility U of a bundle is `v − p·x` (`min(v, w) − p·x` under a cap, v in a Fisher market), its
    regret `(U* − U)⁺`.

    - At stake for an agent is `min(w, v)` (in a Fisher market w, if that can buy anything of
      worth); T is what is at stake in all.
    - Its own scale is `S = min(w, max(v, mean stake))`: its wealth, unless that is beyond all use.
    - unallocated: `Σ_j p_j ℓ_j⁺ / max(p·s, T)`; shortage: `max_j ℓ_j⁻ / Σ_i x_ij`.
    - overspent: `(p·x − w)⁺ / w`, an agent without wealth by the mean stake; irrational:
      `(p·x − v)⁺ / S`.
    - regret: `/ S` without a limit and under a cap; `/ (S + U*)` with a budget, the best it can
      have if what it does not spend counts too; `/ U*` in a Fisher market.
    - regret_mean: `Σ_i S_i regret_i / T`, all in money.
    - gap: of the convex programme that the market solves, `/ T`. It is below 0 only where more is
      given out than there is.

    Where money means something else to each family, each is measured by its own rule, and the
    programme has the terms of all.

    A violation that cannot be computed is infinite; only a gap that is not defined is NaN.

    Args:
        market: Of all agents; of its valuations only the families are looked at.
        prices: `[m]`.
        seen: Of all agents.
        given: `[m]`, `Σ_i x_ij`.

    Returns:
        The `Certificate`.

    Source: for the gaps, Eisenberg and Gale (1959), and Chen, Ye and Zhang (2007) for money left
        over; without a limit and under a cap the gap is the sum of regrets and of what is left.
    """
    own, mean = _scales(market, seen.worth)
    missed = by_rule(market, partial(_missed, mean), market.wealth, seen, own)
    total = jnp.sum(missed.stake)
    regrets = jnp.sum(jnp.where(missed.regret > 0, own * missed.regret, 0.0))
    leftover = market.supply - given
    left = jnp.sum(prices * jnp.maximum(leftover, 0.0))
    return Certificate(
        leftover=leftover,
        unallocated=_share(left, jnp.maximum(prices @ market.supply, total)),
        shortage=jnp.max(_share(-leftover, given), initial=0.0),
        overspent=missed.overspent,
        irrational=missed.irrational,
        regret=missed.regret,
        regret_mean=_share(regrets, total),
        gap=_gap(market, prices, seen, missed.utility, leftover, total),
        local=any(map(rests_on_trust, market.families)),
    )


_compiled = compiled(certificate_of)


class _Missed(NamedTuple):
    """What agents miss, `[n]` each: utility is in their own units, all else a share."""

    stake: Array
    utility: Array
    overspent: Array
    irrational: Array
    regret: Array


def _missed(mean: Array, money: Money, wealth: Array, seen: Standings, own: Array) -> _Missed:
    """Returns what agents miss who live by one rule; `mean` is what most have at stake."""
    value = _value(money, wealth, seen.worth)
    stakes, none = _stakes(money, wealth, seen.worth), jnp.zeros_like(wealth)
    missed = jnp.where(
        seen.sound, seen.best - (value if money == "fisher" else value - seen.pays), jnp.inf
    )
    scale = {"fisher": seen.best, "budget": own + seen.best}.get(money, own)
    overspent = _share(seen.pays - wealth, jnp.where(wealth > 0, wealth, mean))
    return _Missed(
        # Money that can buy nothing of worth is idle: it must not make the rest look small.
        stake=jnp.where(seen.best > 0, stakes, 0.0) if money == "fisher" else stakes,
        utility=missed,
        overspent=none if money == "none" else overspent,
        irrational=none if money == "fisher" else _share(seen.pays - value, own),
        regret=_share(missed, scale),
    )


def _value(money: Money, wealth: Array, worth: Array) -> Array:
    """Returns what a worth is to those who live by a rule."""
    return jnp.minimum(worth, wealth) if money == "cap" else worth


def _stakes(money: Money, wealth: Array, worth: Array) -> Array:
    if money == "fisher":
        return wealth
    return jnp.maximum(worth if money == "none" else jnp.minimum(wealth, worth), 0.0)


def _scales(market: Market, worth: Array) -> tuple[Array, Array]:
    """Returns each agent's own scale, and the mean stake of those who have one."""
    stakes = by_rule(market, _stakes, market.wealth, worth)
    mean = jnp.sum(stakes) / jnp.maximum(jnp.sum(stakes > 0), 1)
    own = by_rule(market, partial(_scale, mean), market.wealth, worth)
    return jnp.where(own > 0, own, mean), mean


def _scale(mean: Array, money: Money, wealth: Array, worth: Array) -> Array:
    if money == "fisher":
        return wealth
    useful = jnp.maximum(worth, mean)
    return useful if money == "none" else jnp.minimum(wealth, useful)


def _is_amount(amounts: Array, axis: int) -> Array:
    return jnp.all((amounts >= 0) & jnp.isfinite(amounts), axis=axis)


def _share(amount: Array, scale: Array) -> Array:
    """Returns `amount⁺ / scale`: 0 of nothing is 0, anything else that has no share is endless."""
    share = jnp.where(scale > 0, amount / jnp.where(scale > 0, scale, 1.0), jnp.inf)
    return jnp.where(amount <= 0, 0.0, jnp.where(jnp.isnan(share), jnp.inf, share))


def _gap(
    market: Market, prices: Array, seen: Standings, missed: Array, leftover: Array, total: Array
) -> Array:
    each = list(zip(market.families, market.rules, strict=True))
    if all(rule in ("none", "cap") for _, rule in each):
        gap = jnp.sum(missed) + prices @ leftover
    elif all(rule in ("none", "cap") or family.homogeneous for family, rule in each):
        gap = prices @ market.supply + jnp.sum(by_rule(market, _terms, market.wealth, seen))
    else:
        return jnp.asarray(jnp.nan)
    gap = jnp.where(gap == 0, 0.0, gap / total)
    return jnp.where(jnp.isnan(gap), jnp.inf, gap)


def _terms(money: Money, wealth: Array, seen: Standings) -> Array:
    """Returns what agents add to dual less primal, but for what there is at its prices."""
    if money in ("none", "cap"):
        return seen.best - _value(money, wealth, seen.worth)
    terms = _fisher_terms if money == "fisher" else _budget_terms
    return jnp.where(wealth > 0, terms(wealth, seen), 0.0)


def _fisher_terms(wealth: Array, seen: Standings) -> Array:
    """Returns `(w log(w/e) − w) − w log v`, what an agent adds to dual less primal: `w/e = U*`."""
    terms = wealth * (jnp.log(seen.best) - jnp.log(seen.worth) - 1)
    return jnp.where(seen.best > 0, terms, 0.0)


def _budget_terms(wealth: Array, seen: Standings) -> Array:
    """Returns `(w log(w/β) − w) − max_δ (w log(v + δ) − δ)`: `w/β = w + U*`, `δ = (w − v)⁺`.

    Written so that nothing is lost where wealth is much more than worth.
    """
    spent = wealth * (jnp.log(wealth) - jnp.log(seen.worth) - 1)
    return wealth * jnp.log1p(seen.best / wealth) + jnp.where(
        seen.worth < wealth, -seen.worth, spent
    )
