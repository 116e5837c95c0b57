"""Exploration: who acts in place of the winner, by a named rule."""

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32, Int32, Int64

from catallax._auctions import NO_BID, drawn_among
from catallax._errors import InvalidSetting
from catallax._types import NOBODY, TICKS_PER_CREDIT


class Exploration(Protocol):
    """A rule that may send someone else than the winner to act."""

    def explorer(
        self,
        bids: Int64[Array, "N W"],
        enters: Bool[Array, "N W"],
        progress: Float32[Array, ""],
        luck: Float32[Array, "2 W"],
    ) -> Int32[Array, "W"]:
        """Returns the slot that explores in each world, or `NOBODY`."""
        ...


@dataclass(frozen=True)
class NoExploration:
    """The winner always acts.

    Example:
        >>> import catallax as cx
        >>> cx.NoExploration()
        NoExploration()
    """

    def explorer(
        self,
        bids: Int64[Array, "N W"],
        enters: Bool[Array, "N W"],
        progress: Float32[Array, ""],
        luck: Float32[Array, "2 W"],
    ) -> Int32[Array, "W"]:
        """Returns `NOBODY` for every world."""
        return jnp.full(bids.shape[1], NOBODY, jnp.int32)


@dataclass(frozen=True)
class EpsilonGreedy:
    """With probability ε any bidder acts, each as likely; ε falls linearly with progress.

    Args:
        start: ε at the beginning of a training call, in [0, 1].
        end: ε from `until` on, in [0, 1].
        until: The share of the training over which ε falls, in (0, 1].

    Raises:
        InvalidSetting: If a setting is out of range.

    Example:
        >>> import catallax as cx
        >>> cx.EpsilonGreedy(start=1.0, end=0.05, until=0.5).end
        0.05
    """

    start: float = 0.1
    end: float = 0.1
    until: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.start <= 1 and 0 <= self.end <= 1 and 0 < self.until <= 1):
            raise InvalidSetting(
                f"{self} was given as the exploration rule.",
                "Probabilities lie in [0, 1] and `until` in (0, 1].",
                "Give shares of 1.",
            )

    def explorer(
        self,
        bids: Int64[Array, "N W"],
        enters: Bool[Array, "N W"],
        progress: Float32[Array, ""],
        luck: Float32[Array, "2 W"],
    ) -> Int32[Array, "W"]:
        """Returns a bidder at random in a share ε of the worlds, else `NOBODY`."""
        epsilon = self.start + (self.end - self.start) * jnp.minimum(progress / self.until, 1)
        chosen, bidders = drawn_among(enters, luck[1])
        return jnp.where((luck[0] < epsilon) & (bidders > 0), chosen, NOBODY)


@dataclass(frozen=True)
class Boltzmann:
    """A bidder acts with probability proportional to exp(bid / temperature).

    Args:
        temperature: Credits; small is greedy.

    Raises:
        InvalidSetting: If the temperature is below a millionth or not finite.

    Example:
        >>> import catallax as cx
        >>> cx.Boltzmann(temperature=0.5).temperature
        0.5
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not 1e-6 <= self.temperature < float("inf"):
            raise InvalidSetting(
                f"temperature={self.temperature} was given to Boltzmann.",
                "A bid is divided by it, and bids differ by a millionth at least.",
                "Give a number of credits of 1e-6 or more.",
            )

    def explorer(
        self,
        bids: Int64[Array, "N W"],
        enters: Bool[Array, "N W"],
        progress: Float32[Array, ""],
        luck: Float32[Array, "2 W"],
    ) -> Int32[Array, "W"]:
        """Returns a bidder drawn from the softmax of the bids, `NOBODY` where none bids."""
        entered = jnp.where(enters, bids, NO_BID)
        behind = (entered - jnp.max(entered, axis=0)).astype(jnp.float32) / TICKS_PER_CREDIT
        weight = jnp.where(enters, jax.nn.softmax(behind / self.temperature, axis=0), 0)
        upto = jnp.cumsum(weight, axis=0)
        reached = upto > luck[0] * upto[-1]
        chosen = jnp.argmax(reached & enters, axis=0).astype(jnp.int32)
        return jnp.where(jnp.any(enters, axis=0), chosen, NOBODY)
