"""The best that prices leave to each agent, against which a certificate measures regret."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._market import Market, Money
from catallax.clearing.equilibrium.valuations import (
    BoundedLeontief,
    CoupledQuadratic,
    Linear,
    Logarithmic,
    PiecewiseLinear,
    PiecewiseQuadratic,
    Quadratic,
)

REACH = 2.0
"""Bundles are compared with all that hold at most twice what there is of any good.

With once what there is, a price of 0 would pass wherever one agent is given everything.
"""

NUDGE = 1e-12
"""How far from 0, as a share of supply, slopes are taken: at 0 itself they may be infinite."""

DOUBT = 1e-12
"""How far the price of money is sought: to this share of what the best bundle may bring."""

CUTS = 100
"""Of an interval that holds the price of money, at most: any point in it gives a bound."""

NEAR = 1e-6
"""How far from a guess to look first."""

FAINT = 1e-9
"""So much of what a nudge is worth is as good as nothing."""

STEEPEST = 1e300


def best_utility(
    market: Market,
    prices: Float[Array, "m"],
    bundles: Float[Array, "n m"],
    unit: Float[Array, "n"],
) -> Float[Array, "n"]:
    """Returns the best utility that prices leave to each agent, or a bound above it.

    `max_y v(y) − p·y`, with `min(v, w)` for v under a cap, over `p·y ≤ w` with a budget; in a
    Fisher market `max_y v(y)` over `p·y ≤ w`.

    Values of degree 1 need no more than their unit cost e: `w (1 − e)⁺` under a cap, `w (1/e − 1)⁺`
    with a budget, `w / e` in a Fisher market; without any limit `(1 − e)⁺ v(2s)`, which is a bound
    in the box `0 ≤ y ≤ 2s`. Linear values without a limit, and values that add up over goods, are
    maximised in that box exactly: in closed form at any price t of money, and over t by bisection
    of the dual `min_t C(t p) + …`, where `C(π) = max_y v(y) − π·y`. Other values are replaced by
    their tangent at the bundle, which lies nowhere below a concave function: a bound, which is
    met where the bundle is a best one.

    Args:
        market: In 64 bits.
        prices: `[m]`, money a unit, 0 or more.
        bundles: `[n, m]`, quantities, 0 or more.
        unit: `[n]`, money above 0, what an agent would lay out for a good of which there is none:
            the box has no other length there.

    Returns:
        `[n]`, money (in a Fisher market: utility); infinite where something is free of which an
        agent wants more without end; NaN where a tangent is.

    Source: Rockafellar, Convex Analysis (1970), section 12, for the conjugates; Frank and Wolfe
        (1956) for the bound by tangents.
    """
    parts, first = [], 0
    for family, rule in zip(market.families, market.rules, strict=True):
        mine = slice(first, first + family.agents)
        first += family.agents
        own = market.wealth[mine], bundles[mine], unit[mine]
        group = _Group(family, rule, market.supply, *own)
        simple = family.homogeneous and not (rule == "none" and isinstance(family, Linear))
        parts.append(_of_degree_one(group, prices) if simple else _in_the_box(group, prices))
    return jnp.concatenate(parts)


def rests_on_trust(family: Any) -> bool:
    """Returns whether regret is a bound only if somebody else's function really is concave."""
    whole = (Quadratic, Logarithmic, CoupledQuadratic, BoundedLeontief)
    closed = (Linear, PiecewiseLinear, PiecewiseQuadratic, *whole)
    return not (family.homogeneous or isinstance(family, closed))


class _Group(NamedTuple):
    """Agents of one family, in their market."""

    family: Any
    money: Money
    supply: Float[Array, "m"]
    wealth: Float[Array, "n"]
    bundles: Float[Array, "n m"]
    unit: Float[Array, "n"]


