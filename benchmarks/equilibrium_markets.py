"""Markets for the benchmarks of equilibrium, in NumPy alone, and files of them.

A market is a dictionary: `money`, `supply [m]`, `wealth [n]` and `families`, a list of kinds and
the arrays that describe them, named as the fields of `catallax.valuations`. The same seed gives the
same market. Nothing here needs JAX: the peers read these files with a Python of their own.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Plain = dict[str, Any]

DEGREE_ONE = ("linear", "ces", "complements", "cobb", "leontief")
"""Kinds whose worth is of degree 1: with these, budgets leave the programme convex."""

CURVED = ("quadratic", "log", "pieces", "coupled", "root")
LAWS = ("uniform", "lognormal", "low rank")
MONEY = ("none", "cap", "budget", "fisher")
THETAS = (0.05, 0.2, 1.0, 5.0)
"""Money there is, as a share of what all goods are worth at equal shares: starved to rich."""

SMALL, MEDIUM = ((4, 3), (10, 8)), ((30, 20),)
GAO_KROER = ((50, 100), (100, 200), (200, 400))
"""Twice as many goods as agents, as Gao and Kroer measured."""

MIXTURES = (("linear", "ces"), ("linear", "leontief", "cobb"), ("complements", "cobb", "linear"))
CONCAVE_MIXTURES = (("linear", "log"), ("quadratic", "leontief", "ces"), ("pieces", "cobb"))
PIECES = 3


class Cell(NamedTuple):
    """Markets of one cell share one compiled program."""

    kinds: tuple[str, ...]
    money: str
    agents: int
    goods: int


def tier_one() -> list[tuple[Cell, float]]:
    """Returns every cell with a guarantee, and its weight in a draw."""
    cells = []
    for money in MONEY:
        convex_always = money in ("none", "cap")
        single = DEGREE_ONE + (CURVED if convex_always else ())
        mixed = MIXTURES + (CONCAVE_MIXTURES if convex_always else ())
        for kinds in [*((kind,) for kind in single), *mixed]:
            shapes = [(shape, 1.0) for shape in SMALL]
            if kinds in (("linear",), ("ces",), ("leontief",), ("linear", "ces")):
                shapes += [(shape, 0.1) for shape in MEDIUM]
            if kinds == ("linear",):
                # plain goods are where markets are large
                shapes = [(shape, 3 * weight) for shape, weight in shapes]
                shapes += [((100, 8), 0.5), ((100, 64), 0.05), ((2, 1), 1.0)]
            if (kinds, money) == (("linear",), "budget"):
                shapes += [(shape, 0.1) for shape in GAO_KROER]
            cells += [(Cell(kinds, money, *shape), weight) for shape, weight in shapes]
    return cells


def matrix(rng: np.random.Generator, law: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns positive numbers about 1 by one of the three laws."""
    if law == "uniform":
        return rng.uniform(0.0, 2.0, shape) + 1e-3
    if law == "lognormal":
        return rng.lognormal(0.0, 1.0, shape)
    left, right = rng.uniform(0, 1, (shape[0], 3)), rng.uniform(0, 1, (3, shape[1]))
    return left @ right * rng.uniform(0.95, 1.05, shape) + 1e-3


def family(
    rng: np.random.Generator, kind: str, law: str, shape: tuple[int, int], sparse: bool
) -> Plain:
    """Returns the arrays of one family."""
    n, m = shape
    values = matrix(rng, law, shape)
    if sparse and m > 1:
        values = np.where(rng.uniform(size=shape) < 0.3, 0.0, values)
        values[np.arange(n), rng.integers(0, m, n)] = 1.0  # everybody wants something
        values[rng.integers(0, n, m), np.arange(m)] = 1.0  # and everything is wanted
    if kind in ("linear", "leontief"):
        return {"values" if kind == "linear" else "needs": values}
    if kind in ("ces", "complements"):
        few = (0.25, 0.5, 0.8, 0.95) if kind == "ces" else (-0.5, -1.0, -3.0)
        scale = rng.uniform(0.5, 2.0, n) if kind == "complements" else np.ones(n)
        return {"weights": values, "rho": rng.choice(few, n), "scale": scale}
    if kind == "cobb":
        shares = values / values.sum(axis=1, keepdims=True)
        return {"shares": shares, "scale": rng.uniform(0.5, 2.0, n) * m}
    if kind == "quadratic":
        return {"slopes": values, "curvatures": matrix(rng, law, shape)}
    if kind == "log":
        return {"scales": values, "offsets": rng.uniform(0.2, 2.0, shape)}
    if kind == "pieces":
        falls = np.sort(rng.uniform(0, 1, (n, m, PIECES)), axis=2)[..., ::-1]
        return {
            "slopes": values[..., None] * falls,
            "widths": rng.uniform(0.05, 1.0, (n, m, PIECES)),
        }
    if kind == "coupled":
        half = rng.normal(size=(n, m, m)) / np.sqrt(m)
        return {"slopes": values, "curvatures": half @ half.transpose(0, 2, 1)}
    return {"values": values}


