"""What people see: tidy tables on a terminal, the same without colours in a pipe."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from catallax._errors import CatallaxError

if TYPE_CHECKING:
    from catallax._economy import Economy
    from catallax._inspect import AgentRecord
    from catallax._journal import Audit

BARS = "▁▂▃▄▅▆▇█"
WIDTH_IN_PIPE = 140
ROOMY = 120
BINS, ROWS = 48, 5
TICKS = 1_000_000


class _Console(Console):
    """A console that leaves closed pipes to the command line."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(stderr: bool = False) -> Console:
    """Returns a console for one of the standard streams, wide enough in a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_IN_PIPE
    return _Console(file=stream, width=width, highlight=False, soft_wrap=not stream.isatty())


def line(text: str | Text) -> None:
    """Prints one line, which nothing breaks."""
    console().print(text, soft_wrap=True, markup=False)


def complaint(error: CatallaxError) -> None:
    """Prints an error as one paragraph on standard error."""
    text = Text.assemble(("catallax: ", "bold red"), str(error))
    console(stderr=True).print(text, soft_wrap=not sys.stderr.isatty())


def table(*heads: tuple[str, str], title: str | None = None) -> Table:
    """Returns an empty table; heads are a name and n for a number, t for text or w to wrap it."""
    made = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
        title=title,
        title_justify="left",
        title_style="bold",
    )
    for name, justify in heads:
        made.add_column(name, justify="right" if justify == "n" else "left", no_wrap=justify != "w")
    return made


def credits(ticks: int) -> str:
    """Writes ticks in credits: whole ones from a thousand on, else to the hundredth.

    Example:
        >>> credits(1_234_567_890), credits(1_500_000)
        ('1,235', '1.50')
    """
    return f"{ticks / TICKS:,.0f}" if abs(ticks) >= 1000 * TICKS else f"{ticks / TICKS:,.2f}"


def sparkline(values: np.ndarray) -> str:
    """Draws a curve in a line of text.

    Example:
        >>> import numpy as np
        >>> sparkline(np.asarray([0.0, 1.0, 2.0, 7.0]))
        '▁▂▃█'
    """
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) / (high - low) * (len(BARS) - 1) if high > low else values * 0
    return "".join(BARS[round(value)] for value in scaled.tolist())


def trained(out: str, economy: "Economy", best: Sequence["AgentRecord"]) -> None:
    """Prints what a training came to."""
    from catallax._report import world_name

    seconds = economy.seconds
    pace = f" in {seconds:.1f} s" if seconds else ""
    line(
        Text.assemble(
            (world_name(economy.world), "bold"),
            f", seed {economy.seed}: {economy.steps:,} steps in {economy.worlds} worlds{pace}",
        )
    )
    _print_curve(economy)
    if best:
        title = "Who earned what (the richest; amounts in credits)"
        console().print(_agents_table(best, title, width=0))
    line(books_line(economy.audit()))
    _print_next(out)


def books_line(audit: "Audit") -> Text:
    """Says in a line how the books stand."""
    verdict = ("balanced", "bold green") if audit.balanced else ("NOT BALANCED", "bold red")
    return Text.assemble(
        "Books: ",
        verdict,
        f", drift {audit.drift_ticks:,} ticks"
        f"{f' and {audit.drift_quanta:,} quanta' if audit.goods else ''}, "
        f"{audit.transfers:,} transfers, "
        f"digest {audit.digest[:12]}",
    )


def _print_curve(economy: "Economy") -> None:
    binned = _binned(economy.metrics, BINS)
    if not len(binned):
        line("No episode has ended yet.")
        return
    rows = table(("steps", "n"), ("episodes", "n"), ("mean return", "n"), title="What it learned")
    for steps, episodes, mean in _binned(economy.metrics, ROWS).tolist():
        rows.add_row(f"{steps:,.0f}", f"{episodes:,.0f}", f"{mean:,.4g}")
    line("")
    console().print(rows)
    line(f"  {sparkline(binned[:, 2])}")
    line("")


def _binned(metrics: dict[str, np.ndarray], bins: int) -> np.ndarray:
    """Returns steps, episodes and mean return of equal parts of a run, where an episode ended."""
    if not metrics:
        return np.zeros((0, 3))
    parts = np.array_split(np.arange(len(metrics["steps"])), bins)
    steps, rows = np.cumsum(metrics["steps"]), []
    for part in parts:
        episodes = metrics["episodes"][part].sum() if len(part) else 0
        if episodes:
            mean = float(metrics["returns"][part].sum()) / episodes
            rows.append((steps[part[-1]], episodes, mean))
    return np.asarray(rows, float).reshape(-1, 3)


def _print_next(out: str) -> None:
    line("")
    line(Text("Next:", "bold"))
    for command, words in (
        (f"catallax evaluate {out}", "play it greedily"),
        (f"catallax inspect {out}", "who earned what"),
        (f"catallax audit {out}", "check the books"),
        (f"catallax report {out}", "one page about it all"),
    ):
        line(f"  {command:<{len(out) + 20}}  {words}")


def _agents_table(records: Sequence["AgentRecord"], title: str, width: int) -> Table:
    heads = ("agent", "t"), ("does", "t"), ("wealth", "n"), ("wins", "n"), ("paid", "n")
    more = ("resold", "n"), ("rewards", "n"), ("capital", "n"), ("wins now", "n")
    roomy = width >= ROOMY
    rows = table(*heads, *more, *([("where", "w")] if roomy else []), title=title)
    for one in records:
        rows.add_row(
            f"{escape(one.species)} {one.id}",
            escape(one.does),
            *(credits(one.wealth_ticks), f"{one.wins:,}", credits(one.paid_ticks)),
            *(credits(one.resold_ticks), credits(one.rewards_ticks), credits(one.capital_ticks)),
            f"{100 * one.share_won:.0f} %",
            *([escape(one.wins_where)] if roomy else []),
        )
    return rows


def evaluated(facts: dict[str, Any]) -> None:
    """Prints what an evaluation came to."""
    line(
        f"{facts['world']}: {facts['episodes']:,} greedy episodes, mean return "
        f"{facts['return_mean']:,.4g} ± {facts['return_std']:,.4g}"
    )
    rows = table(("mean", "n"), ("std", "n"), ("min", "n"), ("max", "n"), ("mean length", "n"))
    names = ("return_mean", "return_std", "return_min", "return_max", "length_mean")
    rows.add_row(*(f"{facts[name]:,.4g}" for name in names))
    console().print(rows)


def agents(records: Sequence["AgentRecord"], living: int, economy: "Economy") -> None:
    """Prints who is who."""
    if not records:
        line("Nobody is alive.")
        return
    title = f"{len(records)} of {living:,} agents, the richest first; amounts in credits"
    out = console()
    out.print(_agents_table(records, title, out.width))
    line(books_line(economy.audit()))


def audited(audit: "Audit") -> None:
    """Prints what an audit found."""
    line(books_line(audit))
    line(f"digest {audit.digest}")
    line(
        f"{audit.segments:,} segments and {audit.accounts:,} accounts, replayed from the first "
        "transfer on"
    )
    rows = table(("reason", "t"), ("turnover, credits", "n"))
    for reason, total in sorted(audit.totals.items(), key=lambda item: -item[1]["turnover"]):
        rows.add_row(reason, credits(total["turnover"]))
    console().print(rows)
    if audit.goods:
        _print_goods(audit.goods)


def _print_goods(goods: dict[str, dict[str, int]]) -> None:
    reasons = list(dict.fromkeys(why for by_reason in goods.values() for why in by_reason))
    title = "Goods that all holders received, quanta"
    rows = table(("good", "t"), *((reason, "n") for reason in reasons), title=title)
    for good, by_reason in goods.items():
        rows.add_row(escape(good), *(f"{by_reason.get(reason, 0):,}" for reason in reasons))
    console().print(rows)
