"""A deep market as a value, and what follows from it for one world: sizes, accounts, capital."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from catallax._auctions import Auction, Vickrey
from catallax._errors import InvalidSetting
from catallax._exploration import EpsilonGreedy, Exploration
from catallax._learning import Learning
from catallax._ledger import N_SYSTEM
from catallax._life import Entry, Exit, NoEntry
from catallax._rules import (
    Consumer,
    DefaultAction,
    Hard,
    RandomAction,
    Refinanced,
    Rent,
    Stop,
    check_credits,
)
from catallax._types import ticks_of
from catallax.agents._actions import as_action
from catallax.agents._protocol import Spaces, Species

DISCOUNT_DENOMINATOR_MAX = 2**20


@dataclass(frozen=True)
class DeepMarket:
    """A market for the right to act and collect reward. Every rule is a value.

    Args:
        agents: The species that trade; each says how many of it there are.
        auction: From bids to winner and price.
        discount: γ in (0, 1]; a seller keeps γ of a price.
        exploration: Who acts in place of the winner; the account `exploration` buys it.
        capital: `Hard` or `Refinanced`.
        rent: What an owner pays per tick.
        bond: Credits of its wealth that an agent may not bid.
        nobody: `Stop()`, `DefaultAction(x)` or `RandomAction()`, where nobody bids.
        consumers: Who pays in place of the reward; empty for nature.
        learning: How bids are fitted to revenue.
        entry: Who is born.
        exit: Who leaves besides the bankrupt.
        treasury: Credits with which the treasury opens; it pays allowances.
        reward_max: The largest size of a step's reward, in credits; it sets the default
            endowment.

    Raises:
        InvalidSetting: If a setting means nothing, by name.

    Example:
        >>> import catallax as cx
        >>> market = cx.DeepMarket(agents=[cx.Tabular()], auction=cx.FirstPrice())
        >>> market.gamma
        Fraction(99, 100)

    Source: paper Definition 2.1 and Algorithm 1.
    """

    agents: Sequence[Species]
    auction: Auction = Vickrey(seats=2)
    discount: float = 0.99
    exploration: Exploration = EpsilonGreedy()
    capital: Hard | Refinanced = Refinanced()
    rent: Rent = Rent()
    bond: float = 0.0
    nobody: Stop | DefaultAction | RandomAction = RandomAction()
    consumers: Sequence[Consumer] = ()
    learning: Learning = field(default_factory=Learning)
    entry: Entry = NoEntry()
    exit: Exit = Exit()
    treasury: float = 0.0
    reward_max: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "agents", tuple(self.agents))
        object.__setattr__(self, "consumers", tuple(self.consumers))
        check_market(self)

    @property
    def gamma(self) -> Fraction:
        """γ as a fraction."""
        return Fraction(self.discount).limit_denominator(DISCOUNT_DENOMINATOR_MAX)


def check_market(market: DeepMarket) -> None:
    """Raises InvalidSetting where a market's rules mean nothing."""
    if not market.agents:
        raise InvalidSetting(
            "A market was made without agents.",
            "Somebody has to bid.",
            "Give agents=[...], such as [catallax.Tabular()].",
        )
    exact_one = market.discount == 1
    if not 0 < market.discount <= 1 or not (exact_one or 0 < market.gamma < 1):
        raise InvalidSetting(
            f"discount={market.discount} was given.",
            "A seller keeps that share of a price.",
            "Give 1, or a number in (0, 1) that differs from 0 and 1 by a millionth or more.",
        )
    check_credits("bond", market.bond, 0)
    check_credits("treasury", market.treasury, 0)
    if not 0 < market.reward_max <= 1e6:
        raise InvalidSetting(
            f"reward_max={market.reward_max} was given.",
            "It scales the default endowment.",
            "Give the largest |reward| of a step, in credits.",
        )


@dataclass(frozen=True)
class Setting:
    """A market in a world: the static facts that the compiled step is built from.

    Args:
        market: The rules.
        spaces: Of the world.
        worlds: How many worlds run side by side, W.
        sizes: Slots of each species.
    """

    market: DeepMarket
    spaces: Spaces = field(hash=False)  # compared, but spaces cannot be hashed
    worlds: int
    sizes: tuple[int, ...]

    @property
    def species(self) -> tuple[Species, ...]:
        """The species, one a group."""
        return tuple(self.market.agents)

    @property
    def n_agents(self) -> int:
        """Slots in all."""
        return sum(self.sizes)

    @property
    def n_consumers(self) -> int:
        """Consumers that hold accounts."""
        return len(self.market.consumers)

    @property
    def first_agent(self) -> int:
        """The account of slot 0."""
        return N_SYSTEM + self.n_consumers

    @property
    def n_accounts(self) -> int:
        """Accounts in all."""
        return self.first_agent + self.n_agents

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """The first slot of each group."""
        return tuple(int(n) for n in np.cumsum([0, *self.sizes[:-1]]))

    @cached_property
    def endowment_ticks(self) -> int:
        """What an agent starts with: given, or `2·worlds·max|r|/(1−γ)`."""
        market = self.market
        if market.capital.endowment is not None:
            return ticks_of(market.capital.endowment)
        if market.gamma == 1:
            raise InvalidSetting(
                "No endowment was given with discount=1.",
                "The default is 2·worlds·reward_max/(1−γ), which has no end there.",
                "Give capital=Hard(endowment=...) or Refinanced(endowment=...).",
            )
        return ticks_of(2 * self.worlds * Fraction(market.reward_max) / (1 - market.gamma))

    @cached_property
    def floor_ticks(self) -> int | None:
        """Below what an agent is topped up; None under hard capital."""
        capital = self.market.capital
        if isinstance(capital, Hard):
            return None
        if capital.floor is None:
            return self.endowment_ticks // 2
        if ticks_of(capital.floor) > self.endowment_ticks:
            raise InvalidSetting(
                f"Refinanced has floor={capital.floor} above the market's endowment of "
                f"{self.endowment_ticks / 1e6:g}.",
                "Whoever is below the floor is topped up to the endowment.",
                "Give a smaller floor, or an endowment.",
            )
        return ticks_of(capital.floor)

    @property
    def bond_ticks(self) -> int:
        """What an agent may not bid of its wealth."""
        return ticks_of(self.market.bond)


def setting_of(market: DeepMarket, spaces: Spaces, worlds: int) -> Setting:
    """Checks a market against a world and fixes its sizes.

    Args:
        market: The rules.
        spaces: Of the world.
        worlds: How many run side by side.

    Returns:
        The `Setting`.

    Raises:
        UnsupportedSpace: If a species cannot serve the world.
        InvalidSetting: If a number does not fit.
    """
    if worlds < 1:
        raise InvalidSetting(f"worlds={worlds} was given.", "There must be one.", "Give 1 or more.")
    for species in market.agents:
        species.supports(spaces)
    if isinstance(market.nobody, DefaultAction):
        as_action(spaces.action, market.nobody.action)
    setting = Setting(market, spaces, worlds, tuple(s.slots(spaces) for s in market.agents))
    market.entry.check(setting.sizes, [s.mutates for s in market.agents])
    if setting.n_agents < 1:
        raise InvalidSetting(
            "The species of this market have no slots.", "Somebody has to bid.", "Give a count."
        )
    _ = setting.endowment_ticks, setting.floor_ticks
    return setting
