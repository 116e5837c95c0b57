"""Industries by name, as the command line knows them."""

import difflib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catallax._errors import InvalidSetting, UnknownWorld

from ._activity_analysis import industry_of
from ._blends import blends
from ._commodity_flow import commodity_flow
from ._industry import Industry
from ._mps import read_mps
from ._supply_chain import supply_chain
from ._workshops import workshops


def workshop_economy(seed: int, discount: float = 0.99) -> Industry:
    """Draws workshops as an industry; see `workshops` and `industry_of`.

    Example:
        >>> workshop_economy(0).discount
        0.99
    """
    return industry_of(workshops(seed), discount)


NAMED: dict[str, Callable[..., Industry]] = {
    "supply-chain": supply_chain,
    "commodity-flow": commodity_flow,
    "workshops": workshop_economy,
    "blends": blends,
}
"""Industries that are drawn with a seed, by name."""

PROGRAMME = ".mps"
"""How the name of a file ends that holds a linear programme."""


def is_industry_name(name: Any) -> bool:
    """Returns whether a name means an industry: one of `NAMED`, or nearly, or a file."""
    if not isinstance(name, str):
        return False
    return name.lower().endswith(PROGRAMME) or bool(difflib.get_close_matches(name, NAMED, 1, 0.8))


def industry_named(name: str, seed: int = 0, **options: Any) -> Industry:
    """Finds the industry that a name means.

    Args:
        name: One of `NAMED`; or the path of an MPS file, whose columns are then producers.
        seed: Of the draw; a file has none.
        **options: Settings of the industry, such as `discount`.

    Returns:
        The industry.

    Raises:
        UnknownWorld: If no industry has the name.
        BadProgramme: If a file cannot be read.
        InvalidSetting: If the industry has no such setting.

    Example:
        >>> industry_named("supply-chain", 3, discount=0.9).discount
        0.9
    """
    if name.lower().endswith(PROGRAMME):
        return _with(name, _from_file, options, path=Path(name))
    if name not in NAMED:
        close = difflib.get_close_matches(name, NAMED, 1)
        raise UnknownWorld(
            f"No industry is called {name!r}.",
            f"There are {', '.join(NAMED)}" + (f"; did you mean {close[0]}?" if close else "."),
            "Give one of these, or an MPS file.",
        )
    return _with(name, NAMED[name], options, seed=seed)


def _from_file(path: Path, discount: float = 0.99) -> Industry:
    return industry_of(read_mps(path), discount)


def _with(name: str, draw: Callable[..., Industry], options: Any, **given: Any) -> Industry:
    known = [one for one in inspect.signature(draw).parameters if one not in given]
    for option in options:
        if option not in known:
            raise InvalidSetting(
                f"{name} was given {option}={options[option]!r}.",
                f"Its settings are {', '.join(known)}.",
                "Leave it out.",
            )
    return draw(**given, **options)
