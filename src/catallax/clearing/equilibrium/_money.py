"""What money means, as callers say it: one rule, or one for each family."""

from typing import Any, get_args

from catallax._errors import InvalidMarket
from catallax.clearing.equilibrium._market import Money, Rules, together
from catallax.clearing.equilibrium.valuations import Mixed

RULES: tuple[Money, ...] = get_args(Money)


def money_of(money: Any, valuations: Any) -> Rules:
    """Returns what money means as a `Market` keeps it.

    Args:
        money: A rule, or one for each family.
        valuations: As the caller gave them; a family may hold families, which share its rule.

    Returns:
        A rule, or as many as there are families where they differ.

    Raises:
        InvalidMarket: There is no such rule, or there are more or fewer of them than families.
    """
    if not isinstance(money, tuple):
        return rule_of(money)
    families = getattr(valuations, "families", (valuations,))
    if len(money) != len(families):
        raise InvalidMarket(
            f"money has {len(money)} rules, and valuations have families to the number of "
            f"{len(families)}.",
            "Each family of Mixed has a rule of its own, in their order.",
            "Give one rule for everybody, or one for each family.",
        )
    return together(
        rule_of(rule)
        for rule, family in zip(money, families, strict=True)
        for _ in range(_members(family))
    )


def _members(family: Any) -> int:
    """Returns how many families it comes to, itself or those that it holds."""
    return sum(map(_members, family.families)) if isinstance(family, Mixed) else 1


def rule_of(money: Any) -> Money:
    """Returns the rule for money, if it is one."""
    for rule in RULES:
        if isinstance(money, str) and money == rule:
            return rule
    raise InvalidMarket(
        f"money={money!r} is no rule for money.",
        "What a best bundle is depends on it.",
        f"Choose one of {', '.join(map(repr, RULES))}.",
    )
