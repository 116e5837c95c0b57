"""A linear programme, read as an industry: rows are goods and columns are techniques."""

from dataclasses import dataclass

from catallax._errors import BadProgramme
from catallax._goods import Inflow
from catallax.techniques import LinearActivity

from ._household import Household, Want
from ._industry import Industry, Producer
from ._mps import Column, LinearProgramme, Row


@dataclass(frozen=True)
class Reading:
    r"""What of a linear programme can be read as an industry, by name.

    Args:
        resources: Rows that are goods: `a·x ≤ b` with `b ≥ 0`, or `a·x ≥ b` with `b ≤ 0`.
        unreadable: Rows and columns that say something else, each with the reason.
        idle: Columns that are left out because they only use goods up and gain nothing.

    Example:
        >>> from catallax.industries import read_mps
        >>> text = "ROWS\n N cost\n G need\nCOLUMNS\n x cost 2 need 1\nRHS\n need 5\nENDATA"
        >>> resource_rows(read_mps(text)).unreadable[0][0]
        'need'
    """

    resources: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]
    idle: tuple[str, ...]


def resource_rows(programme: LinearProgramme) -> Reading:
    r"""Tells which rows of a linear programme are resources, and what stands in the way.

    Args:
        programme: From `read_mps`.

    Returns:
        The names of the rows that are goods, and those of rows and columns that are no part of an
        industry.

    Example:
        >>> from catallax.industries import read_mps
        >>> text = "ROWS\n N gain\n L wood\nCOLUMNS\n x gain -2 wood 1\nRHS\n wood 5\nENDATA"
        >>> resource_rows(read_mps(text)).resources
        ('wood',)

    Source: Koopmans (1951), Activity analysis of production and allocation, chapter 3.
    """
    signs = {row.name: _sign(row) for row in programme.rows}
    resources = tuple(row.name for row in programme.rows if signs[row.name])
    unreadable = [(row.name, _why_not(row)) for row in programme.rows if not signs[row.name]]
    idle = []
    for column in programme.columns:
        takes, makes = _flows(programme, column)
        if column.lower != 0:
            unreadable.append((column.name, f"its lower bound is {column.lower:g}, not 0"))
        elif not makes:
            idle.append(column.name)
        elif not takes and column.upper == float("inf"):
            unreadable.append((column.name, "it makes goods of nothing, without an upper bound"))
    return Reading(resources, tuple(unreadable), tuple(idle))


def industry_of(programme: LinearProgramme, discount: float = 0.99) -> Industry:
    r"""Reads a linear programme as an industry, in which every column is a producer.

    A row `a·x ≤ b` is a good of which `b` comes in every step; a column takes so much of it for a
    unit of its level (`a > 0`) or makes it (`a < 0`). What a column adds to the objective is a good
    of its own, named after the objective row, of which someone wants every unit for a credit; what
    it takes from it is its cost. What is made can be used a step later, so that the industry
    reaches the optimum of the programme at rest, and at a discount of 1 that optimum exactly.

    Args:
        programme: From `read_mps`.
        discount: γ of the industry.

    Returns:
        The industry.

    Raises:
        BadProgramme: If a row is no resource or a column no technique; it names them all.
        FreeStorage: If at a discount of 1 goods can go round in a circle without cost.

    Example:
        >>> from catallax.industries import read_mps
        >>> text = "ROWS\n N gain\n L wood\nCOLUMNS\n x gain -2 wood 1\nRHS\n wood 5\nENDATA"
        >>> industry_of(read_mps(text)).goods
        ('wood', 'gain')

    Source: Koopmans (1951), Activity analysis of production and allocation, chapter 3.
    """
    reading = resource_rows(programme)
    if reading.unreadable:
        said = "; ".join(f"{name} ({why})" for name, why in reading.unreadable)
        raise BadProgramme(
            f"The programme {programme.name or 'without a name'} is not an industry: {said}.",
            "Rows are goods with an inflow, `a·x ≤ b` with b ≥ 0 or the reverse, and may be left "
            "over; columns are techniques that run at any level from 0 on.",
            "Rewrite those rows and columns, or take another programme.",
        )
    # −0.0 would be a negative inflow to a reader of signs.
    inflows = [Inflow(row.name, abs(row.limit), f"owner of {row.name}") for row in programme.rows]
    producers = [
        _producer(programme, column)
        for column in programme.columns
        if column.name not in reading.idle
    ]
    return Industry(
        goods=(*reading.resources, programme.objective),
        inflows=tuple(inflow for inflow in inflows if inflow.amount),
        producers=tuple(producers),
        households=(Household("buyer", (Want(programme.objective, 1.0),)),),
        discount=discount,
    )


def _sign(row: Row) -> int:
    """1 where positive coefficients are uses, −1 where they are outputs, 0 where neither."""
    if row.sense == "L" and row.limit >= 0:
        return 1
    return -1 if row.sense == "G" and row.limit <= 0 else 0


def _why_not(row: Row) -> str:
    if row.sense == "E":
        return "an equation: nothing of a good need be used up"
    return f"it asks for at least {abs(row.limit):g}: a duty, not a resource"


def _flows(programme: LinearProgramme, column: Column) -> tuple[dict[str, float], dict[str, float]]:
    """Returns what a unit of a column takes, and what it makes, gains included."""
    signs = {row.name: _sign(row) for row in programme.rows}
    net = {row: value * signs[row] for row, value in column.entries}
    takes = {row: value for row, value in net.items() if value > 0}
    makes = {row: -value for row, value in net.items() if value < 0}
    gain = _gain(programme, column)
    return takes, makes | ({programme.objective: gain} if gain > 0 else {})


def _gain(programme: LinearProgramme, column: Column) -> float:
    return column.objective if programme.maximise else -column.objective


def _producer(programme: LinearProgramme, column: Column) -> Producer:
    takes, makes = _flows(programme, column)
    cost = max(-_gain(programme, column), 0.0)
    return Producer(column.name, LinearActivity(takes, makes, column.upper, cost))
