import struct
import sys

import numpy as np
import pytest

import catallax as cx
from catallax._errors import MissingExtra
from catallax._tensorboard import TensorBoard, scalars


def events(folder):
    """The scalars in a folder's event files: (name, step, value), in order."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.glob("events*")):
        rest = path.read_bytes()
        while rest:
            (size,) = struct.unpack("<Q", rest[:8])
            event = Event.FromString(rest[12 : 12 + size])
            found += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
            rest = rest[16 + size :]
    return found


def test_every_chunk_is_written_once_over_steps(tmp_path):
    economy = cx.train(cx.worlds.Chain(), steps=4_000, seed=0, callbacks=[TensorBoard(tmp_path)])
    metrics, seen = economy.metrics, events(tmp_path)
    steps = np.cumsum(metrics["steps"]).tolist()
    rms = [(step, value) for name, step, value in seen if name == "economy/profit_rms"]
    assert [step for step, _ in rms] == steps
    np.testing.assert_allclose([value for _, value in rms], metrics["profit_rms"], rtol=1e-6)
    returns = [step for name, step, _ in seen if name == "episode/return"]
    assert len(returns) == (metrics["episodes"] > 0).sum()


def test_training_on_writes_only_what_is_new(tmp_path):
    economy = cx.train(cx.worlds.Chain(), steps=2_000, seed=0)
    before = economy.steps
    economy.train(2_000, callbacks=[TensorBoard(tmp_path / "deep" / "folder")])
    steps = [step for name, step, _ in events(tmp_path / "deep" / "folder") if "alive" in name]
    assert min(steps) > before and max(steps) == economy.steps


def test_means_over_nothing_are_left_out():
    names = "episodes sales returns steps price_sum capped profit_rms alive births deaths"
    names += " refused refinanced"
    credits = ("wealth", "richest", "treasury", "discount", "exploration")
    metrics = {name: np.zeros(1) for name in [*names.split(), *(f"{c}_credits" for c in credits)]}
    assert not [name for name in scalars(metrics, 0) if not name.startswith("economy/")]
    found = scalars({**metrics, "sales": np.asarray([4]), "price_sum": np.asarray([2.0])}, 0)
    assert found["market/price"] == 0.5


def test_without_tensorboardx_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtra, match=r"catallax\[tensorboard\]"):
        TensorBoard(tmp_path)
    assert not list(tmp_path.iterdir())
