"""The page: sections in the order in which a reader asks."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from catallax._economy import Economy
from catallax._errors import CannotWrite
from catallax._journal import Audit
from catallax._report import _wide_page as _wide
from catallax._report._charts import number
from catallax._report._facts import Facts, final_return, gather
from catallax._report._html import section
from catallax._report._learned import learned, realised
from catallax._report._money import books, rules, trades, wealth, who_is_who, wide_books
from catallax._report._wide_facts import WideFacts, gather_wide
from catallax._report._wide_words import GLOSSARY as WIDE_GLOSSARY
from catallax._report._words import GLOSSARY
from catallax.wide import WideEconomy

CONTENTS = (
    ("learned", "What it learned"),
    ("wealth", "Who got rich"),
    ("agents", "Who is who"),
    ("prices", "Were prices right?"),
    ("trades", "Who trades with whom"),
    ("books", "The books"),
    ("rules", "The rules"),
    ("words", "The words"),
)


WIDE_CONTENTS = (
    ("value", "What it is worth"),
    ("prices", "Prices"),
    ("flows", "Who makes what for whom"),
    ("agents", "Who is who"),
    ("books", "The books"),
    ("stocks", "The goods"),
    ("rules", "The rules"),
    ("words", "The words"),
)


def write_report(economy: Economy | WideEconomy, path: str | Path) -> Path:
    """Writes a page about an economy that needs no network and no other file.

    It audits the books, then watches some greedy episodes, so it takes a few seconds.

    Args:
        economy: A run.
        path: Of the HTML file; its folder is made if it is not there.

    Returns:
        The path.

    Raises:
        AuditFailed: If the chain of the journal is broken.
        CannotWrite: If the file cannot be written.

    Example:
        >>> import tempfile, catallax as cx
        >>> economy = cx.train(cx.worlds.Chain(), steps=2_000, seed=0)
        >>> write_report(economy, tempfile.mkdtemp() + "/report.html").name
        'report.html'
    """
    is_one = isinstance(economy, WideEconomy)
    page = wide_page_of(gather_wide(economy)) if is_one else page_of(gather(economy))
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(
            f"The report could not be written to {path}.",
            f"The system says: {error.strerror or error}.",
            "Name a place where you may write, and where there is room.",
        ) from error
    return path


def page_of(facts: Facts) -> str:
    """Returns the whole page.

    Args:
        facts: From `gather`.

    Returns:
        HTML.
    """
    parts = (learned, wealth, who_is_who, realised, trades, books, rules)
    body = "".join(part(facts) for part in parts)
    header = _header(facts.world, facts.audit, _tiles(facts), CONTENTS)
    return _framed(facts.world, header, body + _glossary(GLOSSARY))


def wide_page_of(facts: WideFacts) -> str:
    """Returns the whole page about a wide market.

    Args:
        facts: From `gather_wide`.

    Returns:
        HTML.
    """
    ran = (_wide.value, _wide.prices, _wide.goods_flows) if facts.economy.steps else ()
    parts = (*ran, _wide.who, wide_books, _wide.stocks, _wide.rules)
    body = "".join(part(facts) for part in parts)
    contents = WIDE_CONTENTS if ran else WIDE_CONTENTS[3:]
    title = facts.economy.title
    header = _header(title, facts.audit, _wide_tiles(facts), contents)
    return _framed(title, header, body + _glossary(WIDE_GLOSSARY))


def _framed(title: str, header: str, body: str) -> str:
    style = files("catallax._report").joinpath("style.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)} · Catallax report</title>'
        f"<style>{style}</style></head><body>{header}<main>{body}</main>"
        "<footer>Made by <code>catallax report</code>. One file: it needs no network, and may be "
        "sent by mail.</footer></body></html>\n"
    )


def _header(title: str, audit: Audit, tiles: str, contents: Sequence[tuple[str, str]]) -> str:
    links = "".join(f'<a href="#{name}">{words}</a>' for name, words in contents)
    return (
        f'<header><p class="eyebrow">Catallax · report of a run</p><h1>{escape(title)}</h1>'
        f"{_badge(audit)}"
        f'<code class="digest">digest {audit.digest}</code>{tiles}'
        f'<nav aria-label="Contents">{links}</nav></header>'
    )


def _badge(audit: Audit) -> str:
    if audit.balanced:
        return (
            f'<span class="badge good">✓ balanced: {audit.transfers:,} transfers, '
            f"not a tick{' or a quantum' if audit.goods else ''} lost</span>"
        )
    if audit.drift_quanta:
        return (
            f'<span class="badge bad">✗ not balanced: off by {audit.drift_quanta:,} quanta</span>'
        )
    return f'<span class="badge bad">✗ not balanced: off by {audit.drift_ticks:,} ticks</span>'


def _tiles(facts: Facts) -> str:
    economy, watched = facts.economy, facts.watched
    trained = final_return(facts.metrics)
    greedy = number(float(watched.returns.mean())) if len(watched.returns) else "–"
    tiles = (
        (number(trained) if trained is not None else "–", "mean return at the end of training"),
        (greedy, f"mean return of {len(watched.returns)} greedy episodes"),
        (f"{economy.steps:,}", f"steps in {economy.worlds} worlds"),
        (f"{len(facts.agents):,}", "agents alive"),
        (str(economy.seed), "seed"),
    )
    return _tiled(tiles)


def _wide_tiles(facts: WideFacts) -> str:
    economy, industry = facts.economy, facts.economy.market.industry
    best = facts.planner_value
    return _tiled(
        (
            ("–" if facts.value is None else number(facts.value), "value, credits a step of late"),
            ("–" if best is None else number(best), "the planner's"),
            ("–" if facts.share is None else f"{100 * facts.share:.2f} %", "of the planner's"),
            (f"{economy.steps:,}", "steps"),
            (f"{len(industry.goods):,}", "goods"),
            (f"{sum(one.alive for one in facts.holders):,}", "holders in the market"),
        )
    )


def _tiled(tiles: Sequence[tuple[str, str]]) -> str:
    cells = (
        f'<div class="tile"><b>{value}</b><span>{words}</span></div>' for value, words in tiles
    )
    return f'<div class="tiles">{"".join(cells)}</div>'


def _glossary(words: Sequence[tuple[str, str]]) -> str:
    terms = "".join(f"<dt>{term}</dt><dd>{meaning}</dd>" for term, meaning in words)
    return section("words", "The words", f"<dl>{terms}</dl>")
