"""A Sankey picture as SVG: who passes how much to whom, the thicker the more."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from catallax._report._charts import number

WIDTH, NODE, GAP, MARGIN = 960, 12, 22, 18
LABEL = 90
LAYER_HEIGHT = 46
LINKS_MAX = 90
SWEEPS = 6


class Link(NamedTuple):
    """So much that passes from one node to another; nodes are numbers."""

    source: int
    target: int
    amount: float


@dataclass(frozen=True)
class Node:
    """Something that passes on what it gets.

    Attributes:
        name: For its label.
        style: The class that gives it colour.
    """

    name: str
    style: str


class Box(NamedTuple):
    """Where a node lies on the drawing."""

    x: float
    y: float
    height: float


def sankey(nodes: Sequence[Node], links: Iterable[Link], title: str, unit: str) -> str:
    """Draws flows from left to right; what goes round in a circle is drawn backwards.

    Args:
        nodes: All of them; those that nothing passes are left out.
        links: Amounts above 0; the 90 largest are drawn.
        title: What is to be seen, for those who cannot see it.
        unit: What amounts are, for tooltips.

    Returns:
        An SVG element.

    Example:
        >>> drawing = sankey([Node("a", "p0"), Node("b", "p1")], [Link(0, 1, 2.0)], "flows", "t")
        >>> drawing.count("<path"), drawing.count("<rect")
        (1, 2)
    """
    drawn = sorted(links, key=lambda link: -link.amount)[:LINKS_MAX]
    layer = layers(drawn)
    columns = ordered(layer, drawn)
    height = max(300, LAYER_HEIGHT * max(len(column) for column in columns))
    boxes = _boxes(columns, drawn, height)
    bands = _bands(drawn, boxes, nodes, unit)
    marks = [_mark(nodes[one], box) for one, box in boxes.items()]
    said = escape(title, quote=True)
    return (
        f'<svg class="sankey" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}">'
        f"<title>{said}</title>{''.join(bands)}{''.join(marks)}</svg>"
    )


def layers(links: Sequence[Link]) -> dict[int, int]:
    """Returns the column of every node: one right of the last that passes it something.

    Links that close a circle of larger ones do not count.

    Example:
        >>> layers([Link(0, 1, 3.0), Link(1, 2, 2.0), Link(2, 1, 1.0)])
        {0: 0, 1: 1, 2: 2}
    """
    onward: dict[int, list[int]] = {node: [] for link in links for node in link[:2]}
    for link in sorted(links, key=lambda one: -one.amount):
        if link.source not in _reached(onward, link.target):
            onward[link.source].append(link.target)
    column = dict.fromkeys(onward, 0)
    for _ in onward:  # as often as the longest chain is long
        for node, targets in onward.items():
            column |= {to: max(column[to], column[node] + 1) for to in targets}
    return column


def _reached(onward: dict[int, list[int]], start: int) -> set[int]:
    reached, fresh = {start}, [start]
    while fresh:
        new = {to for to in onward[fresh.pop()]} - reached
        reached |= new
        fresh += new
    return reached


def ordered(layer: dict[int, int], links: Sequence[Link]) -> list[list[int]]:
    """Returns the nodes of every column, top down, so that few links cross.

    Each node goes where the mean of its neighbours is, a few times over.
    """
    columns: list[list[int]] = [[] for _ in range(max(layer.values()) + 1)]
    for node, column in layer.items():
        columns[column].append(node)
    near: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for source, target, amount in links:
        near[source].append((target, amount))
        near[target].append((source, amount))
    for _ in range(SWEEPS):
        place = {
            node: (row + 0.5) / len(column) for column in columns for row, node in enumerate(column)
        }
        for column in columns:
            column.sort(key=lambda node: _mean(place, near[node]))
    return columns


def _mean(place: dict[int, float], near: list[tuple[int, float]]) -> float:
    weight = sum(amount for _, amount in near)
    return sum(place[node] * amount for node, amount in near) / weight


def _boxes(columns: list[list[int]], links: Sequence[Link], height: float) -> dict[int, Box]:
    passed: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for link in links:
        passed[link.source][0] += link.amount
        passed[link.target][1] += link.amount
    size = {node: max(both) for node, both in passed.items()}
    room = [height - 2 * MARGIN - GAP * (len(column) - 1) for column in columns]
    scale = min(
        space / sum(size[node] for node in column)
        for space, column in zip(room, columns, strict=True)
    )
    step = (WIDTH - 2 * MARGIN - LABEL - NODE) / max(len(columns) - 1, 1)
    boxes = {}
    for index, column in enumerate(columns):
        used = sum(size[node] for node in column) * scale + GAP * (len(column) - 1)
        y = (height - used) / 2
        for node in column:
            boxes[node] = Box(MARGIN + index * step, y, size[node] * scale)
            y += size[node] * scale + GAP
    return boxes


def _bands(
    links: Sequence[Link], boxes: dict[int, Box], nodes: Sequence[Node], unit: str
) -> list[str]:
    """Draws links; at each node those to higher nodes lie higher."""
    total: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for link in links:
        total[link.source][0] += link.amount
        total[link.target][1] += link.amount
    scale = {node: boxes[node].height / max(both) for node, both in total.items()}
    leaves = {node: boxes[node].y for node in boxes}
    arrives = dict(leaves)
    thick = {link: link.amount * scale[link.source] for link in links}
    start, end = {}, {}
    for link in sorted(links, key=lambda one: (boxes[one.target].y, boxes[one.target].x)):
        start[link] = leaves[link.source] + thick[link] / 2
        leaves[link.source] += thick[link]
    for link in sorted(links, key=lambda one: (boxes[one.source].y, boxes[one.source].x)):
        end[link] = arrives[link.target] + thick[link] / 2
        arrives[link.target] += thick[link]
    return [
        _band(link, boxes, start[link], end[link], max(thick[link], 0.6), nodes, unit)
        for link in links
    ]


def _band(
    link: Link,
    boxes: dict[int, Box],
    start: float,
    end: float,
    thick: float,
    nodes: Sequence[Node],
    unit: str,
) -> str:
    left, right = boxes[link.source].x + NODE, boxes[link.target].x
    bend = max(abs(right - left) / 2, 40)
    said = f"{nodes[link.source].name} → {nodes[link.target].name}: {number(link.amount)} {unit}"
    style = nodes[link.target if nodes[link.source].style == "p0" else link.source].style
    return (
        f'<path class="band {style}" stroke-width="{thick:.1f}" d="M{left:.1f},{start:.1f} '
        f'C{left + bend:.1f},{start:.1f} {right - bend:.1f},{end:.1f} {right:.1f},{end:.1f}">'
        f"<title>{escape(said)}</title></path>"
    )


def _mark(node: Node, box: Box) -> str:
    return (
        f'<rect class="node {node.style}" x="{box.x:.1f}" y="{box.y:.1f}" width="{NODE}" '
        f'height="{max(box.height, 1):.1f}"/>'
        f'<text class="word" x="{box.x:.1f}" y="{box.y - 4:.1f}">{escape(node.name)}</text>'
    )