def market(seed: int, cell: Cell, law: str, theta: float, sparse: bool = False) -> Plain:
    """Returns the market of a seed in a cell, of one law and so rich.

    Supply runs from 0.3 to 3 and more of it where there are more agents; wealth is spread by the
    law, and in all theta times what everyone would bid for an equal share.
    """
    rng = np.random.default_rng([seed, *map(ord, law)])
    sizes = split(cell.agents, len(cell.kinds))
    families = [
        (kind, family(rng, kind, law, (size, cell.goods), sparse))
        for kind, size in zip(cell.kinds, sizes, strict=True)
    ]
    supply = rng.uniform(0.3, 3.0, cell.goods) * max(1.0, cell.agents / cell.goods) ** 0.5
    wealth = matrix(rng, law, (cell.agents, 1))[:, 0] + 0.05
    plain = {"money": cell.money, "supply": supply, "wealth": wealth, "families": families}
    if cell.money != "none":
        even = np.broadcast_to(supply / cell.agents, (cell.agents, cell.goods))
        plain["wealth"] = wealth * theta * worth(plain, even).sum() / wealth.sum()
    return plain


def gao_kroer(seed: int, agents: int, law: str = "uniform") -> Plain:
    """Returns a market of the family of Gao and Kroer (2020): twice as many goods as agents.

    Budgets and values are drawn alike, supply is 1 each, and money adds up to half of the goods.
    """
    rng = np.random.default_rng([seed, agents, *map(ord, law)])
    wealth = rng.uniform(0.1, 1.1, agents)
    values = matrix(rng, law, (agents, 2 * agents))
    return {
        "money": "budget",
        "supply": np.ones(2 * agents),
        "wealth": wealth * agents / wealth.sum(),
        "families": [("linear", {"values": values})],
    }


def draw(count: int, seed: int = 0) -> list[tuple[Cell, Plain, str]]:
    """Returns so many markets over all cells, laws and riches, each with words to find it again."""
    cells, weights = zip(*tier_one(), strict=True)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(cells), count, p=np.array(weights) / sum(weights)))
    drawn = []
    for number, index in enumerate(chosen):
        cell, own = cells[index], seed * 1_000_003 + number
        law, theta = LAWS[rng.integers(3)], THETAS[rng.integers(4)]
        sparse = bool(rng.integers(4) == 0)
        if (cell.agents, cell.goods) in GAO_KROER:
            words = f"gao_kroer({own}, {cell.agents}, {law!r})"
            drawn.append((cell, gao_kroer(own, cell.agents, law), words))
            continue
        words = f"market({own}, {tuple(cell)}, {law!r}, {theta}, {sparse})"
        drawn.append((cell, market(own, cell, law, theta, sparse), words))
    return drawn


