"""`WideMarket`: an industry, and the rules by which its goods change hands."""

import math
from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from catallax._errors import InvalidSetting
from catallax._goods import ORIGINAL_OWNER, Good, checked_goods
from catallax._ledger import Account
from catallax._property import PropertyRights
from catallax.clearing.equilibrium._market import Money
from catallax.industries import Industry
from catallax.techniques import probe_technique
from catallax.techniques._kinds import FixedProportions

from ._rights import require_rights, require_seen, usual_rights
from ._rules import Closure, Expectations, Experience, Inertia, Patience, Rewards, Stipends
from ._tastes import is_homogeneous, tastes_of
from ._turnover import AllIn, Turnover

Rules = tuple[Literal["none", "cap"], Literal["none", "cap", "budget", "fisher"]]
"""The producers' rule of money, and the households'."""


@dataclass(frozen=True)
class WideMarket:
    """Goods, who brings, makes and wants them, and the rules by which they change hands.

    A step is Algorithm 2: what comes in is booked to its owners; everybody offers all that it
    holds; `Equ` sets prices and bundles; buyers pay sellers; households use up what they bought,
    producers make of it what they will offer in the next step; nature or the treasury pays.

    Args:
        industry: Who can do what with which goods.
        closure: Where money comes from: `Rewards` or `Stipends`.
        money: `"cap"`: nobody gains from worth beyond its wealth, `min(v, w)`, as the paper writes
            it. `"none"`: whoever bids more than it has is trusted, as far as it can pay. With caps
            a market in which all of them are met has prices of 0. Two rules, as in
            `("cap", "budget")`, are the producers' and the households': with a `"budget"` these buy
            the best that they can pay, `p·x ≤ w`, if more of a good is always worth as much to them
            as the first of it (one `Want` a good, with no end).
        expectations: What producers expect goods to fetch.
        inertia: How slowly they change what they do.
        patience: How much sellers and households wait for the price that is expected.
        experience: What they expect to make of goods whose grades they do not see.
        turnover: Who is in the market, and when: `AllIn`, or `Trials` of techniques.
        goods: The goods of the industry as they are seen, in its order, with units, depreciation
            and carrying costs; None for perishable ones in millionths.
        rights: Which of the goods that look alike are in whose bundle; None for a share of each,
            `ProRata`, which is `Identity` where no goods look alike.

    Raises:
        InvalidSetting: If a part is of another type, a stipend is for nobody, a producer needs
            nothing, a household with a budget has wants or a taste that end, two holders have one
            name, the goods are not those of the industry, the rights see something else or keep
            titles, or somebody would have what it cannot tell apart.
        BadProduction: If a technique makes what is no stock of a few random bundles.

    Example:
        >>> import catallax as cx
        >>> chain = cx.industries.supply_chain(0)
        >>> market = cx.WideMarket(chain, cx.Rewards(endowment=1e4), money="none")
        >>> market.goods[0].name, market.goods[0].perishable
        ('labour', True)

        Households who spend what they have, 10 credits for ten breads, beside producers with caps:

        >>> from catallax.industries import Household, Inflow, Industry, Producer, Want
        >>> from catallax.techniques import LinearActivity
        >>> oven = LinearActivity({"flour": 1.0}, {"bread": 2.0}, capacity=6.0)
        >>> ann, bob = (Household(name, (Want("bread", 9.0),)) for name in ("ann", "bob"))
        >>> mill, baker = Inflow("flour", 5.0, owner="mill"), Producer("baker", oven)
        >>> town = Industry(("flour", "bread"), (mill,), (baker,), (ann, bob), discount=1.0)
        >>> income = cx.Stipends({"ann": 6.0, "bob": 4.0}, treasury=500.0, endowment=10.0)
        >>> economy = cx.WideEconomy(cx.WideMarket(town, income, money=("cap", "budget")))
        >>> economy.run(60).prices[-1].round(1).tolist()
        [2.0, 1.0]

    Source: paper Definition 2.2 and Algorithm 2.
    """

    industry: Industry
    closure: Closure
    money: Literal["none", "cap"] | Rules
    expectations: Expectations = Expectations()
    inertia: Inertia = Inertia()
    patience: Patience = Patience()
    experience: Experience = Experience()
    turnover: Turnover = AllIn()
    goods: tuple[Good, ...] | None = None
    rights: PropertyRights | None = None

    def __post_init__(self) -> None:
        """Checks the parts and fills in the goods."""
        for name, kind in KINDS.items():
            if not isinstance(getattr(self, name), kind):
                raise InvalidSetting(
                    f"WideMarket was given {name}={getattr(self, name)!r}.",
                    "It is a rule, and rules are values.",
                    f"Give one of {kind}.",
                )
        object.__setattr__(self, "money", _money_of(self.money, self.industry))
        names = self.industry.looks
        usual = (Good(name, perishable=True) for name in names)
        goods = tuple(usual if self.goods is None else self.goods)
        object.__setattr__(self, "goods", checked_goods(goods))
        _require_same(names, tuple(good.name for good in goods))
        rights = usual_rights(self.industry) if self.rights is None else self.rights
        object.__setattr__(self, "rights", require_rights(rights, self.industry))
        require_seen(self.industry)
        _require_inputs(self.industry)
        _require_one_of_a_name(self.industry)
        for one in self.industry.producers:
            if not isinstance(one.technique, FixedProportions):
                probe_technique(one.technique, one.name)
        if isinstance(self.closure, Stipends):
            _require_households(self.industry, self.closure)

    @property
    def components(self) -> tuple[Good, ...]:
        """The goods of the industry, each with the unit and upkeep of what it is seen as."""
        goods = self.goods or ()
        return tuple(
            replace(goods[look], name=name)
            for name, look in zip(self.industry.goods, self.industry.good_of, strict=True)
        )

    @property
    def money_of_each(self) -> tuple[Money, Money]:
        """What money means to producers, and to households."""
        return self.money if isinstance(self.money, tuple) else (self.money, self.money)

    @property
    def discount(self) -> Fraction:
        """γ, with a denominator of at most a million."""
        return Fraction(self.industry.discount).limit_denominator(10**6)