def _of_degree_one(group: _Group, prices: Array) -> Float[Array, "n"]:
    cost = group.family.unit_cost(prices)
    if group.money == "none":
        most = group.family.worth(jnp.broadcast_to(REACH * group.supply, group.bundles.shape))
        return jnp.maximum(1 - cost, 0.0) * jnp.where(most > 0, most, group.unit)
    if group.money == "cap":
        return group.wealth * jnp.maximum(1 - cost, 0.0)
    # What is free is wanted without end, by those too who have no money.
    bought = jnp.where(cost > 0, group.wealth / jnp.where(cost > 0, cost, 1.0), jnp.inf)
    return bought if group.money == "fisher" else jnp.maximum(bought - group.wealth, 0.0)


# --- values in a box, at prices π


class _Pieces(NamedTuple):
    """`base + Σ_jk s_jk y_jk` over `0 ≤ y_jk ≤ w_jk`."""

    slopes: Float[Array, "n m k"]
    widths: Float[Array, "n m k"]
    base: Float[Array, "n"]

    @property
    def steepest(self) -> Float[Array, "n m"]:
        return jnp.max(jnp.where(self.widths > 0, self.slopes, 0.0), axis=2)

    def demand(self, asked: Float[Array, "n m"]) -> Float[Array, "n m"]:
        return jnp.sum(jnp.where(self.slopes > asked[..., None], self.widths, 0.0), axis=2)

    def surplus(self, asked: Float[Array, "n m"]) -> Float[Array, "n"]:
        gains = self.slopes - asked[..., None]
        gained = jnp.where(gains > 0, gains * self.widths, 0.0)
        return self.base + jnp.sum(gained, axis=(1, 2))


def _summit(gains: Array, curvatures: Array, reach: Array) -> Array:
    """Returns the `y` in `[0, reach]` at which `gains·y − q y² / 2` is largest."""
    gains, curved = jnp.maximum(gains, 0.0), curvatures > 0
    peak = gains / jnp.where(curved, curvatures, 1.0)
    return jnp.where(curved, jnp.minimum(peak, reach), jnp.where(gains > 0, reach, 0.0))


class _Parabola(NamedTuple):
    """`Σ_j a_j y_j − q_j y_j² / 2` over `0 ≤ y ≤ reach`."""

    slopes: Float[Array, "n m"]
    curvatures: Float[Array, "n m"]
    reach: Float[Array, "n m"]

    @property
    def steepest(self) -> Float[Array, "n m"]:
        return self.slopes

    def demand(self, asked: Float[Array, "n m"]) -> Float[Array, "n m"]:
        return _summit(self.slopes - asked, self.curvatures, self.reach)

    def surplus(self, asked: Float[Array, "n m"]) -> Float[Array, "n"]:
        amounts = self.demand(asked)
        curved = jnp.where(self.curvatures > 0, self.curvatures * amounts**2 / 2, 0.0)
        return jnp.sum(_product(self.slopes - asked, amounts) - curved, axis=1)


class _Logarithm(NamedTuple):
    """`Σ_j a_j log(1 + y_j / c_j)` over `0 ≤ y ≤ reach`."""

    scales: Float[Array, "n m"]
    offsets: Float[Array, "n m"]
    reach: Float[Array, "n m"]

    @property
    def steepest(self) -> Float[Array, "n m"]:
        return self.scales / self.offsets

    def demand(self, asked: Float[Array, "n m"]) -> Float[Array, "n m"]:
        peak = jnp.where(asked > 0, self.scales / _positive(asked) - self.offsets, jnp.inf)
        return jnp.where(self.scales > 0, jnp.clip(peak, 0.0, self.reach), 0.0)

    def surplus(self, asked: Float[Array, "n m"]) -> Float[Array, "n"]:
        amounts = self.demand(asked)
        worth = _product(self.scales, jnp.log1p(amounts / self.offsets))
        return jnp.sum(worth - _product(asked, amounts), axis=1)


