"""What the market for whole goods answers: prices, bundles, what they miss, and a proof."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Int, Int64

from catallax.clearing.equilibrium._outcome import Result
from catallax.clearing.indivisible._market import WholeMarket


@dataclass(frozen=True, eq=False)
class WholeCertificate:
    """By how much prices and bundles of whole goods miss an equilibrium: exact, in ticks.

    Prices that are fractions of a tick make these fractions too; nothing is rounded.

    Attributes:
        leftover: `[goods]`, units that nobody was given (below 0: given but not there).
        unallocated: `Σ_j p_j leftover_j` over what is left over, ticks.
        shortage: Units given out that are not there, of the worst good.
        irrational: `[agents]`, payment beyond worth, ticks.
        regret: `[agents]`, what the best bundle brings beyond the one given, ticks.
        gap: `Σ_j p_j s_j + Σ_i max_x (v_i(x) − p·x) − Σ_i v_i(x_i)`, the duality gap, ticks.

    Example:
        >>> from catallax.clearing.indivisible import certify_whole, wishes
        >>> sold = certify_whole(wishes.UnitDemand([[5], [3]]), [1], [2], [[1], [0]])
        >>> sold.regret.tolist(), sold.violation    # at 2, agent 1 would buy as well
        ([0, 1], 1)
    """

    leftover: Int64[np.ndarray, "m"]
    unallocated: int | Fraction
    shortage: int
    irrational: Int[np.ndarray, "n"]
    regret: Int[np.ndarray, "n"]
    gap: int | Fraction

    @property
    def violation(self) -> int | Fraction:
        """The largest violation; 0 is an equilibrium."""
        worst = max(self.unallocated, self.shortage, self.irrational.max(), self.regret.max())
        return worst if isinstance(worst, Fraction) else int(worst)


@dataclass(frozen=True, eq=False)
class Shares:
    """A division of goods into shares that is worth more than any division of whole goods.

    Agent `agents[k]` gets the portion `portions[k]` of the bundle `bundles[k]`. Prices at which
    everybody is content and nothing of value is left over would make some whole division worth
    as much as the best shares; where shares are worth more, there are no such prices.

    Attributes:
        agents: Who, one line for each portion.
        bundles: int64 `[lines, goods]`, units of the whole bundle.
        portions: Fractions above 0, of one agent at most 1 together.
        worth: `Σ_k portion_k · v(bundle_k)`, ticks, exact.
        whole_worth: What the best division of whole goods is worth, ticks.

    Example:
        >>> from catallax.clearing.indivisible import indivisible, wishes
        >>> rivals = wishes.Table([[0, 0, 0, 3], [0, 2, 2, 2]])    # a pair, or either one
        >>> none = indivisible(rivals, [1, 1], throw=False)
        >>> none.result.name, str(none.shares.worth), none.shares.whole_worth
        ('NO_EQUILIBRIUM', '7/2', 3)

    Source: Bikhchandani and Mamer, "Competitive equilibrium in an exchange economy with
    indivisibilities" (1997).
    """

    agents: list[int]
    bundles: Int64[np.ndarray, "k m"]
    portions: list[Fraction]
    worth: Fraction
    whole_worth: int

    def proves(self, market: WholeMarket) -> bool:
        """Tells whether the shares are there, and worth more: counted again, in fractions."""
        held = dict.fromkeys(self.agents, Fraction(0))
        used = [Fraction(0)] * market.wishes.goods
        worth = Fraction(0)
        for agent, bundle, portion in zip(self.agents, self.bundles, self.portions, strict=True):
            held[agent] += portion
            used = [u + portion * int(x) for u, x in zip(used, bundle, strict=True)]
            worth += portion * int(market.wishes.worths(agent, bundle[None])[0])
        there = all(u <= int(s) for u, s in zip(used, market.supply, strict=True))
        real = all(portion > 0 for portion in self.portions)
        once = all(share <= 1 for share in held.values())
        return real and once and there and worth == self.worth and worth > self.whole_worth


@dataclass(frozen=True, eq=False)
class WholeEquilibrium:
    """Prices and bundles of whole goods, with what they miss.

    Attributes:
        prices: `[goods]`, ticks a unit: int64, or where no end of the prices is whole, exact
            fractions (an array of `fractions.Fraction`).
        bundles: int64 `[agents, goods]`, whole units.
        certificate: Every violation of these prices and bundles, or None where the bundles are
            too many to look at (with `UNKNOWN` only).
        result: `CERTIFIED` (no violation at all), `NO_EQUILIBRIUM` (proven by `shares`) or
            `UNKNOWN`.
        shares: The proof that no prices clear the market, or None. Prices and bundles are then
            those with the least regret in all, and the best division of whole goods.
        no_supply: bool `[goods]`, goods of which there is nothing, quoted at the highest bid for
            one unit more.
        all_caps_met: Whether everybody holds what its wealth is worth (with a cap only).
        steps: How many steps the method took.
        method: What was used.

    Example:
        >>> from catallax.clearing.indivisible import indivisible, wishes
        >>> sold = indivisible(wishes.UnitDemand([[5], [9], [7]]), [1])
        >>> sold.prices.tolist(), sold.bundles.ravel().tolist(), sold.result.name
        ([7], [0, 1, 0], 'CERTIFIED')
    """

    prices: np.ndarray
    bundles: Int64[np.ndarray, "n m"]
    certificate: WholeCertificate | None
    result: Result
    shares: Shares | None
    no_supply: Bool[np.ndarray, "m"]
    all_caps_met: bool
    steps: int
    method: str