RULES = ("none", "cap", "budget", "fisher")
"""What money may mean to households; the first two to producers."""

HOMOGENEOUS = RULES[2:]
"""Rules under which twice the bundle must be worth twice as much."""

KINDS = {
    "industry": Industry,
    "closure": Rewards | Stipends,
    "expectations": Expectations,
    "inertia": Inertia,
    "patience": Patience,
    "experience": Experience,
    "turnover": Turnover,
}


def _money_of(money: Any, industry: Industry) -> Any:
    """Returns the rule of all, or the producers' and the households' where they differ."""
    pair = money if isinstance(money, tuple) else (money, money)
    if len(pair) != 2 or pair[0] not in RULES[:2] or pair[1] not in RULES:
        raise InvalidSetting(
            f"WideMarket was given money={money!r}.",
            "Producers with a capacity have no budget that is sure to be found.",
            'Choose "none" or "cap", or two rules, the producers\' and the households\', as in '
            '("cap", "budget").',
        )
    if pair[1] in HOMOGENEOUS:
        _require_homogeneous(industry)
    return pair[0] if pair[0] == pair[1] else pair


def _require_homogeneous(industry: Industry) -> None:
    tastes = tastes_of(industry.households, industry.looks)
    for row, taste in tastes.bids:
        if not is_homogeneous(taste, tastes.goods):
            raise InvalidSetting(
                f"The household {industry.households[row].name} has a budget, and bids by {taste}.",
                "Prices are sure to be found only if twice the bundle is worth twice as much.",
                'Give it tastes.CES or CobbDouglas, or households the money "cap" or "none".',
            )
    for one in industry.households:
        wants = one.listed if one.bids_by is None else ()
        counts = Counter(want.good for want in wants)
        for want in wants:
            if counts[want.good] > 1 or not math.isinf(want.most):
                raise InvalidSetting(
                    f"The household {one.name} has a want of {want.good} that ends, and a budget.",
                    "Prices are sure to be found only if more is always worth as much.",
                    'Give one Want a good, without a most, or households "cap" or "none".',
                )


def _require_same(names: tuple[str, ...], given: tuple[str, ...]) -> None:
    if names != given:
        raise InvalidSetting(
            f"WideMarket was given the goods {', '.join(given)}.",
            f"The industry has {', '.join(names)}.",
            "Give one Good for each, in its order.",
        )


def _require_inputs(industry: Industry) -> None:
    for one in industry.producers:
        if not one.technique.needs:
            raise InvalidSetting(
                f"The producer {one.name} needs no goods.",
                "A market leads goods to producers by what these bid for them.",
                "Let what it makes come in as an Inflow, with an owner.",
            )


def _require_one_of_a_name(industry: Industry) -> None:
    agents = [one.name for one in (*industry.households, *industry.producers)]
    owners = {one.owner for one in industry.inflows} - {*agents, ORIGINAL_OWNER}
    system = [account.name.lower() for account in Account]
    names = Counter([*agents, *owners, *system])
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise InvalidSetting(
            f"The industry has two holders of the name {twice[0]!r}.",
            "A name stands for one account, and the system's accounts have theirs: "
            f"{', '.join(system)}.",
            "Name households, producers and owners differently.",
        )


def _require_households(industry: Industry, closure: Stipends) -> None:
    known = [one.name for one in industry.households]
    for name in closure.of:
        if name not in known:
            raise InvalidSetting(
                f"Stipends has one for {name!r}.",
                f"The households are {', '.join(known)}.",
                "Name a household.",
            )
