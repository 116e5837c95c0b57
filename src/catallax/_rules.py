"""The rules of a market that are plain values: capital, rent, what happens when nobody bids."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from catallax._errors import InvalidSetting
from catallax._types import TICKS_MAX


@dataclass(frozen=True)
class Hard:
    """Capital is hard: an agent below 0 after the sales is bankrupt.

    Args:
        endowment: Credits at genesis; None for `2·worlds·max|r|/(1−γ)`.

    Example:
        >>> import catallax as cx
        >>> cx.Hard(endowment=10.0).endowment
        10.0
    """

    endowment: float | None = None

    def __post_init__(self) -> None:
        check_credits("endowment", self.endowment, 0)


@dataclass(frozen=True)
class Refinanced:
    """An agent below the floor after the sales is topped up to its endowment by `losses`.

    Learners need it: their profits telescope, so wealth says where a forecast went, not whether
    it was worth having. Every top-up is booked and counted.

    Args:
        endowment: Credits at genesis; None for `2·worlds·max|r|/(1−γ)`.
        floor: Credits, 0 or more; None for half the endowment, so that caps hardly bind.

    Example:
        >>> import catallax as cx
        >>> cx.Refinanced(endowment=100.0, floor=10.0).floor
        10.0
    """

    endowment: float | None = None
    floor: float | None = None

    def __post_init__(self) -> None:
        check_credits("endowment", self.endowment, 0)
        check_credits("floor", self.floor, 0)
        endowment, floor = self.endowment, self.floor
        if endowment is not None and floor is not None and floor > endowment:
            raise InvalidSetting(
                f"Refinanced was given floor={self.floor} above endowment={self.endowment}.",
                "Whoever is below the floor is topped up to the endowment.",
                "Give a floor of at most the endowment.",
            )


@dataclass(frozen=True)
class Rent:
    """An owner pays a share ε of its wealth per tick to the treasury, against hold-outs.

    Args:
        rate: ε in [0, 1).

    Raises:
        InvalidSetting: If the rate is negative, 1 or more, or not finite.

    Example:
        >>> import catallax as cx
        >>> cx.Rent(0.001).fraction
        Fraction(1, 1000)

    Source: paper section 2, `w[α*] ← (1 − ε) w[α*]`.
    """

    rate: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1 or not (self.rate == 0 or 0 < self.fraction < 1):
            raise InvalidSetting(
                f"rent rate={self.rate} was given.",
                "Rent is a share of an owner's wealth.",
                "Give a number in [0, 1), such as 0.001, that differs from 0 and 1 by a millionth "
                "or more; 0 takes none.",
            )

    @property
    def fraction(self) -> Fraction:
        """ε as a fraction with a denominator of at most a million."""
        return Fraction(self.rate).limit_denominator(10**6)


@dataclass(frozen=True)
class Stop:
    """Where nobody bids, the episode ends; this is what makes depth dynamic.

    Example:
        >>> import catallax as cx
        >>> cx.Stop()
        Stop()
    """


@dataclass(frozen=True)
class DefaultAction:
    """Where nobody bids, the world takes this action; the owner stays and collects the reward.

    Args:
        action: A number or a tuple of numbers.

    Example:
        >>> import catallax as cx
        >>> cx.DefaultAction(0).action
        0
    """

    action: int | float | tuple[float, ...] = 0


@dataclass(frozen=True)
class RandomAction:
    """Where nobody bids, the world takes an even draw from its actions; the owner stays.

    Example:
        >>> import catallax as cx
        >>> cx.RandomAction()
        RandomAction()
    """


def world_reward(observation: Any, reward: Any) -> Any:
    """Wants what the world's own reward says.

    Args:
        observation: The observation of the state that was reached.
        reward: float32 scalar, the world's reward in credits.

    Returns:
        The reward.

    Example:
        >>> import catallax as cx
        >>> cx.world_reward(None, 1.5)
        1.5
    """
    return reward


@dataclass(frozen=True)
class Consumer:
    """A bidder on states who stands, with others, in place of the reward function.

    Args:
        wants: A JAX function `(observation, reward) -> credits`: what it pays the owner for
            bringing the world to that observation (below 0: what it takes).
        budget: Credits at genesis. It never pays more than it has; over W worlds, at most a
            W-th of its balance in each.
        stipend: Credits that nature pays it every tick.

    Raises:
        InvalidSetting: If the budget or the stipend is negative or not finite.

    Example:
        >>> import catallax as cx
        >>> cx.Consumer(wants=cx.world_reward, budget=1000.0).stipend
        0.0

    Source: paper section 2, "a class of consumers C who place bids upon desirable states".
    """

    wants: Callable[[Any, Any], Any] = world_reward
    budget: float = 1000.0
    stipend: float = 0.0

    def __post_init__(self) -> None:
        check_credits("budget", self.budget, 0)
        check_credits("stipend", self.stipend, 0)


def check_credits(name: str, value: float | None, low: float) -> None:
    """Raises InvalidSetting unless an amount is None or finite, large enough and bookable."""
    if value is not None and not low <= value * 1e6 <= TICKS_MAX:
        raise InvalidSetting(
            f"{name}={value} was given.",
            f"It is an amount in credits between {low} and {TICKS_MAX // 10**6}.",
            "Give a finite number in that range.",
        )