class _Bends(NamedTuple):
    """`Σ_jk s_jk y_jk − q_jk y_jk² / 2` over `0 ≤ y_jk ≤ w_jk`."""

    slopes: Float[Array, "n m k"]
    curvatures: Float[Array, "n m k"]
    widths: Float[Array, "n m k"]

    @property
    def steepest(self) -> Float[Array, "n m"]:
        return jnp.max(jnp.where(self.widths > 0, self.slopes, 0.0), axis=2)

    def filled(self, asked: Float[Array, "n m"]) -> Float[Array, "n m k"]:
        return _summit(self.slopes - asked[..., None], self.curvatures, self.widths)

    def demand(self, asked: Float[Array, "n m"]) -> Float[Array, "n m"]:
        return jnp.sum(self.filled(asked), axis=2)

    def surplus(self, asked: Float[Array, "n m"]) -> Float[Array, "n"]:
        filled = self.filled(asked)
        means = self.slopes - asked[..., None] - self.curvatures * filled / 2
        return jnp.sum(_product(means, filled), axis=(1, 2))


class _Level(NamedTuple):
    """`s z − q z² / 2` over `0 ≤ z ≤ reach`, where a level takes `a z` of all goods."""

    needs: Float[Array, "n m"]
    slopes: Float[Array, "n"]
    curvatures: Float[Array, "n"]
    reach: Float[Array, "n"]

    @property
    def steepest(self) -> Float[Array, "n m"]:
        slopes = self.slopes[:, None] / _positive(self.needs)
        return jnp.where(self.needs > 0, slopes, 0.0)

    def level(self, asked: Float[Array, "n m"]) -> Float[Array, "n"]:
        gains = self.slopes - jnp.sum(_product(asked, self.needs), axis=1)
        return _summit(gains, self.curvatures, self.reach)

    def demand(self, asked: Float[Array, "n m"]) -> Float[Array, "n m"]:
        return _product(self.level(asked)[:, None], self.needs)

    def surplus(self, asked: Float[Array, "n m"]) -> Float[Array, "n"]:
        level = self.level(asked)
        cost = jnp.sum(_product(asked, self.needs), axis=1)
        return _product(self.slopes - cost - self.curvatures * level / 2, level)


def _curve(group: _Group, prices: Array, slopes: Array, nothing: Array) -> Any:
    """Returns worth in the box, `0 ≤ y ≤ reach`, as something that can be maximised at prices.

    Args:
        group: The agents.
        prices: `[m]`.
        slopes: `[n, m]`, of the tangents at the bundles.
        nothing: `[n]`, what the tangents say that nothing is worth.
    """
    family, shape = group.family, group.bundles.shape
    if isinstance(family, Quadratic):
        slopes, curvatures = jnp.asarray(family.slopes), jnp.asarray(family.curvatures)
        return _Parabola(slopes, curvatures, _reach(group, prices, slopes))
    if isinstance(family, Logarithmic):
        scales = jnp.asarray(family.scales)
        offsets = jnp.broadcast_to(family.offsets, shape)
        return _Logarithm(scales, offsets, _reach(group, prices, scales / offsets))
    if isinstance(family, BoundedLeontief):
        needs, slopes = jnp.asarray(family.needs), jnp.asarray(family.slopes)
        steepest = jnp.where(needs > 0, slopes[:, None] / _positive(needs), 0.0)
        ratios = jnp.where(needs > 0, _reach(group, prices, steepest) / _positive(needs), jnp.inf)
        reach = jnp.minimum(jnp.min(ratios, axis=1), family.most)
        return _Level(needs, slopes, jnp.asarray(family.curvatures), reach)
    if isinstance(family, PiecewiseQuadratic):
        whole = _Bends(*map(jnp.asarray, (family.slopes, family.curvatures, family.widths)))
        return whole._replace(widths=_cut(whole.widths, _reach(group, prices, whole.steepest)))
    if isinstance(family, PiecewiseLinear):
        whole = _Pieces(jnp.asarray(family.slopes), jnp.asarray(family.widths), jnp.zeros(shape[0]))
        return whole._replace(widths=_cut(whole.widths, _reach(group, prices, whole.steepest)))
    return _Pieces(slopes[..., None], _reach(group, prices, slopes)[..., None], nothing)


