"""A checkpoint is written whole beside its place, or the one of before stays."""

import errno
import os
import threading

import pytest
import torch

from lungseg.errors import TrainingError
from lungseg.training.checkpoint_io import WholeCheckpoints
from lungseg.training.run import fit
from tests.toy_training import options


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_was_saved_is_what_is_read(tmp_path):
    content = {"weights": torch.arange(5.0), "epoch": 3}
    WholeCheckpoints().save_checkpoint(content, tmp_path / "a.ckpt")
    read = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert torch.equal(read["weights"], content["weights"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]


def test_on_a_full_disk_the_checkpoint_of_before_stays_and_is_said(tmp_path, monkeypatch, caplog):
    checkpoints = WholeCheckpoints()
    checkpoints.save_checkpoint({"epoch": 1}, tmp_path / "a.ckpt")
    monkeypatch.setattr("torch.save", full)
    checkpoints.save_checkpoint({"epoch": 2}, tmp_path / "a.ckpt")
    checkpoints.settle()
    assert torch.load(tmp_path / "a.ckpt", weights_only=True) == {"epoch": 1}
    assert "the one of before stays" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]
    assert "No space left" in checkpoints.failed


@pytest.fixture
def slow_disk(monkeypatch):
    """Nothing is written before this event."""
    go_on, save = threading.Event(), torch.save

    def save_later(*given):
        assert go_on.wait(60)
        save(*given)

    def begin():
        monkeypatch.setattr("torch.save", save_later)
        return go_on

    return begin


def test_a_training_goes_on_while_a_disk_is_slow_and_changes_nothing_of_what_is_written(
    tmp_path, slow_disk
):
    path, checkpoints = tmp_path / "a.ckpt", WholeCheckpoints()
    weight, groups = torch.zeros(3), [{"lr": 1.0}]
    checkpoints.save_checkpoint({"weight": weight}, path)
    go_on = slow_disk()
    weight += 1
    checkpoints.save_checkpoint({"weight": weight, "groups": groups}, path)
    weight += 1
    groups[0]["lr"] = 2.0
    assert torch.load(path, weights_only=True)["weight"].tolist() == [0, 0, 0]
    go_on.set()
    checkpoints.settle()
    written = torch.load(path, weights_only=True)
    assert (written["weight"].tolist(), written["groups"]) == ([1, 1, 1], [{"lr": 1.0}])


def test_the_last_that_was_given_is_the_one_that_stays(tmp_path):
    checkpoints = WholeCheckpoints()
    for epoch in range(5):
        for name in ("a.ckpt", "b.ckpt"):
            checkpoints.save_checkpoint({"epoch": epoch}, tmp_path / name)
    checkpoints.teardown()
    found = [torch.load(path, weights_only=True) for path in tmp_path.iterdir()]
    assert found == [{"epoch": 4}] * 2


def test_what_goes_wrong_beside_a_training_is_not_lost(tmp_path, monkeypatch):
    checkpoints = WholeCheckpoints()
    checkpoints.save_checkpoint({}, tmp_path / "a.ckpt")
    monkeypatch.setattr("torch.save", lambda *_: 1 / 0)
    checkpoints.save_checkpoint({}, tmp_path / "a.ckpt")
    with pytest.raises(ZeroDivisionError):
        checkpoints.teardown()


def test_without_one_of_before_it_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.save", full)
    with pytest.raises(TrainingError, match=r"a\.ckpt cannot be written .*No space.*make room"):
        WholeCheckpoints().save_checkpoint({}, tmp_path / "a.ckpt")


def test_a_training_needs_no_folder_for_temporary_files(shards, tmp_path, monkeypatch):
    def none(*_, **__):
        raise OSError(errno.ENOSPC, "the folder of temporary files is full")

    monkeypatch.setattr("tempfile.mkstemp", none)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", none)
    fit(options(shards, tmp_path, epochs=1))
    assert (tmp_path / "last.ckpt").stat().st_size > 1000


def test_weights_that_are_no_numbers_replace_none_that_are(tmp_path):
    for value in (1.0, float("nan")):
        content, checkpoints = {"state_dict": {"weight": torch.tensor(value)}}, WholeCheckpoints()
        checkpoints.save_checkpoint(content, tmp_path / "a.ckpt")
        checkpoints.teardown()
    assert torch.load(tmp_path / "a.ckpt", weights_only=True)["state_dict"]["weight"] == 1
