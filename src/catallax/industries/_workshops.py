"""Linear programmes of workshops that share resources, drawn at random."""

import numpy as np

from ._mps import Column, LinearProgramme, Row

RESOURCES = ("timber", "hours", "iron", "power")
PARTS = ("frames", "fittings", "panels", "wheels")
ARTICLES = ("chairs", "carts", "doors")
CHOICES = ("plain", "thrifty", "quick")


def workshops(seed: int) -> LinearProgramme:
    """Draws a linear programme: parts of shared resources, articles of parts, a profit to maximise.

    For every part there are three techniques, which differ in what they spare; for every article
    two, with an upper bound on one of them; and two parts can be sold as they are.

    Args:
        seed: Of all that is drawn.

    Returns:
        The programme: 8 rows and 20 columns, each of them a resource or a technique.

    Example:
        >>> programme = workshops(0)
        >>> len(programme.rows), len(programme.columns), programme.maximise
        (8, 20, True)

    Source: the form is that of Koopmans (1951), Activity analysis of production and allocation,
    chapter 3.
    """
    draw = np.random.default_rng([6, seed])
    rows = [Row(name, "L", float(draw.uniform(40.0, 90.0))) for name in RESOURCES]
    rows += [Row(name, "L", 0.0) for name in PARTS]
    columns = [_part(draw, part, choice) for part in PARTS for choice in CHOICES]
    columns += [_article(draw, article, number) for article in ARTICLES for number in range(2)]
    for part in draw.choice(PARTS, 2, replace=False):
        bound, gain = float(draw.uniform(3.0, 8.0)), float(draw.uniform(0.5, 2.0))
        columns.append(Column(f"sell {part}", gain, ((str(part), 1.0),), 0.0, bound))
    return LinearProgramme(f"workshops {seed}", "profit", True, tuple(rows), tuple(columns))


def _part(draw: np.random.Generator, part: str, choice: str) -> Column:
    used = draw.choice(len(RESOURCES), 2, replace=False)
    spared = {"plain": (1.0, 1.0), "thrifty": (0.5, 1.8), "quick": (1.6, 0.6)}[choice]
    entries = [
        (RESOURCES[row], float(share * draw.uniform(0.6, 1.4)))
        for row, share in zip(used, spared, strict=True)
    ]
    cost = -float(draw.uniform(0.0, 0.3))
    return Column(f"{choice} {part}", cost, (*entries, (part, -1.0)), 0.0, float("inf"))


def _article(draw: np.random.Generator, article: str, number: int) -> Column:
    parts = draw.choice(PARTS, 2, replace=False)
    entries = [(str(part), float(draw.uniform(0.5, 2.0))) for part in parts]
    entries.append(("hours", float(draw.uniform(0.2, 1.0))))
    most = float("inf") if number else float(draw.uniform(4.0, 12.0))
    gain = float(draw.uniform(6.0, 14.0))
    return Column(f"{article} {number + 1}", gain, tuple(entries), 0.0, most)
