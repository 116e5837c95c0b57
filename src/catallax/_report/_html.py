"""Pieces of a page: tables, figures, legends. What comes from a run is escaped here."""

from collections.abc import Sequence
from html import escape

import numpy as np

from catallax._report._charts import number


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str, kinds: str) -> str:
    """Writes a table that scrolls sideways on a narrow screen.

    Args:
        heads: Of the columns, plain text.
        rows: Of cells, HTML.
        caption: Plain text.
        kinds: A letter a column: `n` numbers, `t` text, `s` short text, `w` long text, `h` the
            name of the row.

    Returns:
        An HTML element.
    """
    head = "".join(
        f'<th scope="col" class="{kind}">{escape(word)}</th>'
        for word, kind in zip(heads, kinds, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(_cell(c, kind) for c, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        '<div class="scroll" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></figure>"
    )


def _cell(content: str, kind: str) -> str:
    if kind == "h":
        return f'<th scope="row" class="h">{content}</th>'
    return f'<td class="{kind}">{content}</td>'


def figure(drawing: str, caption: str, legend: Sequence[tuple[str, str]] = ()) -> str:
    """Writes a drawing with a legend above and words below.

    Args:
        drawing: HTML.
        caption: HTML.
        legend: Names, and the class that gives each its colour.

    Returns:
        An HTML element.
    """
    keys = "".join(
        f'<span><i class="key {style}"></i>{escape(name)}</span>' for name, style in legend
    )
    above = f'<div class="legend">{keys}</div>' if legend else ""
    below = f"<figcaption>{caption}</figcaption>"
    return f'<figure>{above}<div class="drawing">{drawing}</div>{below}</figure>'


def section(name: str, title: str, *content: str) -> str:
    """Writes a section with a heading."""
    return f'<section id="{name}"><h2>{escape(title)}</h2>{"".join(content)}</section>'


def paragraph(text: str) -> str:
    """Writes a paragraph of HTML."""
    return f"<p>{text}</p>"


def bar(share: float) -> str:
    """Writes a thin bar whose length is a share of 1."""
    return f'<span class="meter" aria-hidden="true"><b style="width:{100 * share:.1f}%"></b></span>'


def heat_table(names: Sequence[str], counts: np.ndarray, value: np.ndarray, caption: str) -> str:
    """Writes a matrix whose cells are the darker the larger they are.

    Args:
        names: Of rows and columns.
        counts: int `[rows, columns]`.
        value: float `[rows, columns]`, said beside the count.
        caption: Plain text.

    Returns:
        An HTML element.
    """
    largest = max(int(counts.max()), 1)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = []
    for name, line, worth in zip(names, counts.tolist(), value.tolist(), strict=True):
        cells = "".join(_heat(n, v, n / largest) for n, v in zip(line, worth, strict=True))
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        '<div class="scroll" tabindex="0"><table class="heat">'
        f'<thead><tr><th scope="col">buys ↓ · sells →</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></figure>"
    )


def _heat(count: int, value: float, share: float) -> str:
    if not count:
        return '<td class="none">·</td>'
    strong = " strong" if share > 0.55 else ""
    return (
        f'<td class="warm{strong}" style="--share:{100 * share**0.6:.0f}%">{count:,}'
        f"<small>{number(value)} cr</small></td>"
    )
