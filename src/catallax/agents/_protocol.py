"""What an agent is: a species is the code that a family of agents shares, genes tell them apart."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Rational
from typing import Any, ClassVar, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32

from catallax._errors import InvalidSetting
from catallax._types import Key, PyTree
from catallax.agents._actions import action_count
from catallax.agents._encoders import Encoder, Raw


@dataclass(frozen=True)
class Spaces:
    """The observation and action space of the world that an agent is made for.

    Args:
        observation: A Gymnasium space.
        action: A Gymnasium space.

    Example:
        >>> from gymnasium.spaces import Discrete
        >>> Spaces(Discrete(3), Discrete(2)).action.n
        np.int64(2)
    """

    observation: gymnasium.Space
    action: gymnasium.Space


class Genes(NamedTuple):
    """All that distinguishes one agent from its kin.

    Attributes:
        learned: A pytree of float arrays, which learning moves.
        fixed: A pytree of arrays that learning leaves alone (mutation may change them).

    Example:
        >>> Genes(learned={"weights": jnp.zeros(4)}, fixed={"action": jnp.int32(1)}).fixed
        {'action': Array(1, dtype=int32)}
    """

    learned: PyTree
    fixed: PyTree


class Trade(NamedTuple):
    """One trade as its buyer looks back on it.

    Attributes:
        senses: What the agent perceived when it bid.
        action: What it did.
        revenue: float32 scalar, credits: reward plus resale, a λ-return along the chain of owners.
        paid: float32 scalar, credits.

    Example:
        >>> trade = Trade(jnp.zeros(4), jnp.int32(1), jnp.float32(0.9), jnp.float32(0.5))
        >>> round(float(trade.revenue - trade.paid), 3)  # its profit
        0.4
    """

    senses: PyTree
    action: Array
    revenue: Float32[Array, ""]
    paid: Float32[Array, ""]


@dataclass(frozen=True, kw_only=True)
class Species(ABC):
    """A family of agents with the same code. Subclass it as a frozen dataclass.

    Three methods must be written, all for *one* agent and *one* observation: `init`, `bid` and
    `act`. Set `learns` for bids fitted by gradient (and override `loss` to learn more than the
    bid); set `mutates` and write `mutate` for offspring.

    Args:
        count: Agents at genesis; None for one an action.
        capacity: Slots, for births; None for as many as `count`.
        encoder: What the agents perceive of an observation.
        stake: Bid this share of wealth in place of `bid` (the classifier systems' way); None.

    Raises:
        InvalidSetting: If count, capacity or stake is out of range.

    Example:
        >>> import catallax as cx
        >>> cx.Constant(action=1, offer=0.5).learns
        False

    Source: paper section 2, `α : Ω → X × ℝ`.
    """

    learns: ClassVar[bool] = False
    mutates: ClassVar[bool] = False
    on_host: ClassVar[bool] = False

    count: int | None = None
    capacity: int | None = None
    encoder: Encoder = Raw()
    stake: Fraction | None = None

    def __post_init__(self) -> None:
        check_numbers(self)

    @abstractmethod
    def init(self, key: Key, spaces: Spaces, index: Any) -> Genes:
        """Returns the genes of the agent with this number in the enumeration of the species."""

    @abstractmethod
    def bid(self, genes: Genes, senses: PyTree) -> Float32[Array, ""]:
        """Returns the bid `α_b(ω)` in credits."""

    @abstractmethod
    def act(self, genes: Genes, senses: PyTree, key: Key) -> Array:
        """Returns the action `α_x(ω)`."""

    def act_greedily(self, genes: Genes, senses: PyTree) -> Array:
        """Returns the action for evaluation: without chance where the species can."""
        return self.act(genes, senses, jax.random.key(0))

    def enters(self, genes: Genes, senses: PyTree) -> Bool[Array, ""]:
        """Returns whether the agent bids at all; abstaining is not a low bid."""
        return jnp.asarray(True)

    def mutate(self, key: Key, genes: Genes) -> Genes:
        """Returns the genes of a child; only called where `mutates` is set."""
        return genes

    def loss(self, genes: Genes, before: Genes, trade: Trade) -> Float32[Array, ""]:
        """Returns what learning lowers: half the squared error of the bid as a forecast of revenue.

        Args:
            genes: The agent's genes; the gradient is taken in `genes.learned`.
            before: The genes with which it traded.
            trade: What came of it.

        Returns:
            float32 scalar.
        """
        return 0.5 * (self.bid(genes, trade.senses) - trade.revenue) ** 2

    def supports(self, spaces: Spaces) -> None:
        """Raises UnsupportedSpace where the species cannot serve a world."""
        self.encoder.supports(spaces.observation)

    def founders(self, spaces: Spaces) -> int:
        """Returns how many agents there are at genesis."""
        return action_count(spaces.action) if self.count is None else self.count

    def slots(self, spaces: Spaces) -> int:
        """Returns how many agents there can be at most."""
        return self.founders(spaces) if self.capacity is None else self.capacity


def check_numbers(species: Species) -> None:
    """Raises InvalidSetting where a species asks for an impossible number of agents."""
    count = 0 if species.count is None else species.count
    capacity = max(count, 1) if species.capacity is None else species.capacity
    whole = isinstance(count, Integral) and isinstance(capacity, Integral)
    if not whole or count < 0 or capacity < max(count, 1):
        raise InvalidSetting(
            f"{type(species).__name__} was given count={species.count} and "
            f"capacity={species.capacity}.",
            "A species has a whole number of agents and at least as many slots.",
            "Give count of 0 or more, and capacity of at least count (and 1).",
        )
    stake = species.stake
    rational = stake is None or isinstance(stake, Rational)
    if not rational or (stake is not None and not (0 < stake <= 1 and stake.denominator <= 2**20)):
        raise InvalidSetting(
            f"{type(species).__name__} was given stake={species.stake}.",
            "An agent can bid at most all its wealth.",
            "Give a Fraction in (0, 1] with a denominator of at most 2**20, such as "
            "Fraction(1, 10), or None.",
        )
