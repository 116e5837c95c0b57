"""The values that a market and its worlds are made of, to JSON and back, by import path.

Nothing is pickled and nothing evaluated: a path names a frozen dataclass, which is made anew from
its fields, or a function, which is looked up.
"""

import importlib
import math
from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from types import FunctionType, MappingProxyType
from typing import Any, NoReturn

import numpy as np

from catallax._errors import CannotRestore, CatallaxError

TUPLE, DICT, FLOAT, FRACTION = "$tuple", "$dict", "$float", "$fraction"
VALUE, FIELDS, FUNCTION, UNSAVED = "$value", "fields", "$function", "$unsaved"


def to_plain(value: Any) -> Any:
    """Writes a value in the words of JSON.

    Numbers, text, fractions, tuples, lists, dictionaries, frozen dataclasses and functions that
    can be imported are kept; of anything else (a lambda, a live object) only a label is.

    Args:
        value: Any value.

    Returns:
        What `json.dumps` takes and `from_plain` reads.

    Example:
        >>> to_plain((1, Fraction(1, 3)))
        {'$tuple': [1, {'$fraction': '1/3'}]}
        >>> to_plain(lambda: None)
        {'$unsaved': '<lambda>'}
    """
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {FLOAT: repr(value)}
    if type(value) is Fraction:
        return {FRACTION: str(value)}
    if type(value) is list:
        return [to_plain(item) for item in value]
    if type(value) is tuple:
        return {TUPLE: [to_plain(item) for item in value]}
    is_table = type(value) in (dict, MappingProxyType)
    return _plain_dict(value) if is_table else _plain_named(value)


def _plain_dict(value: Mapping[Any, Any]) -> dict[str, Any]:
    if all(type(key) is str and not key.startswith("$") for key in value):
        return {key: to_plain(item) for key, item in value.items()}
    return {DICT: [[to_plain(key), to_plain(item)] for key, item in value.items()]}


def _plain_named(value: Any) -> dict[str, Any]:
    """Writes what is known by an import path, if that path leads back to it."""
    kind = type(value)
    if _is_value_type(kind) and _found(_path(kind)) is kind:
        made_of = {f.name: to_plain(getattr(value, f.name)) for f in fields(value) if f.init}
        return {VALUE: _path(kind), FIELDS: made_of}
    if _is_function(value) and _found(_path(value)) is value:
        return {FUNCTION: _path(value)}
    return {UNSAVED: getattr(value, "__qualname__", kind.__qualname__).split(".")[-1]}


def _is_value_type(kind: Any) -> bool:
    # A live object that happens to be a dataclass is no value: only frozen ones are made anew.
    params = getattr(kind, "__dataclass_params__", None)
    return isinstance(kind, type) and params is not None and params.frozen


def _is_function(value: Any) -> bool:
    # jax.jit wraps a function and keeps it; built-in functions are none of ours.
    return isinstance(value, FunctionType) or isinstance(
        getattr(value, "__wrapped__", None), FunctionType
    )


def _path(named: Any) -> str:
    return f"{named.__module__}:{named.__qualname__}"


def _found(path: str) -> Any:
    """Returns what an import path names, or None."""
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception:
        # A module may fail at import in any way of its own; then nothing of that name is there.
        return None
    return found


def from_plain(plain: Any, supplied: Mapping[str, Any] | None = None) -> Any:
    """Reads what `to_plain` wrote.

    Args:
        plain: From `to_plain`, through JSON or not.
        supplied: Parts that the caller gives, by their place (`"market"`,
            `"market.agents[0].function"`); what stands there is not read.

    Returns:
        The value.

    Raises:
        CannotRestore: If a part was not saved, or its class is not there any more; it says which.

    Example:
        >>> from_plain({"wants": {"$unsaved": "<lambda>"}}, {"wants": max})["wants"]
        <built-in function max>
    """
    return _read(plain, "", supplied or {})


def _read(plain: Any, place: str, supplied: Mapping[str, Any]) -> Any:
    if place in supplied:
        return supplied[place]
    if isinstance(plain, list):
        return [_read(item, f"{place}[{n}]", supplied) for n, item in enumerate(plain)]
    if not isinstance(plain, dict):
        return plain
    for mark, reader in READERS.items():
        if mark in plain:
            return reader(plain, place, supplied)
    return _read_fields(plain, place, supplied)


def _read_fields(plain: dict[str, Any], place: str, supplied: Mapping[str, Any]) -> dict[str, Any]:
    dot = "." if place else ""
    return {key: _read(item, f"{place}{dot}{key}", supplied) for key, item in plain.items()}


def _read_tuple(plain: Any, place: str, supplied: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(_read(plain[TUPLE], place, supplied))


def _read_dict(plain: Any, place: str, supplied: Mapping[str, Any]) -> dict[Any, Any]:
    pairs = [
        (_read(key, f"{place}<key {n}>", supplied), _read(item, f"{place}[{n}]", supplied))
        for n, (key, item) in enumerate(plain[DICT])
    ]
    return dict(pairs)


def _read_value(plain: Any, place: str, supplied: Mapping[str, Any]) -> Any:
    kind = _found(plain[VALUE])
    if not _is_value_type(kind):
        _cannot(place, f"is a {plain[VALUE]}", "no frozen dataclass of that name can be imported")
    made_of = _read_fields(plain[FIELDS], place, supplied)
    try:
        return kind(**made_of)
    except CatallaxError:
        raise
    except Exception as error:
        _cannot(place, f"is a {plain[VALUE]}", f"that refuses its fields ({error})", error)


def _read_function(plain: Any, place: str, supplied: Mapping[str, Any]) -> Any:
    function = _found(plain[FUNCTION])
    if not _is_function(function):
        _cannot(place, f"is {plain[FUNCTION]}", "no function of that name can be imported")
    return function


def _read_unsaved(plain: Any, place: str, supplied: Mapping[str, Any]) -> NoReturn:
    _cannot(place, f"is {plain[UNSAVED]!r}", "such a part has no import path and was not saved")


READERS = {
    TUPLE: _read_tuple,
    DICT: _read_dict,
    FLOAT: lambda plain, place, supplied: float(plain[FLOAT]),
    FRACTION: lambda plain, place, supplied: Fraction(plain[FRACTION]),
    VALUE: _read_value,
    FUNCTION: _read_function,
    UNSAVED: _read_unsaved,
}


def _cannot(place: str, what: str, why: str, cause: Exception | None = None) -> NoReturn:
    # A place starts with the name of a setting, such as market.agents[0].function.
    part = place.split(".")[0].split("[")[0] or "market"
    raise CannotRestore(
        f"The part {place or 'itself'} of what was saved cannot be restored: it {what}.",
        f"It must come from you, for {why}.",
        f"Give it again: catallax.load(path, {part}=...).",
    ) from cause
