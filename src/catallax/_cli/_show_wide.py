"""What people see of runs of wide markets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.markup import escape
from rich.text import Text

from catallax._cli._show import books_line, console, credits, line, sparkline, table

if TYPE_CHECKING:
    from catallax._report._wide_facts import WideFacts
    from catallax.wide import HolderRecord

BINS, HOLDERS_SHOWN, GOODS_SHOWN = 48, 5, 20


def richest(holders: Sequence["HolderRecord"]) -> list["HolderRecord"]:
    """Returns holders by what they gain of late, then by wealth, the most first."""
    return sorted(holders, key=lambda one: (-one.gain_recent, -one.wealth_ticks, one.name))


def trained(out: str, facts: "WideFacts") -> None:
    """Prints what a run came to."""
    economy = facts.economy
    pace = f" in {economy.seconds:.1f} s" if economy.seconds else ""
    line(Text.assemble((economy.title, "bold"), f": {economy.steps:,} steps{pace}"))
    line("")
    line(f"Value a step over time, {value_words(facts)}:")
    parts = np.array_split(economy.history.values, min(BINS, economy.steps))
    line(f"  {sparkline(np.asarray([part.mean() for part in parts]))}")
    line("")
    producers = [one for one in facts.holders if one.role == "producer"]
    _print_holders(richest(producers)[:HOLDERS_SHOWN], "Producers who gain most, credits a step")
    line(books_line(facts.audit))
    _print_next(out)


def value_words(facts: "WideFacts") -> str:
    """Says the value of late, and what share of the planner's it is."""
    value = "none yet" if facts.value is None else f"{facts.value:,.4g} credits of late"
    if facts.share is None:
        return f"{value} (the planner has no answer here)"
    return f"{value}, {100 * facts.share:.2f} % of the planner's {facts.planner_value:,.4g}"


def inspected(facts: "WideFacts", top: int) -> None:
    """Prints prices, and who is who."""
    line(Text.assemble((facts.economy.title, "bold"), f": {value_words(facts)}"))
    _print_prices(facts)
    shown = richest(facts.holders)[:top]
    _print_holders(shown, f"{len(shown)} of {len(facts.holders):,} holders, who gains most first")
    line(books_line(facts.audit))


def _print_prices(facts: "WideFacts") -> None:
    goods = facts.economy.market.industry.looks
    now = facts.economy.history.prices[-1] if facts.economy.steps else np.zeros(len(goods))
    rows = table(("good", "t"), ("price", "n"), ("planner's", "n"), title="Prices, credits for 1")
    best = facts.planner_prices
    for name, price, other in list(zip(goods, now, best, strict=True))[:GOODS_SHOWN]:
        rows.add_row(escape(name), per_unit(price), per_unit(other))
    console().print(rows)
    if len(goods) > GOODS_SHOWN:
        line(f"({len(goods) - GOODS_SHOWN} more goods; --json has them all)")


def per_unit(price: float) -> str:
    """Writes a price to a millionth of a credit.

    Example:
        >>> per_unit(0.24193), per_unit(1.6e-9), per_unit(float("nan"))
        ('0.2419', '0', '–')
    """
    if np.isnan(price):
        return "–"
    return "0" if abs(price) < 5e-7 else f"{price:,.4g}"


def _print_holders(records: Sequence["HolderRecord"], title: str) -> None:
    heads = ("holder", "t"), ("role", "t"), ("level", "n"), ("gain a step", "n")
    more = ("wealth", "n"), ("spent", "n"), ("earned", "n"), ("rewards", "n"), ("bought", "w")
    rows = table(*heads, *more, title=title)
    for one in records:
        level = "–" if one.level_recent is None else f"{one.level_recent:,.4g}"
        rows.add_row(
            escape(one.name) + ("" if one.alive else " (out)"),
            *(one.role, level, f"{one.gain_recent:,.4g}", credits(one.wealth_ticks)),
            *(credits(one.spent_ticks), credits(one.earned_ticks), credits(one.rewards_ticks)),
            escape(", ".join(f"{units:,.4g} {good}" for good, units in one.bought.items())),
        )
    console().print(rows)


def _print_next(out: str) -> None:
    line("")
    line(Text("Next:", "bold"))
    for command, words in (
        (f"catallax inspect {out}", "prices, and who earned what"),
        (f"catallax audit {out}", "check the books and the stocks"),
        (f"catallax report {out}", "one page about it all"),
    ):
        line(f"  {command:<{len(out) + 20}}  {words}")
