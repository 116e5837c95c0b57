"""Checkpoints: exact, whole or not at all, and damage is named."""

import errno
import json
import os
import shutil
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from catallax import _checkpoint
from catallax._checkpoint import (
    ARRAYS,
    MANIFEST,
    latest_checkpoint,
    leaves_of,
    read_checkpoint,
    read_manifest,
    sealed_bytes,
    tree_of,
    write_checkpoint,
)
from catallax._errors import CannotWrite, CorruptRun, InvalidSetting
from catallax._types import exact


class State(NamedTuple):
    balances: Any
    genes: dict[str, Any]
    key: Any
    keys: Any
    nothing: Any


def a_state():
    with exact():
        return State(
            balances=jnp.array([2**62 + 1, -(2**62) - 1], jnp.int64),
            genes={"w": jnp.arange(6, dtype=jnp.float32).reshape(2, 3).T, "b": jnp.float32(0.1)},
            key=jax.random.key(7),
            keys=jax.random.split(jax.random.key(8, impl="rbg"), 3),
            nothing=(jnp.zeros((0, 3), jnp.int32), (), jnp.array(True)),
        )


def same(left, right):
    left, right = leaves_of(left), leaves_of(right)
    return left.keys() == right.keys() and all(
        left[n].dtype == right[n].dtype and np.array_equal(left[n], right[n]) for n in left
    )


# --- trees


@pytest.mark.parametrize("shapes", [True, False], ids=["like shapes", "like arrays"])
def test_a_tree_comes_back_exactly(tmp_path, shapes):
    state = a_state()
    with exact():
        like = jax.eval_shape(a_state) if shapes else jax.tree.map(lambda leaf: leaf, state)
    arrays, manifest = read_checkpoint(write_checkpoint(tmp_path, 3, leaves_of(state), {"tick": 9}))
    back = tree_of(like, arrays)
    assert manifest == {"tick": 9}
    assert jax.tree.structure(back) == jax.tree.structure(state) and same(back, state)
    assert back.balances.dtype == jnp.int64 and int(back.balances[0]) == 2**62 + 1
    assert jax.random.uniform(back.key) == jax.random.uniform(state.key)
    assert back.keys.dtype == state.keys.dtype


def test_leaves_are_named_by_their_place():
    names = set(leaves_of(a_state()))
    assert {".balances", ".genes['w']", ".key:key<fry>", ".nothing[0]"} <= names


