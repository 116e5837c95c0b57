"""The page about a wide market: value, prices, flows of goods, who gains, the books."""

from collections import defaultdict
from collections.abc import Sequence
from html import escape

import numpy as np

from catallax._report._charts import NARROW, WIDE, Series, line_chart, number
from catallax._report._html import bar, figure, paragraph, section, table
from catallax._report._money import credits
from catallax._report._sankey import Link, Node, sankey
from catallax._report._wide_facts import WideFacts, recent_flows, recent_prices
from catallax._report._wide_words import REASONS_OF_GOODS
from catallax.wide import HolderRecord

GOODS_SHOWN, HOLDERS_SHOWN = 24, 60
STYLES = {"owner": "p2", "good": "p0", "producer": "p1", "household": "p3"}
FREE = 1e-6
"""Credits a step below which a flow is not drawn."""
PLANNER = "the planner's"


def value(facts: WideFacts) -> str:
    """Writes value over time, against the planner's."""
    history, best = facts.economy.history, facts.planner_value
    steps = np.arange(1.0, history.steps + 1)
    lines = [Series("the market's", steps, history.values, "s0")]
    if best is not None:
        lines.append(Series(PLANNER, steps, np.full(steps.size, best), "s1"))
    drawing = line_chart(lines, _said(facts), ("steps", "credits a step"), (WIDE, 260))
    legend = [(one.name, one.style) for one in lines]
    words = (
        "What households used up was worth to them, less what it cost to run techniques. "
        "Nobody in the market knows more than prices and its own technique; the planner knows "
        "everything and plans for ever."
    )
    return section("value", "What it is worth", figure(drawing, words, legend))


def _said(facts: WideFacts) -> str:
    late = "" if facts.value is None else f"{number(facts.value)} credits a step of late"
    if facts.share is None:
        return f"{late}; the planner, who reads linear techniques only, has no answer here"
    return f"{late}, {100 * facts.share:.2f} % of the planner's {number(facts.planner_value or 0)}"


def prices(facts: WideFacts) -> str:
    """Writes the price of every good over time; the dearest goods first."""
    economy = facts.economy
    goods, history = economy.market.industry.looks, economy.history
    order = np.argsort(-recent_prices(economy), kind="stable")
    priced = [n for n in order.tolist() if history.prices[:, n].max() > FREE]
    charts = "".join(_price_chart(facts, goods[n], n) for n in priced[:GOODS_SHOWN])
    more = _left_out(len(priced) - GOODS_SHOWN, [goods[n] for n in order if n not in priced])
    words = paragraph(
        f"Prices of {len(goods)} goods over {history.steps:,} steps, in credits for 1 of a good, "
        f"and {PLANNER} where it has an answer.{escape(more)}"
    )
    planned = [] if np.isnan(facts.planner_prices).all() else [(PLANNER, "s1")]
    legend = figure("", "", [("the market's", "s0"), *planned])
    return section("prices", "Prices", words, legend, f'<div class="three">{charts}</div>')


def _left_out(cheap: int, free: Sequence[str]) -> str:
    words = f" The {cheap} cheapest are left out." if cheap > 0 else ""
    return words + (f" Always free: {', '.join(free[:GOODS_SHOWN])}." if free else "")


def _price_chart(facts: WideFacts, name: str, index: int) -> str:
    column = facts.economy.history.prices[:, index]
    column = np.where(column < FREE, 0.0, column)
    steps = np.arange(1.0, column.size + 1)
    lines = [Series("price", steps, column, "s0")]
    if not np.isnan(facts.planner_prices[index]):
        best = np.full(column.size, facts.planner_prices[index])
        lines.append(Series(PLANNER, steps, best, "s1"))
    said = f"{name}: {number(float(column[-1]))} credits at the end"
    drawing = line_chart(lines, said, ("steps", "credits"), (NARROW, 190))
    return figure(drawing, f"<b>{escape(name)}</b>, {number(float(column[-1]))} at the end")


def goods_flows(facts: WideFacts) -> str:
    """Writes where goods come from and go to, as a Sankey picture."""
    nodes, links = flows_of(facts)
    if not links:
        return section("flows", "Who makes what for whom", paragraph("Nothing has a price yet."))
    drawing = sankey(nodes, links, "Flows of goods by value", "credits a step")
    legend = [("owners of what comes in", "p2"), ("goods", "p0")]
    legend += [("producers", "p1"), ("households", "p3")]
    words = (
        "What passed from hand to hand of late, a step, as thick as it is worth at its price; "
        "what is free has no thickness. A producer gives more than it takes by what it gains "
        "and by the discount."
    )
    return section("flows", "Who makes what for whom", figure(drawing, words, legend))