def _intercept(group: _Group, touched: Array, worth: Array, slopes: Array) -> Array:
    """Returns what tangents at slightly more than the bundles say that nothing is worth, `[n]`.

    That little more must not itself look like something to be missed, where nobody has anything:
    what it adds by bending is left out if it is as good as nothing of what it adds at all.
    """
    there = worth - jnp.sum(slopes * touched, axis=1)
    here = group.family.worth(group.bundles) - jnp.sum(slopes * group.bundles, axis=1)
    added = jnp.sum(slopes * (touched - group.bundles), axis=1)
    return jnp.where(there - here <= FAINT * added, here, there)


def _reach(group: _Group, prices: Array, steepest: Array) -> Array:
    """Returns how much of each good a bundle may hold, `[n, m]`.

    Of a good with no supply: as much as money buys; without a budget, as much as would be worth
    `unit` at the first slope. So its price counts as too low wherever it is below that slope.
    """
    if group.money in ("budget", "fisher"):
        most = jnp.where(prices > 0, group.wealth[:, None] / _positive(prices), jnp.inf)
    else:
        most = jnp.where(steepest > 0, group.unit[:, None] / _positive(steepest), 0.0)
    return jnp.where(group.supply > 0, REACH * group.supply, most)


def _cut(widths: Array, reach: Array) -> Array:
    ends = jnp.cumsum(widths, axis=2)
    starts = jnp.concatenate([jnp.zeros_like(ends[..., :1]), ends[..., :-1]], axis=2)
    room = jnp.where(jnp.isfinite(starts), reach[..., None] - starts, 0.0)
    return jnp.clip(room, 0.0, widths)


# --- the price of money


def _in_the_box(group: _Group, prices: Array) -> Float[Array, "n"]:
    """Returns the best utility, by the dual in the price of money, which is convex.

    `C(p)` without a limit, `min_λ C((1 + λ) p) + λ w` with a budget, `min_λ C(λ p) + λ w` in a
    Fisher market, `min_β β C(p / β) + (1 − β) w` under a cap, with `C(π) = max_y v(y) − π·y`.
    """
    money, wealth = group.money, group.wealth
    touched = jnp.maximum(group.bundles, NUDGE * _positive(group.supply))
    worth, pull = jax.vjp(group.family.worth, touched)
    (slopes,) = pull(jnp.ones_like(worth))
    curve = _curve(group, prices, slopes, _intercept(group, touched, worth, slopes))
    if money == "none":
        return curve.surplus(jnp.broadcast_to(prices, slopes.shape))

    def dual(at: Array) -> tuple[Array, Array]:
        rate = {"budget": 1 + at, "fisher": at, "cap": 1 / at}[money]
        asked = rate[:, None] * prices
        surplus = curve.surplus(asked)
        pays = jnp.sum(_product(prices, curve.demand(asked)), axis=1)
        if money == "cap":
            return at * surplus + (1 - at) * wealth, surplus + rate * pays - wealth
        return surplus + at * wealth, wealth - pays

    # What a best bundle holds is worth as much at the margin as it costs, money at its price.
    guess = jnp.sum(_product(slopes, touched), axis=1) / (touched @ prices)
    guess = jnp.where((guess > 0) & jnp.isfinite(guess), guess, 1.0)
    ratios = jnp.where(prices > 0, curve.steepest / _positive(prices), 0.0)
    # Where money is that dear, nothing is bought that is not free.
    dearest = jnp.minimum(jnp.max(ratios, axis=1, initial=0.0), STEEPEST)
    if money == "fisher":
        return _lowest(dual, jnp.zeros_like(dearest), dearest, guess, jnp.zeros_like(guess))
    dearest = jnp.maximum(dearest, 1.0)
    if money == "budget":
        return _lowest(dual, jnp.zeros_like(dearest), dearest - 1, guess - 1, group.unit)
    # Below that share the dual is a straight line, which ends at the cap itself.
    share = _lowest(dual, 1 / dearest, jnp.ones_like(dearest), 1 / guess, group.unit)
    return jnp.minimum(share, wealth)


