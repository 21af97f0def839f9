"""Without shared memory the same batches come through pipes."""

import types

import pytest
import torch

from lungseg.training.process import shared_memory
from lungseg.training.process.shared_memory import for_a_pipe, from_a_pipe, has_room
from lungseg.training.run import fit
from tests.toy_training import equal, options, weights


def test_a_batch_is_the_same_after_a_pipe():
    batch = {"image": torch.rand(2, 1, 3, 3), "rows": None, "position": {"epoch": 3}}
    sent = for_a_pipe(batch)
    assert not any(isinstance(value, torch.Tensor) for value in sent.values())
    found = from_a_pipe(sent)
    assert torch.equal(found.pop("image"), batch.pop("image"))
    assert found == batch


@pytest.mark.parametrize(("free", "room"), [(100, False), (101, True)])
def test_room_is_what_is_free(tmp_path, monkeypatch, free, room):
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: types.SimpleNamespace(free=free))
    assert has_room(100) is room


def test_a_system_that_shows_no_shared_memory_has_room(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path / "none")
    assert has_room(10**15)


def test_a_training_by_pipes_learns_the_same(shards, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    given = {"epochs": 1, "num_workers": 2, "augment": "light", "augment_on": "cpu"}
    fit(options(shards, tmp_path / "shared", **given))
    assert "by pipes" not in caplog.text
    monkeypatch.setattr("lungseg.training.data.has_room", lambda _: False)
    fit(options(shards, tmp_path / "pipes", **given))
    assert "slices come from their processes by pipes" in caplog.text
    assert equal(*(weights(tmp_path / name / "last.ckpt") for name in ("shared", "pipes")))
