"""Linear programmes in MPS form, read strictly."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from catallax._errors import BadProgramme

SECTIONS = ("NAME", "OBJSENSE", "ROWS", "COLUMNS", "RHS", "RANGES", "BOUNDS", "ENDATA")
LOWER_AND_UPPER: dict[str, Callable[[float, float, float], tuple[float, float]]] = {
    "UP": lambda low, _, value: (low, value),
    "LO": lambda _, high, value: (value, high),
    "FX": lambda _, __, value: (value, value),
    "FR": lambda _, __, ___: (-math.inf, math.inf),
    "MI": lambda _, high, __: (-math.inf, high),
    "PL": lambda low, _, __: (low, math.inf),
}
WITHOUT_NUMBER = ("FR", "MI", "PL")


@dataclass(frozen=True)
class Row:
    """A constraint of a linear programme.

    Args:
        name: Of the row.
        sense: `"L"` (≤), `"G"` (≥) or `"E"` (=).
        limit: Its right-hand side.

    Example:
        >>> Row("wood", "L", 5.0).sense
        'L'
    """

    name: str
    sense: str
    limit: float


@dataclass(frozen=True)
class Column:
    """A variable of a linear programme.

    Args:
        name: Of the column.
        objective: Its coefficient in the objective.
        entries: Its coefficients in the rows, by name; none twice.
        lower: Its least value.
        upper: Its largest value.

    Example:
        >>> Column("saw", 2.0, (("wood", 1.0),), 0.0, 8.0).upper
        8.0
    """

    name: str
    objective: float
    entries: tuple[tuple[str, float], ...]
    lower: float
    upper: float


@dataclass(frozen=True)
class LinearProgramme:
    r"""A linear programme: the best of `c·x` over rows and bounds.

    Args:
        name: As the file has it.
        objective: The name of the objective row.
        maximise: Whether the best is the largest.
        rows: The constraints.
        columns: The variables.

    Example:
        >>> text = "ROWS\n N gain\n L wood\nCOLUMNS\n x gain 2 wood 1\nRHS\n wood 5\nENDATA"
        >>> read_mps(text).rows[0].limit
        5.0

    Source: Murtagh (1981), Advanced linear programming, chapter 9.
    """

    name: str
    objective: str
    maximise: bool
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]


@dataclass
class _Reading:
    """What has been read so far."""

    name: str = ""
    maximise: bool = False
    objective: str = ""
    senses: dict[str, str] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    columns: dict[str, dict[str, float]] = field(default_factory=dict)
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)


def read_mps(source: str | Path) -> LinearProgramme:
    r"""Reads a linear programme in MPS form, fields separated by blanks.

    It reads what it understands and refuses the rest by line: names with blanks in them, integer
    variables, ranges, and an objective with a constant.

    Args:
        source: A path, or the text itself.

    Returns:
        The programme.

    Raises:
        BadProgramme: If a line is not understood, or the file cannot be read.

    Example:
        >>> text = "ROWS\n N gain\n L wood\nCOLUMNS\n x gain 2 wood 1\nRHS\n wood 5\nENDATA"
        >>> read_mps(text).columns[0].entries
        (('wood', 1.0),)

    Source: Murtagh (1981), Advanced linear programming, chapter 9.
    """
    reading, section = _Reading(), ""
    for number, line, starts in _lines(source):
        fields = line.split()
        try:
            if starts:
                section = _begin(reading, fields)
                if section == "ENDATA":
                    return _finished(reading)
            else:
                READERS[section](reading, fields)
        except (ValueError, KeyError, IndexError) as error:
            said = f" ({error})" if isinstance(error, ValueError) else ""
            raise _bad(
                number, line, f"Under {section or 'no heading'} this has no meaning{said}."
            ) from error
    raise _bad(0, "", "There is no ENDATA.")


def _lines(source: str | Path) -> Iterator[tuple[int, str, bool]]:
    is_text = isinstance(source, str) and "\n" in source
    try:
        text = source if is_text else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadProgramme(
            f"{source} cannot be read: {error}.",
            "A linear programme is a text file in MPS form.",
            "Give the path of such a file, or its text.",
        ) from error
    for number, line in enumerate(str(text).splitlines(), start=1):
        if line.strip() and not line.startswith("*"):
            yield number, line, not line[0].isspace()


def _begin(reading: _Reading, fields: list[str]) -> str:
    section = fields[0].upper()
    if section not in SECTIONS:
        raise ValueError(f"sections are {', '.join(SECTIONS)}")
    if section == "RANGES":
        raise ValueError("ranges are not read; write such a row as two")
    if section == "NAME":
        reading.name = " ".join(fields[1:])
    if section == "OBJSENSE" and len(fields) > 1:
        _sense(reading, fields[1:])
    return section


def _sense(reading: _Reading, fields: list[str]) -> None:
    (word,) = fields
    reading.maximise = {"MAX": True, "MAXIMIZE": True, "MIN": False, "MINIMIZE": False}[
        word.upper()
    ]


def _row(reading: _Reading, fields: list[str]) -> None:
    sense, name = fields
    if name in reading.senses or name == reading.objective:
        raise ValueError(f"the row {name} is there twice")
    if sense == "N":
        if reading.objective:
            raise ValueError(f"{reading.objective} is the objective already")
        reading.objective = name
    elif sense in "LGE":
        reading.senses[name] = sense
    else:
        raise ValueError("a row is N, L, G or E")


def _column(reading: _Reading, fields: list[str]) -> None:
    if "'MARKER'" in fields:
        raise ValueError("integer variables are not read")
    column = reading.columns.setdefault(fields[0], {})
    for row, value in _pairs(fields[1:]):
        if row in column:
            raise ValueError(f"{fields[0]} meets the row {row} twice")
        _require_row(reading, row)
        column[row] = value


def _right_side(reading: _Reading, fields: list[str]) -> None:
    for row, value in _pairs(fields[len(fields) % 2 :]):
        _require_row(reading, row)
        if row == reading.objective:
            raise ValueError("an objective with a constant is not read")
        reading.limits[row] = value


def _bound(reading: _Reading, fields: list[str]) -> None:
    kind = fields[0].upper()
    if kind not in LOWER_AND_UPPER:
        raise ValueError(f"bounds are {', '.join(LOWER_AND_UPPER)}")
    rest = 1 if kind in WITHOUT_NUMBER else 2
    name, *value = fields[-rest:]
    if len(fields) not in (rest + 1, rest + 2) or name not in reading.columns:
        raise ValueError(f"{name} is not a variable")
    low, high = reading.bounds.get(name, (0.0, math.inf))
    number = _number(value[0]) if value else 0.0
    if kind == "UP" and number < 0 and low == 0:
        raise ValueError("a negative upper bound says nothing of the lower one; give that first")
    reading.bounds[name] = LOWER_AND_UPPER[kind](low, high, number)


READERS: dict[str, Callable[[_Reading, list[str]], None]] = {
    "OBJSENSE": _sense,
    "ROWS": _row,
    "COLUMNS": _column,
    "RHS": _right_side,
    "BOUNDS": _bound,
}


def _pairs(fields: list[str]) -> Iterator[tuple[str, float]]:
    if not fields or len(fields) % 2:
        raise ValueError("rows and numbers come in pairs")
    for row, value in zip(fields[::2], fields[1::2], strict=True):
        yield row, _number(value)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not finite")
    return number


def _require_row(reading: _Reading, row: str) -> None:
    if row not in reading.senses and row != reading.objective:
        raise ValueError(f"{row} is not a row")


def _finished(reading: _Reading) -> LinearProgramme:
    if not reading.objective or not reading.columns:
        raise _bad(0, "", "There is no objective, or no variable.")
    return LinearProgramme(
        name=reading.name,
        objective=reading.objective,
        maximise=reading.maximise,
        rows=tuple(
            Row(name, sense, reading.limits.get(name, 0.0))
            for name, sense in reading.senses.items()
        ),
        columns=tuple(
            Column(
                name,
                entries.get(reading.objective, 0.0),
                tuple(pair for pair in entries.items() if pair[0] != reading.objective),
                *reading.bounds.get(name, (0.0, math.inf)),
            )
            for name, entries in reading.columns.items()
        ),
    )


def _bad(number: int, line: str, why: str) -> BadProgramme:
    where = f"Line {number}, {line.strip()!r}," if number else "The file"
    return BadProgramme(
        f"{where} is not MPS as it is read here.",
        why,
        "Write it in free MPS: NAME, ROWS, COLUMNS, RHS, BOUNDS, ENDATA, names without blanks.",
    )


def write_mps(programme: LinearProgramme) -> str:
    """Writes a linear programme in free MPS form, which `read_mps` reads back as it was.

    Args:
        programme: Its names are written with `_` in place of spaces.

    Returns:
        The text.

    Raises:
        BadProgramme: If two names would be the same.

    Example:
        >>> from catallax.industries import workshops
        >>> read_mps(write_mps(workshops(0))).columns[0].name
        'plain_frames'

    Source: Murtagh (1981), Advanced linear programming, chapter 9.
    """
    _require_distinct(programme)
    objective = _word(programme.objective)
    lines = [f"NAME {_word(programme.name)}", "OBJSENSE"]
    lines += [f"  {'MAX' if programme.maximise else 'MIN'}", "ROWS", f" N {objective}"]
    lines += [f" {row.sense} {_word(row.name)}" for row in programme.rows]
    lines.append("COLUMNS")
    for column in programme.columns:
        entries = ((programme.objective, column.objective), *column.entries)
        lines += [f" {_word(column.name)} {_word(row)} {value!r}" for row, value in entries]
    lines.append("RHS")
    lines += [f" {_word(row.name)} {row.limit!r}" for row in programme.rows if row.limit]
    lines.append("BOUNDS")
    for column in programme.columns:
        name = _word(column.name)
        lower = "MI" if column.lower == -math.inf else f"LO bound {name} {column.lower!r}"
        upper = "PL" if column.upper == math.inf else f"UP bound {name} {column.upper!r}"
        for bound in (lower, upper):
            lines.append(f" {bound if ' ' in bound else f'{bound} bound {name}'}")
    return "\n".join([*lines, "ENDATA", ""])


def _word(name: str) -> str:
    return "_".join(name.split())


def _require_distinct(programme: LinearProgramme) -> None:
    rows = [programme.objective, *(row.name for row in programme.rows)]
    for names in (rows, [column.name for column in programme.columns]):
        words = [_word(name) for name in names]
        twice = [word for word in words if words.count(word) > 1]
        if twice:
            raise BadProgramme(
                f"Two names of the programme would be written {twice[0]!r}.",
                "MPS separates names by spaces, so that a name has none.",
                "Name rows and columns so that they differ in more than spaces.",
            )
