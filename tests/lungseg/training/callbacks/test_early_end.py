"""Each way to end before its time has its line, its exit code and the advice that suits it."""

import logging
import signal
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from lungseg.errors import TrainingError
from lungseg.training.callbacks.early_end import ends_in_one_line
from lungseg.training.callbacks.end_together import StoppedError

ALONE = SimpleNamespace(launched=False)


@pytest.fixture(autouse=True)
def _unwatched(monkeypatch):
    """No thread watches over processes that there are not."""
    for watch in ("watched_peers", "watched_ranks"):
        name = f"lungseg.training.callbacks.early_end.{watch}"
        monkeypatch.setattr(name, lambda *_args, **_given: nullcontext())


def trainer(*, first=True, failed=None):
    strategy = SimpleNamespace(launcher=None, checkpoint_io=SimpleNamespace(failed=failed))
    return SimpleNamespace(strategy=strategy, is_global_zero=first, world_size=1)


def end_by(error, last=None, **given):
    with ends_in_one_line(trainer(**given), ALONE, last=last):
        raise error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (torch.OutOfMemoryError("CUDA"), "^the memory does not suffice for a step: lower"),
        (RuntimeError("can't allocate memory: 9 bytes"), "^the memory does not suffice"),
        (RuntimeError("DataLoader worker is killed by signal: Bus error."), "shards verify"),
        (RuntimeError("DataLoader worker\nis gone"), r"\(DataLoader worker\): lower --num-workers"),
    ],
)
def test_what_a_user_can_mend_is_said(error, line):
    with pytest.raises(TrainingError, match=line):
        end_by(error)


def test_other_errors_are_left_as_they_are():
    for error in (RuntimeError("odd"), ValueError("odd")):
        with pytest.raises(type(error), match=r"^odd$"):
            end_by(error)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_is_the_exit_code_of_the_first_rank_which_says_how_to_go_on(signum, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(SystemExit) as left:
        end_by(StoppedError(signum), last="run/last.ckpt")
    assert left.value.code == 128 + signum
    said = "the checkpoint is written; the same command with --resume goes on from run/last.ckpt"
    assert caplog.messages == [said]
    with pytest.raises(SystemExit) as left:
        end_by(StoppedError(signum), first=False)
    assert (left.value.code, len(caplog.messages)) == (0, 1)


def test_a_checkpoint_that_could_not_be_written_is_said_instead(caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(SystemExit):
        end_by(StoppedError(signal.SIGTERM), failed="the disk is full")
    assert caplog.messages == ["the disk is full; the same command begins it anew"]


def test_a_ctrl_c_is_one_however_lightning_takes_it(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(KeyboardInterrupt):
        end_by(StoppedError(signal.SIGINT))
    (last := tmp_path / "last.ckpt").touch()
    as_lightning = SystemExit(1)
    as_lightning.__context__ = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        end_by(as_lightning, last=last)
    assert caplog.messages[-1] == f"the same command with --resume goes on from {last}"


def test_who_leaves_by_itself_is_not_held_back():
    with pytest.raises(SystemExit) as left:
        end_by(SystemExit(3))
    assert left.value.code == 3
