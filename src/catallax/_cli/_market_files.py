"""Markets in files: JSON, NumPy's .npz, and Parquet for linear values. Read whole or not at all."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, cast, get_args
from zipfile import BadZipFile

import numpy as np

from catallax._errors import InvalidMarket
from catallax.clearing.equilibrium import valuations as families
from catallax.clearing.equilibrium._market import Money

FAMILIES = {
    "linear": families.Linear,
    "ces": families.CES,
    "cobb-douglas": families.CobbDouglas,
    "leontief": families.Leontief,
    "quadratic": families.Quadratic,
    "logarithmic": families.Logarithmic,
    "piecewise-linear": families.PiecewiseLinear,
    "piecewise-quadratic": families.PiecewiseQuadratic,
    "bounded-leontief": families.BoundedLeontief,
    "coupled-quadratic": families.CoupledQuadratic,
}
"""What a file may call a family; its arrays are named as the arguments of the class."""

ABOUT = ("goods", "agents", "supply", "wealth", "money", "family", "families")
HELP = "catallax solve --help shows the formats."


@dataclass(frozen=True)
class MarketFile:
    """A market as its file describes it.

    Attributes:
        valuations: What bundles are worth.
        supply: `[goods]`.
        wealth: `[agents]`, or None.
        money: What money means.
        goods: Their names; `good 0` and so on where the file has none.
        agents: Their names; `agent 0` and so on where the file has none.
    """

    valuations: Any
    supply: np.ndarray
    wealth: np.ndarray | None
    money: Money
    goods: tuple[str, ...]
    agents: tuple[str, ...]


def read_market(
    path: str | Path, money: str | None = None, supply: Sequence[float] | None = None
) -> MarketFile:
    """Reads a market.

    Args:
        path: Ends with .json, .npz or .parquet.
        money: What money means; None for what the file says.
        supply: Quantities, or one for every good; None for what the file says.

    Returns:
        The `MarketFile`; that its numbers make a market is checked by who solves it.

    Raises:
        InvalidMarket: If the file is missing, broken, or describes no market.

    Example:
        >>> import json, pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "market.json")
        >>> market = {"family": "linear", "values": [[2.0]], "supply": [1], "money": "none"}
        >>> _ = path.write_text(json.dumps(market))
        >>> read_market(path).goods
        ('good 0',)
    """
    path = Path(path)
    given = _read(path)
    if money is not None:
        given["money"] = money
    valuations = _valuations(path, given)
    goods, agents = valuations.goods, valuations.agents
    if supply is not None:
        given["supply"] = [*supply] * goods if len(supply) == 1 else [*supply]
    wealth = given.get("wealth")
    money = _money(path, given)
    if wealth is None and money != "none":
        _missing(path, "wealth", f"With money={money!r} everybody has some.")
    return MarketFile(
        valuations,
        _vector(path, given, "supply", goods),
        None if wealth is None else _vector(path, given, "wealth", agents),
        money,
        _names(path, given, "goods", goods),
        _names(path, given, "agents", agents),
    )


# --- from bytes to a dictionary of the same form, whatever the format


def _read(path: Path) -> dict[str, Any]:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        _bad(path, "is of an unknown kind", f"Markets are read from {', '.join(READERS)}.")
    try:
        given = reader(path)
    except OSError as error:
        _bad(path, "cannot be read", f"The system says: {error.strerror or error}.")
    except (ValueError, BadZipFile, EOFError, RecursionError) as error:
        _bad(path, "does not hold a market", f"Reading it fails: {_sentence(error)}")
    if not isinstance(given, dict):
        _bad(path, "does not hold a market", "Its top level is not an object of named parts.")
    return given


def _from_json(path: Path) -> Any:
    return json.loads(path.read_bytes(), object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)!r} is given twice")
    return found


def _from_npz(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        archive = np.load(file, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise ValueError("it holds one array without a name")
        flat = {name: archive[name] for name in archive.files}
    given: dict[str, Any] = {}
    parts: dict[int, dict[str, Any]] = {}
    for name, array in flat.items():
        plain = array.tolist() if array.dtype.kind == "U" else array
        head, _, rest = name.partition(".")
        number, _, key = rest.partition(".")
        if head == "families" and number.isdecimal() and key:
            parts.setdefault(int(number), {})[key] = plain
        else:
            given[name] = plain
    return given | ({"families": [parts[one] for one in sorted(parts)]} if parts else {})


def _from_parquet(path: Path) -> dict[str, Any]:
    import pyarrow
    import pyarrow.parquet as parquet

    with open(path, "rb") as file:
        try:
            table = parquet.read_table(file)
        except pyarrow.ArrowException as error:
            raise ValueError(str(error)) from error
    said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    columns: dict[str, Any] = _once(list(zip(table.column_names, table.columns, strict=True)))
    for name, column in columns.items():
        if column.null_count:
            raise ValueError(f"column {name!r} has {column.null_count} empty cells")
    given: dict[str, Any] = {"family": "linear"}
    if "agent" in columns:
        given["agents"] = [str(name) for name in columns.pop("agent").to_pylist()]
    if "wealth" in columns:
        given["wealth"] = columns.pop("wealth").to_numpy()
    if not columns:
        raise ValueError("it has no column of values")
    given |= {"goods": list(columns), "values": _columns(columns)}
    if "money" in said:
        given["money"] = said["money"]
    if "supply" in said:
        supply = json.loads(said["supply"], object_pairs_hook=_once)
        given["supply"] = _by_name(supply, given["goods"]) if isinstance(supply, dict) else supply
    return given


def _columns(columns: Mapping[str, Any]) -> np.ndarray:
    arrays = {name: column.to_numpy() for name, column in columns.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "iuf":
            raise ValueError(f"column {name!r} does not hold numbers")
    return np.column_stack(list(arrays.values()))


def _by_name(supply: Mapping[str, Any], goods: Sequence[str]) -> list[Any]:
    if set(supply) != set(goods):
        odd = sorted(set(supply) ^ set(goods))
        raise ValueError(f"columns and supply do not name the same goods: {', '.join(odd)}")
    return [supply[good] for good in goods]


READERS: dict[str, Callable[[Path], Any]] = {
    ".json": _from_json,
    ".npz": _from_npz,
    ".parquet": _from_parquet,
}


# --- from the dictionary to a market


def _valuations(path: Path, given: Mapping[str, Any]) -> Any:
    if "families" not in given:
        return _family(path, given, ABOUT)
    parts = given["families"]
    _no_others(path, given, ABOUT)
    if given.get("family", "mixed") != "mixed":
        _bad(path, "has both a family and families", "A market is of one family or of several.")
    if not isinstance(parts, list) or not parts or not all(isinstance(p, dict) for p in parts):
        _bad(path, "has families that are no list of objects", "Each is a family and its arrays.")
    found = tuple(_family(path, part, ("family",)) for part in parts)
    if len({family.goods for family in found}) > 1:
        counts = ", ".join(str(family.goods) for family in found)
        _bad(path, f"has families of {counts} goods", "All agents are on one market.")
    return families.Mixed(found)


def _family(path: Path, given: Mapping[str, Any], also: Sequence[str]) -> Any:
    if "family" not in given:
        _missing(path, "family", f"It is one of {', '.join(FAMILIES)}.")
    kind = FAMILIES.get(given["family"]) if isinstance(given["family"], str) else None
    if kind is None:
        known = f"Families are {', '.join(FAMILIES)}, and several as families."
        _bad(path, f"has the family {given['family']!r}", known)
    parts = [part for part in fields(kind) if part.metadata.get("static") is None]
    _no_others(path, given, (*also, *(part.name for part in parts)))
    arrays: dict[str, Any] = {}
    for part in parts:
        if part.name in given:
            arrays[part.name] = _numbers(path, given, part.name)
        elif part.default is MISSING:
            _missing(path, part.name, f"Values of the family {given['family']!r} need it.")
    first = parts[0].name
    wanted = 3 if kind in (families.PiecewiseLinear, families.PiecewiseQuadratic) else 2
    if arrays[first].ndim != wanted:
        words = "agents, goods, pieces" if wanted == 3 else "agents, goods"
        _bad(path, f"has {first} of shape {arrays[first].shape}", f"Its axes are [{words}].")
    return kind(**arrays)


def _numbers(path: Path, given: Mapping[str, Any], name: str) -> np.ndarray:
    value = _endless(given[name]) if name in ("widths", "bounds") else given[name]
    try:
        array = np.asarray(value)
    except ValueError:
        _bad(path, f"has {name} with rows of different lengths", "It is a table of numbers.")
    if array.dtype.kind not in "iuf":
        _bad(path, f"has {name} that are not all numbers", "It is a table of numbers.")
    return array.astype(np.float64)


def _endless(value: Any) -> Any:
    """Returns widths with infinity for null: JSON has no word for a piece without end."""
    if isinstance(value, list):
        return [_endless(one) for one in value]
    return np.inf if value is None else value


def _vector(path: Path, given: Mapping[str, Any], name: str, length: int) -> np.ndarray:
    if name not in given:
        remedy = " Give it with --supply too." if name == "supply" else ""
        _missing(path, name, f"It is a list of {length} numbers.{remedy}")
    array = _numbers(path, given, name)
    if array.shape != (length,):
        of = "goods" if name == "supply" else "agents"
        _bad(path, f"has {name} of shape {array.shape}", f"There are {length} {of}.")
    return array


def _money(path: Path, given: Mapping[str, Any]) -> Money:
    known = get_args(Money)
    if "money" not in given:
        _missing(path, "money", f"It is one of {', '.join(known)}; --money says it too.")
    if given["money"] not in known:
        _bad(path, f"has money {given['money']!r}", f"It is one of {', '.join(known)}.")
    return cast(Money, given["money"])


def _names(path: Path, given: Mapping[str, Any], name: str, length: int) -> tuple[str, ...]:
    if name not in given:
        return tuple(f"{name[:-1]} {number}" for number in range(length))
    names = given[name]
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        _bad(path, f"has {name} that are no list of names", "Each is text.")
    if len(names) != length:
        _bad(path, f"names {len(names)} {name}", f"There are values for {length}.")
    if len(set(names)) < length:
        twice = max(names, key=names.count) if length < 1000 else "one"
        _bad(path, f"names {name} twice, such as {twice!r}", "A name stands for one of them.")
    return tuple(names)


def _no_others(path: Path, given: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, 1)
            meant = f" Did you mean {close[0]!r}?" if close else ""
            _bad(path, f"has a part {name!r}", f"Nothing here goes by that name.{meant}")


def _missing(path: Path, name: str, why: str) -> NoReturn:
    _bad(path, f"has no {name}", why)


def _bad(path: Path, what: str, why: str) -> NoReturn:
    raise InvalidMarket(f"The file {path} {what}.", why, HELP)


def _sentence(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words if words.endswith(".") else f"{words}."
