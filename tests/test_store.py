import pytest

import catallax as cx
from catallax._errors import (
    CannotRestore,
    CannotWrite,
    TrainingInterrupted,
)
from small_markets import trained


def test_training_on_is_the_same_from_disk_as_from_memory(tmp_path):
    economy = trained()
    restored = cx.load(economy.save(tmp_path / "run"))
    assert restored.train(1_000).digest == economy.train(1_000).digest
    assert cx.load(tmp_path / "run").digest == restored.digest


def test_a_function_of_a_script_cannot_be_restored_by_itself(tmp_path):
    market = cx.DeepMarket(agents=[cx.Program(function=lambda seen: (1, 0.9))])
    economy = trained(market, steps=100)
    path = economy.save(tmp_path / "run")
    with pytest.raises(CannotRestore, match="market="):
        cx.load(path)
    assert cx.load(path, market=market).digest == economy.digest


def test_a_file_in_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("here first")
    with pytest.raises(CannotWrite):
        trained(steps=100, out=tmp_path / "file" / "run")


def test_ctrl_c_keeps_what_was_learned(tmp_path):
    class Press(cx.Callback):
        def on_segment_end(self, economy):
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        trained(steps=10_000_000, out=tmp_path / "run", callbacks=[Press()])
    economy = cx.load(tmp_path / "run")
    assert economy.tick > 0
    assert economy.audit().balanced


def test_a_full_disk_is_named_and_memory_keeps_everything(tmp_path, monkeypatch):
    economy = trained(steps=100, out=tmp_path / "run")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CannotWrite):
        economy.train(1_000)
    monkeypatch.undo()
    assert economy.audit().balanced
    economy.train(1_000)
    assert cx.load(tmp_path / "run").digest == economy.digest