class _Bracket(NamedTuple):
    """A convex function with its slopes at the ends of an interval that holds its lowest point."""

    low: Array
    high: Array
    left: tuple[Array, Array]
    right: tuple[Array, Array]

    @property
    def crossing(self) -> Array:
        """Where the tangents of the two ends meet."""
        (left, falls), (right, rises), wide = self.left, self.right, self.high - self.low
        lean = jnp.where(rises > falls, rises - falls, 1.0)
        return self.low + jnp.clip((left - right + rises * wide) / lean, 0.0, wide)

    @property
    def lowest(self) -> Array:
        """The lower of the two ends."""
        return jnp.minimum(self.left[0], self.right[0])

    @property
    def doubt(self) -> Array:
        """By how much the function may be lower in between."""
        (left, falls), (right, rises) = self.left, self.right
        from_left = left + falls * (self.crossing - self.low)
        from_right = right - rises * (self.high - self.crossing)
        return self.lowest - jnp.maximum(from_left, from_right)

    def cut(self, at: Array, value: tuple[Array, Array]) -> "_Bracket":
        """Puts an end where the function was looked at."""

        def choose(new: Any, old: Any, here: Array) -> Any:
            return jax.tree.map(lambda one, other: jnp.where(here, one, other), new, old)

        falls = value[1] < 0
        low, left = choose((at, value), (self.low, self.left), falls)
        high, right = choose((at, value), (self.high, self.right), ~falls)
        return _Bracket(low, high, left, right)


def _lowest(dual: Any, low: Array, high: Array, guess: Array, unit: Array) -> Array:
    """Returns the lowest value of a convex function between two points, one for each agent.

    After the ends and the guess, on both sides of it, two cuts take turns: where the tangents
    meet, which ends soon if the function has corners, and the middle of the logarithms.

    Args:
        dual: From points `[n]` to values and slopes.
        low: `[n]`.
        high: `[n]`.
        guess: `[n]`, where the lowest point is if the bundles are best ones.
        unit: `[n]`, what counts as large.
    """

    def unsure(state: tuple[Array, _Bracket]) -> Array:
        step, found = state
        unclear = jnp.any(found.doubt > DOUBT * (unit + jnp.abs(found.lowest)))
        return (step < 2) | ((step < CUTS) & unclear)

    def narrow(state: tuple[Array, _Bracket]) -> tuple[Array, _Bracket]:
        step, found = state
        middle = jnp.sqrt(jnp.maximum(found.low, NUDGE * found.high)) * jnp.sqrt(found.high)
        beside = guess * jnp.where(found.low == guess, 1 + NEAR, 1 - NEAR)
        cuts = jnp.stack([low, high, guess, beside, found.crossing, middle])
        turn = jnp.where(step < 4, step, 4 + step % 2)
        at = jnp.clip(cuts[turn], found.low, found.high)
        return step + 1, found.cut(at, dual(at))

    unseen = jnp.full_like(low, jnp.inf)
    falls = jnp.ones_like(low)
    start = (jnp.zeros((), jnp.int64), _Bracket(low, high, (unseen, -falls), (unseen, falls)))
    return jax.lax.while_loop(unsure, narrow, start)[1].lowest


def _product(rates: Array, amounts: Array) -> Array:
    """Returns `rates · amounts`, where nothing of something endless is nothing."""
    return jnp.where((rates == 0) | (amounts == 0), 0.0, rates * amounts)


def _positive(numbers: Array) -> Array:
    return jnp.where(numbers > 0, numbers, 1.0)
