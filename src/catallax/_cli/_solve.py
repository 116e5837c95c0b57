"""`catallax solve`: from a market in a file to certified prices, on screen and in files."""

import json
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from catallax._checkpoint import replace_file
from catallax._cli._parser import METHODS
from catallax._cli._signals import Requests
from catallax._errors import CannotWrite, CatallaxError, InvalidMarket, NoEquilibrium, NotConverged

if TYPE_CHECKING:
    from catallax._cli._market_files import MarketFile
    from catallax.clearing.equilibrium import Equilibrium

FINE, FAILED = 0, 1
RESERVED = "agent"


def solve_market(given: Any, requests: Requests) -> int:
    """Solves a market, and says what came of it; only certified prices are written or drawn."""
    from catallax._cli._market_files import read_market
    from catallax._cli._show import complaint
    from catallax._cli._show_market import solved
    from catallax._train import compilation_cache

    draw = _pictures(given.plot)
    market = read_market(given.market, given.money, given.supply)
    start = time.perf_counter()
    with compilation_cache():
        found = _found(given, market)
    seconds = time.perf_counter() - start
    error = _error(given, found)
    facts = facts_of(given, market, found, seconds)
    if error is not None:
        words = {"what": error.what, "why": error.why, "remedy": error.remedy}
        facts |= {"error": type(error).__name__, **words}
    else:
        _write(given, market, found, facts, draw)
    if given.json:
        sys.stdout.write(json.dumps(facts) + "\n")
    else:
        solved(given, market, found, seconds)
    if error is not None:
        sys.stdout.flush()
        complaint(error)
    return FINE if error is None else FAILED


def _found(given: Any, market: "MarketFile") -> "Equilibrium":
    """Returns what was found, certified or not."""
    engine = import_module("catallax.clearing.equilibrium")
    method = None if given.method == "auto" else getattr(engine, METHODS[given.method])()
    return engine.equilibrium(
        market.valuations,
        market.supply,
        market.wealth,
        money=market.money,
        tol=given.tol,
        method=method,
        throw=False,
    )


def _error(given: Any, found: "Equilibrium") -> CatallaxError | None:
    """Returns the error to report where nothing was certified."""
    kind = {0: None, 1: NotConverged}.get(int(found.code), NoEquilibrium)
    if kind is None:
        return None
    return kind(
        f"{found.method} ended after {int(found.steps)} steps with a violation of "
        f"{float(found.certificate.violation):.1e} in {given.market}; {given.tol:.0e} is allowed.",
        found.result.sentence,
        "What was found is shown, and nothing was written; try a larger --tol or another --method.",
    )


def facts_of(
    given: Any, market: "MarketFile", found: "Equilibrium", seconds: float
) -> dict[str, Any]:
    """Returns all that is known, in the form of JSON."""
    seen = found.certificate
    return {
        "market": str(given.market),
        "money": market.money,
        "method": found.method,
        "result": found.result.name.lower(),
        "steps": int(found.steps),
        "seconds": round(seconds, 3),
        "tolerance": given.tol,
        "goods": list(market.goods),
        "agents": list(market.agents),
        "prices": plain(found.prices),
        "bundles": plain(found.bundles),
        "spending": plain(found.spending),
        "all_caps_met": bool(found.all_caps_met),
        "no_supply": plain(found.no_supply),
        "certificate": {
            "violation": plain(seen.violation),
            "leftover": plain(seen.leftover),
            "unallocated": plain(seen.unallocated),
            "shortage": plain(seen.shortage),
            "overspent": plain(seen.overspent),
            "irrational": plain(seen.irrational),
            "regret": plain(seen.regret),
            "regret_mean": plain(seen.regret_mean),
            "gap": plain(seen.gap),
            "local": bool(seen.local),
        },
    }


def plain(numbers: Any) -> Any:
    """Returns numbers, or lists of them, as JSON has them: null for what is not finite.

    Example:
        >>> plain(np.array([1.0, np.nan]))
        [1.0, None]
    """
    array = np.asarray(numbers)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.tolist()
    return [plain(one) for one in array] if array.ndim else None


# --- files


def _pictures(path: str | None) -> Callable[..., bytes] | None:
    """Returns who draws, or raises before anything was solved."""
    if path is None:
        return None
    from catallax._cli._picture import drawing

    return drawing()


def _write(
    given: Any,
    market: "MarketFile",
    found: "Equilibrium",
    facts: dict[str, Any],
    draw: Callable[..., bytes] | None,
) -> None:
    if given.out is not None:
        kind = Path(given.out).suffix.lower()
        _replace(given.out, WRITERS[kind](market, found, facts))
    if given.plot is not None and draw is not None:
        _replace(given.plot, draw(market, found, Path(given.plot).suffix.lower().lstrip(".")))


def _replace(name: str, data: bytes) -> None:
    path = Path(name)
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)


@contextmanager
def _writing(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(
            f"{path} cannot be written.",
            f"The system says: {error.strerror or error}.",
            "Name a place where you may write, and where there is room.",
        ) from error


def _as_json(market: "MarketFile", found: "Equilibrium", facts: dict[str, Any]) -> bytes:
    return (json.dumps(facts) + "\n").encode()


def _as_npz(market: "MarketFile", found: "Equilibrium", facts: dict[str, Any]) -> bytes:
    seen = found.certificate
    parts = {f"certificate.{name}": getattr(seen, name) for name in facts["certificate"]}
    own = ("prices", "bundles", "spending", "all_caps_met", "no_supply")
    arrays = {name: np.asarray(value) for name, value in facts.items() if name != "certificate"}
    arrays |= {name: np.asarray(getattr(found, name)) for name in own}
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays, **parts)
    return file.getvalue()


def _as_parquet(market: "MarketFile", found: "Equilibrium", facts: dict[str, Any]) -> bytes:
    import pyarrow
    import pyarrow.parquet as parquet

    if RESERVED in market.goods:
        raise InvalidMarket(
            f"A good is called {RESERVED!r}.",
            "In Parquet that column holds the names of agents.",
            "Write .json or .npz, or call the good something else.",
        )
    columns: dict[str, Any] = {RESERVED: list(market.agents)}
    columns |= dict(zip(market.goods, found.bundles.T, strict=True))
    said = {name: value for name, value in facts.items() if name not in ("agents", "bundles")}
    said["prices"] = dict(zip(market.goods, facts["prices"], strict=True))
    metadata = {name: json.dumps(value).encode() for name, value in said.items()}
    file = BytesIO()
    parquet.write_table(pyarrow.table(columns).replace_schema_metadata(metadata), file)
    return file.getvalue()


WRITERS: dict[str, Callable[..., bytes]] = {
    ".json": _as_json,
    ".npz": _as_npz,
    ".parquet": _as_parquet,
}
