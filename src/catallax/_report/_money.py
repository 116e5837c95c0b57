"""Where the money is and where it went: wealth, people, trades, books, rules."""

from collections.abc import Callable, Mapping
from html import escape

import numpy as np

from catallax._inspect import AgentRecord
from catallax._journal import Audit
from catallax._report._charts import NARROW, Series, histogram, line_chart, number
from catallax._report._facts import Facts, rules_of, trade_matrix
from catallax._report._html import bar, figure, heat_table, paragraph, section, table
from catallax._report._wide_facts import WideFacts
from catallax._report._wide_words import WIDE_ACCOUNTS, WIDE_REASONS
from catallax._report._words import ACCOUNTS, REASONS
from catallax._types import TICKS_PER_CREDIT

OWNER = "original_owner"
AGENTS_SHOWN = 20
AGENTS_FOR_HISTOGRAM = 8
CURVES = (
    ("richest_credits", "Richest agent", "s0"),
    ("wealth_credits", "All agents together", "s1"),
    ("treasury_credits", "Treasury", "s2"),
)


def credits(ticks: int) -> str:
    """Writes an amount of ticks in credits, to the hundredth.

    Example:
        >>> credits(1_234_567_890), credits(-4), credits(0)
        ('1,234.57', '−0.000004', '0')
    """
    if ticks == 0:
        return "0"
    amount = abs(ticks) / TICKS_PER_CREDIT
    text = f"{amount:,.2f}" if amount >= 0.01 else f"{amount:.6f}"
    return ("−" if ticks < 0 else "") + text


def wealth(facts: Facts) -> str:
    """Writes wealth over time, and how it is spread now."""
    if not facts.metrics:
        return section("wealth", "Who got rich", paragraph("Nothing has happened yet."))
    curves = "".join(_wealth_curve(facts, *curve) for curve in CURVES)
    owned = np.asarray([agent.wealth_ticks for agent in facts.agents]) / TICKS_PER_CREDIT
    spread = _spread(owned) if len(owned) >= AGENTS_FOR_HISTOGRAM else ""
    return section(
        "wealth",
        "Who got rich",
        _wealth_words(facts, owned),
        f'<div class="three">{curves}</div>',
        spread,
    )


def _wealth_words(facts: Facts, owned: np.ndarray) -> str:
    if len(owned) == 0:
        return paragraph("Nobody is alive.")
    top = facts.agents[0]
    words = (
        f"The richest of {len(owned):,} is <b>{escape(top.species)} {top.id}</b> "
        f"({escape(top.does)}) with {credits(top.wealth_ticks)} credits."
    )
    topped = int(facts.metrics["refinanced"][-1])
    if topped:
        words += (
            f" Agents were refinanced {topped:,} times, so wealth says how forecasts moved "
            "rather than who deserves to stay."
        )
    return paragraph(words)


def _wealth_curve(facts: Facts, column: str, name: str, style: str) -> str:
    amounts = facts.metrics[column].astype(float)
    said = f"{name}: {number(float(amounts[-1]))} credits at the end"
    lines = [Series(name, facts.steps, amounts, style)]
    return figure(
        line_chart(lines, said, ("steps", "credits"), (NARROW, 210)), f"<b>{name}</b>, credits"
    )


def _spread(owned: np.ndarray) -> str:
    drawing = histogram(owned, f"Wealth of {len(owned)} agents", ("wealth, credits", "agents"))
    return "<h3>How wealth is spread</h3>" + figure(
        drawing,
        f"Wealth of the {len(owned):,} agents alive. Gini coefficient {_gini(owned):.2f} "
        "(0: all own the same, 1: one owns everything).",
    )


def _gini(owned: np.ndarray) -> float:
    ranked = np.sort(np.maximum(owned, 0.0))
    if ranked.sum() == 0:
        return 0.0
    rank = np.arange(1, len(ranked) + 1)
    return float((2 * rank - len(ranked) - 1) @ ranked / (len(ranked) * ranked.sum()))


COLUMNS: tuple[tuple[str, str, Callable[[AgentRecord], str]], ...] = (
    ("agent", "h", lambda a: f"{escape(a.species)} {a.id}"),
    ("does", "s", lambda a: escape(a.does) + (" (frozen)" if a.frozen else "")),
    ("wealth", "n", lambda a: credits(a.wealth_ticks)),
    ("wins", "n", lambda a: f"{a.wins:,}"),
    ("paid", "n", lambda a: credits(a.paid_ticks)),
    ("resold", "n", lambda a: credits(a.resold_ticks)),
    ("rewards", "n", lambda a: credits(a.rewards_ticks)),
    ("capital", "n", lambda a: credits(a.capital_ticks)),
    ("wins now", "n", lambda a: f"{100 * a.share_won:.0f} %"),
    ("where it wins", "w", lambda a: escape(a.wins_where)),
)


