"""Checkpoints: the arrays of a state and a manifest, written whole or not at all, without pickle.

A checkpoint is a directory `checkpoint-000012` that appears by a rename when all of it is on the
disk; only then are older ones removed. So a complete one can be read at every instant.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy

from catallax._errors import CannotWrite, CorruptRun, InvalidSetting
from catallax._types import PyTree, exact

SCHEMA = 1
"""The version of the layout; a reader refuses any other."""

ARRAYS, MANIFEST = "state.safetensors", "manifest.json"
NAME = re.compile(r"checkpoint-(\d{6,})(?:-(\d+))?")
SEAL = "sha256"


# --- trees and arrays


def leaves_of(tree: PyTree) -> dict[str, np.ndarray]:
    """Returns the leaves of a tree by their paths.

    Args:
        tree: Of arrays; random keys are kept as the numbers they hold, and marked in the name.

    Returns:
        NumPy arrays; 64-bit integers are exact.

    Raises:
        InvalidSetting: If a leaf is of a type that files cannot hold, such as bfloat16.
    """
    named = jax.tree_util.tree_flatten_with_path(tree)[0]
    by_name = {_name(path, leaf): leaf for path, leaf in named}
    return {name: _numbers(name, leaf) for name, leaf in by_name.items()}


def tree_of(like: PyTree, arrays: Mapping[str, np.ndarray]) -> PyTree:
    """Puts leaves back in the structure of a tree: all of them, or none.

    Args:
        like: A tree of arrays, or of `jax.ShapeDtypeStruct`.
        arrays: From `leaves_of`.

    Returns:
        The tree, of JAX arrays.

    Raises:
        CorruptRun: If a leaf is missing, left over, or of another shape or dtype; it says which.
    """
    named, structure = jax.tree_util.tree_flatten_with_path(like)
    wanted = {_name(path, leaf): leaf for path, leaf in named}
    _compare({name: _shape_of(leaf) for name, leaf in wanted.items()}, _shapes(arrays))
    with exact():
        leaves = [_leaf(leaf, arrays[name]) for name, leaf in wanted.items()]
    return jax.tree_util.tree_unflatten(structure, leaves)


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _name(path: Any, leaf: Any) -> str:
    # A key of another generator holds other numbers, so the generator is part of the name.
    return jax.tree_util.keystr(path) + (f":{leaf.dtype}" if _is_key(leaf) else "")


def _numbers(name: str, leaf: Any) -> np.ndarray:
    numbers = np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)
    if numbers.dtype.kind not in "biuf" or numbers.dtype.itemsize > 8:
        raise InvalidSetting(
            f"The state holds numbers of type {numbers.dtype} at {name}.",
            "A checkpoint holds booleans, integers and floats of NumPy's own, up to 64 bits.",
            "Keep such a part of a world's state in float32 or in integers.",
        )
    return numbers


def _shape_of(leaf: Any) -> str:
    shaped = jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf
    return f"{shaped.dtype}{list(shaped.shape)}"


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    return {name: f"{array.dtype}{list(array.shape)}" for name, array in arrays.items()}


def _leaf(like: Any, array: np.ndarray) -> jax.Array:
    # A copy: JAX may otherwise keep the memory of the file for an array that it later gives away.
    leaf = jnp.array(array)
    if not _is_key(like):
        return leaf
    generator = jax.random.key_impl(jnp.empty((), like.dtype))
    return jax.random.wrap_key_data(leaf, impl=generator)


def _compare(wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise CorruptRun(
                f"The saved state has {found.get(name, 'nothing')} at {name}, where "
                f"{wanted.get(name, 'nothing')} belongs.",
                "It was made by another market or world, by another version, or it is damaged.",
                "Load it with the market and world that it was saved with.",
            )


# --- files


def write_checkpoint(
    run_dir: Path, number: int, arrays: Mapping[str, np.ndarray], manifest: Mapping[str, Any]
) -> Path:
    """Writes a checkpoint, then removes those before it.

    Args:
        run_dir: Of the run; it exists.
        number: Of the segment; not below that of the newest checkpoint.
        arrays: From `leaves_of`.
        manifest: What else belongs to the state, for JSON.

    Returns:
        Its directory.

    Raises:
        CannotWrite: If the disk is full or read-only; the checkpoint before is still there.
    """
    last = latest_checkpoint(run_dir)
    with writing(run_dir, last):
        target = run_dir / _next_name(last, number)
        building = run_dir / f".{target.name}.{os.getpid()}"
        try:
            _write_all(building, arrays, manifest)
            os.replace(building, target)
            sync_directory(run_dir)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    _remove_all_but(target)
    return target


def read_checkpoint(directory: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Reads a checkpoint whole.

    Args:
        directory: From `latest_checkpoint`.

    Returns:
        The arrays and the caller's manifest.

    Raises:
        CorruptRun: If a file is missing or any byte of it differs from what was written.
    """
    sealed = read_sealed(directory / MANIFEST)
    data = read_bytes(directory / ARRAYS)
    if _sha256(data) != sealed["arrays_sha256"]:
        corrupt(directory / ARRAYS, f"does not have the checksum in {MANIFEST}")
    arrays = safetensors.numpy.load(data)
    _compare(sealed["leaves"], _shapes(arrays))
    return arrays, sealed["run"]


