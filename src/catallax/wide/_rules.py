"""The rules of a wide market, as values: what is expected, how fast to change, who brings money."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from types import MappingProxyType
from typing import Any

from catallax._errors import InvalidSetting
from catallax._rules import check_credits
from catallax.techniques._amounts import require_between

MEMORY_MAX = 0.999


@dataclass(frozen=True)
class Expectations:
    """What producers expect goods to fetch: `p̂ ← p̂ + λ (p − p̂)`, from 0.

    Args:
        rate: λ, above 0 and at most 1; at 1 the last price is expected to stay.

    Raises:
        InvalidSetting: If the rate is out of range.

    Example:
        >>> import catallax as cx
        >>> cx.Expectations(rate=1.0).rate
        1.0

    Source: Nerlove (1958), Adaptive expectations and cobweb phenomena, for the form.
    """

    rate: float = 0.3

    def __post_init__(self) -> None:
        """Checks the rate."""
        require_between("Expectations", "rate", self.rate, 0.0, 1.0, open_low=True)


@dataclass(frozen=True)
class Inertia:
    """How slowly producers change their scale: they bid less `(ρ/2)(z − z̄)²`.

    It steers and is neither paid nor counted, and vanishes at rest. Techniques of constant returns
    earn nothing at the margin, so that without it goods flip from corner to corner. `z̄` is where a
    producer has been, `z̄ ← memory·z̄ + (1 − memory) z`; and `ρ = strength·R / Z`, with R the most
    that a level was ever expected to bring it, and Z its capacity, or without one z̄ itself, but a
    twentieth of the most it ever did at least; who never did anything to speak of has no inertia.

    Who keeps its course changes more easily from step to step: its own share of ρ falls by a factor
    where z̄ moves as it did in the step before, and rises by another where it turns round. So what
    has far to go arrives soon, and what swings is slowed down.

    Args:
        strength: ρ in those units; 0 for none.
        memory: From 0 to .999.
        ease: The factor of who keeps its course, above 0 and at most 1; 1 for a ρ that stays.
        brake: The factor of who turns round, 1 or more.
        least: The smallest share of ρ, above 0 and at most 1.

    Raises:
        InvalidSetting: If an argument is out of range.

    Example:
        >>> import catallax as cx
        >>> cx.Inertia(strength=0.0).memory
        0.93

    Source: Rockafellar (1976), Monotone operators and the proximal point algorithm, for the form;
    Jacobs (1988), Increased rates of convergence through learning rate adaptation, for the factors.
    """

    strength: float = 1.0
    memory: float = 0.93
    ease: float = 0.97
    brake: float = 4.0
    least: float = 0.03

    def __post_init__(self) -> None:
        """Checks the numbers."""
        require_between("Inertia", "strength", self.strength, 0.0, math.inf)
        require_between("Inertia", "memory", self.memory, 0.0, MEMORY_MAX)
        require_between("Inertia", "ease", self.ease, 0.0, 1.0, open_low=True)
        require_between("Inertia", "brake", self.brake, 1.0, math.inf)
        require_between("Inertia", "least", self.least, 0.0, 1.0, open_low=True)


@dataclass(frozen=True)
class Patience:
    """How much both sides of a market wait for the price that they expect, p̂.

    Sellers hold back a share `η (1 − p/p̂)` of what they offer where the price is below p̂; so much
    of it is not sold. Households bid the whole worth u of a want for its first units, and for
    the last `η (1 − p̂/u)` of them less and less, down to p̂. Producers whose last unit of capacity
    is worth more than its inputs are expected to cost, `a·p̂`, bid less for every further level,
    so that the last one is bid for by a share η less of that surplus. Nobody's bid differs from its
    worth at rest, where `p = p̂`. Without it, what is worth the same up to a limit has a price that
    jumps whenever supply passes the limit, by however little.

    Who waited in vain waits less: each good's share of η falls by a factor where its price was on
    the same side of p̂ as in the step before, and rises by another where it was on the other. With
    a share that stays, a good of which a thousandth is left over is cheaper by a thousandth of λ in
    every step, and takes thousands of steps to become as cheap as it should be.

    Args:
        share: η, from 0 (nobody waits) to 1.
        ease: The factor where the price stays on its side, above 0 and at most 1; 1 for an η that
            stays.
        brake: The factor where it changes sides, 1 or more.
        least: The smallest share of η, above 0 and at most 1.

    Raises:
        InvalidSetting: If an argument is out of range.

    Example:
        >>> import catallax as cx
        >>> cx.Patience(share=0.0).share
        0.0

    Source: Jacobs (1988), Increased rates of convergence through learning rate adaptation, for the
    factors.
    """

    share: float = 1.0
    ease: float = 0.99
    brake: float = 4.0
    least: float = 0.03

    def __post_init__(self) -> None:
        """Checks the numbers."""
        require_between("Patience", "share", self.share, 0.0, 1.0)
        require_between("Patience", "ease", self.ease, 0.0, 1.0, open_low=True)
        require_between("Patience", "brake", self.brake, 1.0, math.inf)
        require_between("Patience", "least", self.least, 0.0, 1.0, open_low=True)


@dataclass(frozen=True)
class Experience:
    """What producers expect to make of goods whose grades they do not see: what they made so far.

    A level is expected to make `M̄/N̄`. N̄ is a slow sum of the levels that a producer ran, in shares
    of its capacity, `N̄ ← μ N̄ + (1 − μ)(z/Z + ε)`, and M̄ that of what it made, in which the last
    term stands for a little of the best that its technique could make. So it begins with hope, goes
    by what it saw as long as it produces, and hopes again when that is long ago.

    Args:
        memory: μ, from 0 to .999.
        hope: ε, above 0 and at most 1.

    Raises:
        InvalidSetting: If an argument is out of range.

    Example:
        >>> import catallax as cx
        >>> cx.Experience(memory=0.95).hope
        0.001

    Source: Brafman and Tennenholtz (2002), R-max, for optimism about what was not tried; Nerlove
    (1958), Adaptive expectations and cobweb phenomena, for the mean.
    """

    memory: float = 0.9
    hope: float = 0.001

    def __post_init__(self) -> None:
        """Checks the numbers."""
        require_between("Experience", "memory", self.memory, 0.0, MEMORY_MAX)
        require_between("Experience", "hope", self.hope, 0.0, 1.0, open_low=True)


@dataclass(frozen=True)
class Rewards:
    """Nature pays every household what it used up is worth to it, and takes the costs of levels.

    Args:
        endowment: Credits that every household and producer begins with.

    Raises:
        InvalidSetting: If the endowment is not a number of credits, 0 or more.

    Example:
        >>> import catallax as cx
        >>> cx.Rewards(endowment=50.0).endowment
        50.0

    Source: paper Definition 2.2, the reward `R(s[α], x, s')`.
    """

    endowment: float

    def __post_init__(self) -> None:
        """Checks the endowment."""
        _credits("endowment", self.endowment)


@dataclass(frozen=True)
class Stipends:
    """Households spend an income; what resources earn goes to the treasury, which pays it.

    So money circulates and nobody brings any after the beginning.

    Args:
        of: Credits a step for every household, by its name.
        treasury: Credits that the treasury begins with.
        endowment: Credits that every producer begins with.

    Raises:
        InvalidSetting: If an amount is not a number of credits, 0 or more.

    Example:
        >>> import catallax as cx
        >>> cx.Stipends({"school": 40.0}, treasury=500.0, endowment=20.0).of["school"]
        40.0

    Source: paper section 2.1, consumers in place of the reward.
    """

    of: Mapping[str, float] = field(hash=False)
    treasury: float
    endowment: float

    def __post_init__(self) -> None:
        """Checks and freezes the amounts."""
        if not isinstance(self.of, Mapping):
            raise InvalidSetting(
                f"Stipends was given of={self.of!r}.",
                "It says who gets how much.",
                'Give a mapping, such as {"school": 40.0}.',
            )
        object.__setattr__(self, "of", MappingProxyType(dict(self.of)))
        for name, amount in self.of.items():
            _credits(f"of[{name!r}]", amount)
        _credits("treasury", self.treasury)
        _credits("endowment", self.endowment)


Closure = Rewards | Stipends
"""Where money comes from."""


def _credits(name: str, value: Any) -> None:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise InvalidSetting(
            f"{name}={value!r} was given.", "It is an amount in credits.", "Give a number."
        )
    check_credits(name, float(value), 0)