def who_is_who(facts: Facts) -> str:
    """Writes the table of the richest agents."""
    shown = facts.agents[:AGENTS_SHOWN]
    rows = [[write(agent) for _, _, write in COLUMNS] for agent in shown]
    caption = (
        f"The {len(shown)} richest of {len(facts.agents):,} agents. Amounts are credits over a "
        "whole life, from the journal; 'wins now' is the share of steps won in greedy play."
    )
    heads, kinds = [head for head, _, _ in COLUMNS], "".join(kind for _, kind, _ in COLUMNS)
    return section("agents", "Who is who", table(heads, rows, caption, kinds))


def trades(facts: Facts) -> str:
    """Writes who buys from whom in watched play."""
    names, counts, value = trade_matrix(facts)
    if counts.sum() == 0:
        return section("trades", "Who trades with whom", paragraph("No sale was seen."))
    own = int(np.trace(counts[:-1, :-1]))
    seen = facts.watched
    cut = f" {seen.stopped} of them were not watched to their end." if seen.stopped else ""
    words = paragraph(
        f"{int(counts.sum()):,} sales in {len(seen.returns) + seen.stopped} greedy episodes, by "
        f"the frozen copy of the market.{cut} On the diagonal an agent buys from itself, "
        f"which is to keep the world: {100 * own / counts.sum():.0f} % of all sales."
    )
    caption = "How many worlds the row bought from the column, and for how many credits in all"
    return section(
        "trades", "Who trades with whom", words, heat_table(names, counts, value, caption)
    )


def books(facts: Facts) -> str:
    """Writes the flows by reason and the balances of the system's accounts."""
    return section("books", "The books", _words(facts.audit), _flows(facts.audit), _balances(facts))


def wide_books(facts: WideFacts) -> str:
    """Writes the flows of a wide market by reason, and the balances of the system's accounts."""
    balances, names = facts.economy.balances, {one.name for one in facts.holders}
    system = {name: t for name, t in balances.items() if name == OWNER or name not in names}
    rows = [
        [escape(name.replace("_", " ")), escape((ACCOUNTS | WIDE_ACCOUNTS)[name]), credits(ticks)]
        for name, ticks in system.items()
    ]
    held = sum(balances.values()) - sum(system.values())
    rows.append(["all holders", "what holders own together", credits(held)])
    rows.append(["sum", "always 0", credits(sum(balances.values()))])
    shown = table(["account", "what it is for", "balance"], rows, "Balances, credits", "htn")
    flows = _flows(facts.audit, REASONS | WIDE_REASONS)
    return section("books", "The books", _words(facts.audit), flows, shown)


def _words(audit: Audit) -> str:
    return paragraph(
        f"The journal of {audit.segments:,} segments was replayed from genesis: "
        f"{audit.transfers:,} transfers between {audit.accounts:,} accounts, and a drift of "
        f"<b>{audit.drift_ticks:,}</b> ticks."
    )


def _flows(audit: Audit, words: Mapping[str, str] = REASONS) -> str:
    flows = {reason: total["turnover"] for reason, total in audit.totals.items()}
    largest = max(flows.values(), default=1)
    rows = [
        [escape(reason), escape(words.get(reason, "")), credits(ticks), bar(ticks / largest)]
        for reason, ticks in sorted(flows.items(), key=lambda flow: -flow[1])
    ]
    caption = (
        "Turnover by reason, credits: what accounts received on balance in each segment, summed"
    )
    return table(["reason", "why money moved", "turnover", ""], rows, caption, "htnt")


def _balances(facts: Facts) -> str:
    balances = facts.economy.balances
    owned = sum(ticks for name, ticks in balances.items() if name.startswith(("agent/", "slot/")))
    rows = [
        [
            escape(name.replace("_", " ")),
            escape(ACCOUNTS.get(name, "pays for what it wants")),
            credits(ticks),
        ]
        for name, ticks in balances.items()
        if not name.startswith(("agent/", "slot/"))
    ]
    rows.append(["all agents", "what agents own together", credits(owned)])
    rows.append(["sum", "always 0", credits(sum(balances.values()))])
    return table(["account", "what it is for", "balance"], rows, "Balances, credits", "htn")


def rules(facts: Facts) -> str:
    """Writes the settings of the market."""
    rows = [
        [escape(name), f"<code>{escape(_shown(value))}</code>"] for name, value in rules_of(facts)
    ]
    return section(
        "rules", "The rules", table(["rule", "value"], rows, "The settings of the market", "ht")
    )


def _shown(value: object) -> str:
    if value == ():
        return "none"
    text = str(value) if isinstance(value, int | float) else repr(value)
    return text if len(text) <= 400 else text[:397] + "…"
