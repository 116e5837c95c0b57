"""What a solver answers: prices, bundles, their certificate, and a named result."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.tree_util import register_dataclass
from jaxtyping import Array, Bool, Float, Int


class Result(IntEnum):
    """How a search for an equilibrium ended.

    Example:
        >>> import catallax as cx
        >>> cx.Result.CERTIFIED.sentence
        'Every violation is within the tolerance.'
    """

    CERTIFIED = 0
    NOT_CONVERGED = 1
    NO_EQUILIBRIUM = 2
    UNKNOWN = 3

    def __str__(self) -> str:
        """Returns the name, which says more than the number."""
        return self.name

    @property
    def sentence(self) -> str:
        """What that means, in a sentence."""
        return SENTENCES[self]


SENTENCES = {
    Result.CERTIFIED: "Every violation is within the tolerance.",
    Result.NOT_CONVERGED: "The steps ran out before every violation was within the tolerance.",
    Result.NO_EQUILIBRIUM: "No prices clear this market: whole goods are worth less than shares.",
    Result.UNKNOWN: "No equilibrium was found, and none was shown to be missing.",
}


@register_dataclass
@dataclass(frozen=True)
class Certificate:
    """By how much prices and bundles miss an equilibrium, condition by condition.

    With v a bundle's worth and T what is at stake for all agents, `Σ_i min(w_i, v_i)` (in a Fisher
    market all money that can buy anything of worth), an agent's own scale S is its wealth, unless
    that is beyond all use: `S = min(w, max(v, mean stake))`. What cannot be computed is infinite.

    Attributes:
        leftover: `[goods]`, quantities that nobody was given (below 0: given but not there).
        unallocated: `Σ_j p_j ℓ_j⁺ / max(p·s, T)`, the value of what is left over.
        shortage: The largest share of what was given of a good that is not there.
        overspent: `[agents]`, `(p·x − w)⁺ / w`; 0 where no budget binds.
        irrational: `[agents]`, `(p·x − v)⁺ / S`; 0 in a Fisher market: its money is worth nothing.
        regret: `[agents]`, what the best bundle would have brought beyond the one given, as a
            share of S (of S and that best together with a budget, of the best in a Fisher market).
        regret_mean: The same per unit of what is at stake, `Σ_i S_i regret_i / T`.
        gap: The duality gap over T; NaN where the market is no convex programme.
        local: Whether regret was measured by gradients of an unknown function, which bounds it
            only if the function is concave.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Linear(np.array([[10.0]]))
        >>> dear = cx.certify(values, [1.0], [1.0], prices=[2.0], bundles=[[0.5]], money="budget")
        >>> float(dear.unallocated), bool(dear.violation > 1e-6)
        (0.5, True)
    """

    leftover: Float[Array | np.ndarray, "m"]
    unallocated: Float[Array | np.ndarray, ""]
    shortage: Float[Array | np.ndarray, ""]
    overspent: Float[Array | np.ndarray, "n"]
    irrational: Float[Array | np.ndarray, "n"]
    regret: Float[Array | np.ndarray, "n"]
    regret_mean: Float[Array | np.ndarray, ""]
    gap: Float[Array | np.ndarray, ""]
    local: bool = field(default=False, metadata={"static": True})

    @property
    def violation(self) -> Any:
        """The largest violation: of supply, of any budget, of anyone's reason, of mean regret."""
        space = jax.numpy if isinstance(self.regret, Tracer) else np
        of_agents = [
            space.max(part, axis=-1, initial=0.0) for part in (self.overspent, self.irrational)
        ]
        of_all = [space.abs(self.unallocated), self.shortage, self.regret_mean]
        return space.max(space.stack([space.asarray(part) for part in of_all + of_agents]), axis=0)


@register_dataclass
@dataclass(frozen=True)
class Equilibrium:
    """Prices and bundles, with what they miss. Everything is named in the units that came in.

    Attributes:
        prices: `[goods]`, money a unit.
        bundles: `[agents, goods]`, quantities.
        certificate: Every violation, measured on these prices and bundles.
        code: `Result` as a number, which transformations of JAX can carry.
        steps: How many steps the method took.
        spending: `[agents]`, the marginal worth of wealth β in [0, 1]: at 1 money is left over.
        all_caps_met: Whether every cap could be met at once, so that nothing has a price
            (`money="cap"` only).
        no_supply: bool `[goods]`, goods of which there is nothing, quoted at the highest bid.
        warm: Where a similar market may start from; see `equilibrium(start=...)`.
        method: What was used.

    Example:
        >>> import numpy as np, catallax as cx
        >>> values = cx.valuations.Linear(np.array([[1.0, 2.0], [2.0, 1.0]]))
        >>> eq = cx.equilibrium(values, np.ones(2), np.ones(2), money="budget")
        >>> eq.result.name, eq.prices.round(3).tolist()
        ('CERTIFIED', [1.0, 1.0])
    """

    prices: Float[Array | np.ndarray, "m"]
    bundles: Float[Array | np.ndarray, "n m"]
    certificate: Certificate
    code: Int[Array | np.ndarray, ""]
    steps: Int[Array | np.ndarray, ""]
    spending: Float[Array | np.ndarray, "n"]
    all_caps_met: Bool[Array | np.ndarray, ""]
    no_supply: Bool[Array | np.ndarray, "m"]
    warm: Any = None
    method: str = field(default="", metadata={"static": True})

    @property
    def result(self) -> Any:
        """The `Result`; under a transformation of JAX its number."""
        traced = isinstance(self.code, Tracer) or np.ndim(self.code) > 0
        return self.code if traced else Result(int(self.code))