def flows_of(facts: WideFacts) -> tuple[list[Node], list[Link]]:
    """Returns holders and goods as nodes, and what passes between them in credits a step."""
    economy = facts.economy
    industry = economy.market.industry
    goods, price = industry.looks, recent_prices(economy)
    look_of = dict(zip(industry.goods, industry.good_of, strict=True))
    names = [(good, "good") for good in goods]
    names += [(one.name, one.role) for one in facts.holders]
    nodes = [Node(name, STYLES[kind]) for name, kind in names]
    place = {name: len(goods) + n for n, name in enumerate(one.name for one in facts.holders)}
    worths: dict[tuple[int, int], float] = defaultdict(float)
    for (holder, reason), by_good in recent_flows(economy).items():
        for good, units in by_good.items():
            who, what = place[holder], look_of[good]
            if reason in ("arrived", "made"):
                worths[who, what] += units * price[what]
            if reason == "bought":
                worths[what, who] += units * price[what]
    return nodes, [Link(*ends, worth) for ends, worth in worths.items() if worth > FREE]


def who(facts: WideFacts) -> str:
    """Writes the tables of producers and of households and owners."""
    producers = [one for one in facts.holders if one.role == "producer"]
    producers = sorted(producers, key=lambda one: (-one.gain_recent, one.name))[:HOLDERS_SHOWN]
    others = [one for one in facts.holders if one.role != "producer"][:HOLDERS_SHOWN]
    largest = max((abs(one.gain_recent) for one in producers), default=0.0) or 1.0
    heads = ["producer", "level", "profit a step", "", "wealth", "spent", "earned", "made"]
    made = table(heads, [_producer(one, largest) for one in producers], _caption(facts), "hnntnnnw")
    heads = ["holder", "role", "worth a step", "wealth", "spent", "earned", "bought"]
    rows = [_other(one) for one in others]
    rest = table(heads, rows, "Households, and owners of what comes in", "hsnnnnw")
    return section("agents", "Who is who", made, rest)


def _caption(facts: WideFacts) -> str:
    count = sum(one.role == "producer" for one in facts.holders)
    return (
        f"{count:,} producers, who gains most of late first (100 steps). Amounts are credits and "
        "units over a whole life, from the journal; what is earned is net of the discount."
    )


def _producer(one: HolderRecord, largest: float) -> list[str]:
    level = "–" if one.level_recent is None else number(one.level_recent)
    name = escape(one.name) + ("" if one.alive else " (out)")
    gain = bar(max(one.gain_recent, 0.0) / largest)
    money = [credits(t) for t in (one.wealth_ticks, one.spent_ticks, one.earned_ticks)]
    return [name, level, number(one.gain_recent), gain, *money, _units(one.made)]


def _other(one: HolderRecord) -> list[str]:
    money = [credits(t) for t in (one.wealth_ticks, one.spent_ticks, one.earned_ticks)]
    return [escape(one.name), one.role, number(one.gain_recent), *money, _units(one.bought)]


def _units(by_good: dict[str, float]) -> str:
    return escape(", ".join(f"{number(units)} {good}" for good, units in by_good.items()))


def stocks(facts: WideFacts) -> str:
    """Writes where goods came from and went, to the quantum."""
    units = {good.name: good.unit for good in facts.economy.market.components}
    reasons = list(REASONS_OF_GOODS)
    rows = [
        [escape(good), *(_amount(by_reason.get(reason, 0) * units[good]) for reason in reasons)]
        for good in facts.economy.market.industry.goods
        if (by_reason := facts.audit.goods.get(good))
    ]
    words = paragraph(
        "Every good is counted in whole quanta. The journal was replayed from the first step: what "
        "holders have differs from what it says by "
        f"<b>{facts.audit.drift_quanta:,}</b> quanta."
    )
    caption = "Units of goods that all holders together received, by reason"
    return section("stocks", "The goods", words, table(["good", *reasons], rows, caption, _kinds()))


def _kinds() -> str:
    return "h" + "n" * len(REASONS_OF_GOODS)


def _amount(units: float) -> str:
    return "·" if units == 0 else number(units).replace("-", "−")


def rules(facts: WideFacts) -> str:
    """Writes the settings of the market."""
    market = facts.economy.market
    names = ("closure", "money", "turnover", "expectations", "inertia", "patience", "experience")
    names = (*names, "rights")
    rows = [[name, f"<code>{escape(repr(getattr(market, name)))}</code>"] for name in names]
    rows.append(["discount", f"<code>{market.discount}</code>"])
    return section("rules", "The rules", table(["rule", "value"], rows, "The settings", "ht"))