def read_manifest(directory: Path) -> dict[str, Any]:
    """Reads the caller's manifest alone, without the arrays."""
    return read_sealed(directory / MANIFEST)["run"]


def latest_checkpoint(run_dir: Path) -> Path | None:
    """Returns the newest checkpoint of a run, or None; unfinished ones do not count."""
    names = [path.name for path in run_dir.glob("checkpoint-*") if NAME.fullmatch(path.name)]
    return run_dir / max(names, key=_order) if names else None


def _order(name: str) -> tuple[int, int]:
    found = NAME.fullmatch(name)
    return (int(found[1]), int(found[2] or 0)) if found else (-1, 0)


def _next_name(last: Path | None, number: int) -> str:
    """Returns a name that comes after the last one, also where its number is the same."""
    at, again = _order(last.name) if last else (-1, 0)
    if number < at:
        raise OSError(f"checkpoint {number} is older than {last}")
    return f"checkpoint-{number:06}" + (f"-{again + 1}" if number == at else "")


def _write_all(
    directory: Path, arrays: Mapping[str, np.ndarray], manifest: Mapping[str, Any]
) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    # The format keeps bytes as they lie in memory: rows of a transposed array would come out wrong.
    data = safetensors.numpy.save({name: np.asarray(a, order="C") for name, a in arrays.items()})
    write_file(directory / ARRAYS, data)
    content = {"arrays_sha256": _sha256(data), "leaves": _shapes(arrays), "run": manifest}
    write_file(directory / MANIFEST, sealed_bytes(content))
    sync_directory(directory)


def _remove_all_but(newest: Path) -> None:
    for path in newest.parent.glob("*checkpoint-*"):
        if path != newest and NAME.match(path.name.lstrip(".")):
            shutil.rmtree(path, ignore_errors=True)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- files of any kind, for the rest of a run directory


def sealed_bytes(content: Mapping[str, Any]) -> bytes:
    """Writes JSON for people to read, with the schema's version and a checksum of the rest."""
    body = {"schema": SCHEMA, **content}
    seal = _sha256(json.dumps(body).encode())
    return json.dumps({SEAL: seal, **body}, indent=1).encode()


def read_sealed(path: Path) -> dict[str, Any]:
    """Reads what `sealed_bytes` wrote, to the byte.

    Raises:
        CorruptRun: If the file is missing, of another schema, or any byte of it was changed.
    """
    data = read_bytes(path)
    try:
        content = json.loads(data)
        schema, seal = content.pop("schema"), content.pop(SEAL)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        corrupt(path, f"is not what was written ({type(error).__name__})", error)
    if schema != SCHEMA and seal == _sha256(json.dumps({"schema": schema, **content}).encode()):
        corrupt(path, f"has schema {schema}, and this version of Catallax reads {SCHEMA}")
    if sealed_bytes(content) != data:
        corrupt(path, "does not have the checksum that it carries")
    return content


def read_bytes(path: Path) -> bytes:
    """Reads a file, or raises CorruptRun."""
    try:
        return path.read_bytes()
    except OSError as error:
        corrupt(path, f"cannot be read ({error.strerror})", error)


def corrupt(path: Path, what: str, cause: Exception | None = None) -> NoReturn:
    """Raises CorruptRun about a file."""
    raise CorruptRun(
        f"The file {path} {what}.",
        "Nothing was loaded: a run is restored whole or not at all.",
        "Restore the file from a copy, or start the run again with overwrite=True.",
    ) from cause


def write_file(path: Path, data: bytes) -> None:
    """Writes a file and waits until it is on the disk."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file so that at every instant either the old one or the new one is there."""
    building = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_file(building, data)
        os.replace(building, path)
        sync_directory(path.parent)
    finally:
        building.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Waits until the names in a directory are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def writing(path: Path, last: Path | None) -> Generator[None]:
    """Turns an OSError into CannotWrite, which says where the last good checkpoint is."""
    try:
        yield
    except OSError as error:
        good = f"the last checkpoint is {last}" if last else "there was no checkpoint yet"
        raise CannotWrite(
            f"{path} cannot be written: {error.strerror or error}.",
            f"Nothing was lost: the economy goes on in memory, and {good}.",
            "Free some space or choose another directory, and save again.",
        ) from error