@given(
    hnp.arrays(
        st.sampled_from(
            [np.bool_, np.int8, np.uint32, np.int64, np.uint64, np.float16, np.float64]
        ),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
def test_arrays_of_any_kind_and_shape_come_back_to_the_bit(tmp_path_factory, array):
    run_dir = tmp_path_factory.mktemp("run")
    tree = {"a": array, "turned": array.T}
    arrays, _ = read_checkpoint(write_checkpoint(run_dir, 0, leaves_of(tree), {}))
    for name, leaf in leaves_of(tree).items():
        assert arrays[name].dtype == leaf.dtype and arrays[name].shape == leaf.shape
        assert arrays[name].tobytes() == leaf.tobytes()


def test_numbers_that_files_cannot_hold_are_refused_by_name():
    with pytest.raises(InvalidSetting, match=r"bfloat16 at \['world'\]"):
        leaves_of({"world": jnp.zeros(2, jnp.bfloat16)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.pop(".balances"), r"has nothing at \.balances, where int64\[2\] belongs"),
        (lambda a: a.update(extra=np.zeros(2)), r"has float64\[2\] at extra, where nothing"),
        (lambda a: a.update({".genes['b']": np.zeros(1, "f4")}), r"float32\[1\] at \.genes\['b'\]"),
        (lambda a: a.update({".balances": np.zeros(2, "i4")}), r"int32\[2\] at \.balances"),
        (lambda a: a.pop(".key:key<fry>"), r"nothing at \.key:key<fry>, where uint32\[2\]"),
        (lambda a: a.update({".key:key<rbg>": a.pop(".key:key<fry>")}), r"\.key:key<fry>"),
    ],
    ids=["missing", "extra", "shape", "dtype", "key", "generator"],
)
def test_a_leaf_that_does_not_fit_is_named(change, said):
    arrays = leaves_of(a_state())
    change(arrays)
    with pytest.raises(CorruptRun, match=said):
        tree_of(a_state(), arrays)


# --- files


ONE, TWO = leaves_of({"a": np.arange(3)}), leaves_of({"a": np.arange(3) + 1})


def test_the_newest_is_kept_and_the_others_go(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    for number in (0, 2, 999_999, 1_000_000):
        path = write_checkpoint(tmp_path, number, ONE, {})
        assert [p.name for p in tmp_path.iterdir()] == [f"checkpoint-{number:06}"]
        assert latest_checkpoint(tmp_path) == path


def test_the_same_number_again_takes_the_place_of_the_first(tmp_path):
    for again in range(12):
        write_checkpoint(tmp_path, 5, ONE, {"again": again})
        assert len(list(tmp_path.iterdir())) == 1
        assert read_manifest(latest_checkpoint(tmp_path)) == {"again": again}


def test_the_newest_is_the_highest_number_and_not_the_last_name(tmp_path):
    for older, newer in (("9", "10"), ("5-9", "5-10"), ("5", "5-1"), ("999999-3", "1000000")):
        run_dir = tmp_path / newer
        for name in (older, newer):
            number, _, again = name.partition("-")
            (run_dir / f"checkpoint-{int(number):06}{again and '-' + again}").mkdir(parents=True)
        number, _, again = newer.partition("-")
        expected = f"checkpoint-{int(number):06}{again and '-' + again}"
        assert latest_checkpoint(run_dir) == run_dir / expected


def test_an_older_number_is_refused(tmp_path):
    write_checkpoint(tmp_path, 5, ONE, {})
    with pytest.raises(CannotWrite, match="checkpoint 4 is older"):
        write_checkpoint(tmp_path, 4, TWO, {})


def test_what_was_not_finished_does_not_count_and_is_cleaned_up(tmp_path):
    path = write_checkpoint(tmp_path, 1, ONE, {})
    (tmp_path / ".checkpoint-000002.77").mkdir()
    (tmp_path / ".checkpoint-000002.77" / ARRAYS).write_bytes(b"half")
    assert latest_checkpoint(tmp_path) == path
    write_checkpoint(tmp_path, 2, ONE, {})
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-000002"]


def test_every_flipped_byte_is_seen(tmp_path):
    path = write_checkpoint(tmp_path, 1, leaves_of(a_state()), {"tick": 1.5})
    for name in (ARRAYS, MANIFEST):
        good = (path / name).read_bytes()
        for at in range(len(good)):
            (path / name).write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            with pytest.raises(CorruptRun, match=f"{name}|{MANIFEST}"):
                read_checkpoint(path)
        (path / name).write_bytes(good)
    read_checkpoint(path)


@pytest.mark.parametrize("name", [ARRAYS, MANIFEST])
@pytest.mark.parametrize("left", [0, 1, 40, -1])
def test_a_truncated_file_is_seen(tmp_path, name, left):
    write_checkpoint(tmp_path, 0, TWO, {})
    path = write_checkpoint(tmp_path, 1, ONE, {})
    (path / name).write_bytes((path / name).read_bytes()[:left])
    with pytest.raises(CorruptRun, match=name):
        read_checkpoint(latest_checkpoint(tmp_path))


@pytest.mark.parametrize("name", [ARRAYS, MANIFEST])
def test_a_missing_file_is_named(tmp_path, name):
    path = write_checkpoint(tmp_path, 1, ONE, {})
    (path / name).unlink()
    with pytest.raises(CorruptRun, match=f"{name} cannot be read"):
        read_checkpoint(path)


def test_another_schema_is_named(tmp_path, monkeypatch):
    path = write_checkpoint(tmp_path, 1, ONE, {})
    content = json.loads((path / MANIFEST).read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(_checkpoint, "SCHEMA", 2)
        rest = {k: v for k, v in content.items() if k not in ("schema", "sha256")}
        (path / MANIFEST).write_bytes(sealed_bytes(rest))
    with pytest.raises(CorruptRun, match="has schema 2, and this version of Catallax reads 1"):
        read_checkpoint(path)


def test_arrays_of_another_checkpoint_are_seen(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    first, second = write_checkpoint(one, 1, ONE, {}), write_checkpoint(two, 1, TWO, {})
    shutil.copy(first / ARRAYS, second / ARRAYS)
    with pytest.raises(CorruptRun, match="checksum"):
        read_checkpoint(second)


# --- disks that refuse


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_loses_nothing(tmp_path, monkeypatch, call, number):
    path = write_checkpoint(tmp_path, 1, ONE, {})

    def refuse(*_args, **_options):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(_checkpoint.os, call, refuse)
        with pytest.raises(CannotWrite) as caught:
            write_checkpoint(tmp_path, 2, TWO, {})
    said = str(caught.value)
    assert os.strerror(number) in said and "Nothing was lost" in said
    assert str(path) in said and latest_checkpoint(tmp_path) == path
    assert np.array_equal(read_checkpoint(path)[0]["['a']"], np.arange(3))
    write_checkpoint(tmp_path, 2, TWO, {})
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("fails_at", range(3))
def test_a_disk_that_fills_up_at_any_file_leaves_the_checkpoint_before(
    tmp_path, monkeypatch, fails_at
):
    path = write_checkpoint(tmp_path, 1, ONE, {})
    calls, real = [], os.fsync

    def fills_up(handle):
        calls.append(handle)
        if len(calls) > fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(_checkpoint.os, "fsync", fills_up)
        with pytest.raises(CannotWrite, match="No space left"):
            write_checkpoint(tmp_path, 2, TWO, {})
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert np.array_equal(read_checkpoint(path)[0]["['a']"], np.arange(3))


def test_where_only_the_last_sync_fails_the_new_one_is_there_already(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, 1, ONE, {})
    real = _checkpoint.sync_directory

    def refuse(path):
        if path == tmp_path:
            raise OSError(errno.EIO, "fault")
        real(path)

    with monkeypatch.context() as patch:
        patch.setattr(_checkpoint, "sync_directory", refuse)
        with pytest.raises(CannotWrite):
            write_checkpoint(tmp_path, 2, TWO, {})
    arrays, _ = read_checkpoint(latest_checkpoint(tmp_path))
    assert np.array_equal(arrays["['a']"], np.arange(3) + 1)
    assert write_checkpoint(tmp_path, 2, TWO, {}).name == "checkpoint-000002-1"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_in_the_place_of_the_directory_is_told(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(CannotWrite, match="there was no checkpoint yet"):
        write_checkpoint(tmp_path / "run", 1, ONE, {})
    assert (tmp_path / "run").read_text() == "mine"