def split(agents: int, parts: int) -> list[int]:
    """Returns sizes as even as can be."""
    return [agents // parts + (part < agents % parts) for part in range(parts)]


def worth(plain: Plain, bundles: np.ndarray) -> np.ndarray:
    """Returns `[n]`, what bundles are worth, by the textbook formulas."""
    worths, first = [], 0
    with np.errstate(divide="ignore", invalid="ignore"):
        for kind, arrays in plain["families"]:
            size = len(next(iter(arrays.values())))
            worths.append(WORTHS[kind](bundles[first : first + size], **arrays))
            first += size
    return np.concatenate(worths)


def _ces(x: np.ndarray, weights: np.ndarray, rho: np.ndarray, scale: np.ndarray) -> np.ndarray:
    # below ρ = 0 nothing of a wanted good is worth nothing: a sum of infinity to a power below 0
    powers = np.where(weights > 0, weights * np.maximum(x, 0) ** rho[:, None], 0)
    return scale * powers.sum(axis=1) ** (1 / rho)


def _pieces(x: np.ndarray, slopes: np.ndarray, widths: np.ndarray) -> np.ndarray:
    starts = np.cumsum(widths, axis=2) - widths
    return (slopes * np.clip(x[..., None] - starts, 0, widths)).sum(axis=(1, 2))


WORTHS: dict[str, Any] = {
    "linear": lambda x, values: (values * x).sum(axis=1),
    "ces": _ces,
    "complements": _ces,
    "cobb": lambda x, shares, scale: scale * np.prod(np.maximum(x, 0) ** shares, axis=1),
    "leontief": lambda x, needs: np.where(needs > 0, x / needs, np.inf).min(axis=1),
    "quadratic": lambda x, slopes, curvatures: (slopes * x - curvatures * x**2 / 2).sum(axis=1),
    "log": lambda x, scales, offsets: (scales * np.log1p(x / offsets)).sum(axis=1),
    "pieces": _pieces,
    "coupled": lambda x, slopes, curvatures: (
        (slopes * x).sum(axis=1) - np.einsum("ij,ijk,ik->i", x, curvatures, x) / 2
    ),
    "root": lambda x, values: np.sqrt(1 + (values * x).sum(axis=1)) - 1,
}


def objective(plain: Plain, bundles: np.ndarray) -> float:
    """Returns the value of the convex programme that the market solves, at some bundles.

    `Σ v` without a limit, `Σ min(v, w)` under a cap, `Σ w log v` in a Fisher market, and with a
    budget `Σ w log(v + δ) − δ` at the best δ, the money left over.
    """
    value, wealth = worth(plain, bundles), plain["wealth"]
    if plain["money"] == "none":
        return float(value.sum())
    if plain["money"] == "cap":
        return float(np.minimum(value, wealth).sum())
    with np.errstate(divide="ignore"):
        if plain["money"] == "fisher":
            return float((wealth * np.log(value)).sum())
        spare = np.maximum(wealth - value, 0.0)
        return float((wealth * np.log(value + spare) - spare).sum())


def within_supply(plain: Plain, bundles: np.ndarray) -> np.ndarray:
    """Returns bundles of which none is below 0 and which do not add up to more than there is."""
    bundles = np.maximum(bundles, 0.0)
    return bundles * np.minimum(1.0, plain["supply"] / np.maximum(bundles.sum(axis=0), 1e-300))


def stake(plain: Plain, bundles: np.ndarray) -> float:
    """Returns the money against which a difference of objectives is measured."""
    value, wealth = worth(plain, bundles), plain["wealth"]
    if plain["money"] == "fisher":
        return float(wealth.sum())
    return float((value if plain["money"] == "none" else np.minimum(value, wealth)).sum())


def save(path: Path, markets: list[Plain]) -> None:
    """Writes markets to a file that needs no pickle."""
    arrays: dict[str, Any] = {"count": np.array(len(markets))}
    for i, plain in enumerate(markets):
        arrays[f"{i}/money"] = np.array(plain["money"])
        arrays[f"{i}/supply"], arrays[f"{i}/wealth"] = plain["supply"], plain["wealth"]
        for j, (kind, fields) in enumerate(plain["families"]):
            for name, values in fields.items():
                arrays[f"{i}/{j}/{kind}/{name}"] = values
    np.savez(path, **arrays)


def load(path: Path) -> list[Plain]:
    """Reads what `save` wrote."""
    with np.load(path) as file:
        markets: list[Plain] = [{"families": {}} for _ in range(int(file["count"]))]
        for name in file.files:
            index, *rest = name.split("/")
            if len(rest) == 1:
                values = file[name]
                markets[int(index)][rest[0]] = str(values) if rest[0] == "money" else values
            elif len(rest) == 3:
                fields = markets[int(index)]["families"].setdefault((int(rest[0]), rest[1]), {})
                fields[rest[2]] = file[name]
    for plain in markets:
        ordered = sorted(plain["families"].items(), key=lambda entry: entry[0][0])
        plain["families"] = [(kind, fields) for (_, kind), fields in ordered]
    return markets
