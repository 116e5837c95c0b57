"""The page: sections in the order in which a reader asks."""

from html import escape
from importlib.resources import files
from pathlib import Path

from catallax._economy import Economy
from catallax._errors import CannotWrite
from catallax._report._charts import number
from catallax._report._facts import Facts, final_return, gather
from catallax._report._html import section
from catallax._report._learned import learned, realised
from catallax._report._money import books, rules, trades, wealth, who_is_who
from catallax._report._words import GLOSSARY

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


def write_report(economy: Economy, path: str | Path) -> Path:
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
    path, page = Path(path), page_of(gather(economy))
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
    style = files("catallax._report").joinpath("style.css").read_text("utf-8")
    parts = (learned, wealth, who_is_who, realised, trades, books, rules)
    body = "".join(part(facts) for part in parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(facts.world)} · Catallax report</title>'
        f"<style>{style}</style></head><body>{_header(facts)}<main>{body}{_glossary()}</main>"
        "<footer>Made by <code>catallax report</code>. One file: it needs no network, and may be "
        "sent by mail.</footer></body></html>\n"
    )


def _header(facts: Facts) -> str:
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title in CONTENTS)
    return (
        f'<header><p class="eyebrow">Catallax · report of a run</p><h1>{escape(facts.world)}</h1>'
        f"{_badge(facts)}"
        f'<code class="digest">digest {facts.audit.digest}</code>{_tiles(facts)}'
        f'<nav aria-label="Contents">{links}</nav></header>'
    )


def _badge(facts: Facts) -> str:
    audit = facts.audit
    if audit.balanced:
        return (
            f'<span class="badge good">✓ balanced: {audit.transfers:,} transfers, '
            "not a tick lost</span>"
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
    cells = (
        f'<div class="tile"><b>{value}</b><span>{words}</span></div>' for value, words in tiles
    )
    return f'<div class="tiles">{"".join(cells)}</div>'


def _glossary() -> str:
    terms = "".join(f"<dt>{term}</dt><dd>{meaning}</dd>" for term, meaning in GLOSSARY)
    return section("words", "The words", f"<dl>{terms}</dl>")
