"""Attempts at a URL never write where another one does, and each begins where the last was."""

from pathlib import Path

import pytest

from tune.trials.attempts import SupersededError
from tune.trials.away import attempt_at


def test_an_attempt_begins_with_the_checkpoint_of_the_last_one_and_ends_that(tmp_path):
    url = Path(f"memory://{tmp_path.name}/search")
    with attempt_at(url, 7) as first, attempt_at(url, 7) as second:
        assert not first.resumes
        with pytest.raises(SupersededError):
            first.assert_newest()
        for name in ("last.ckpt", "metrics.csv", "fold_1/last.ckpt"):
            (second.folder / name).parent.mkdir(exist_ok=True)
            (second.folder / name).write_text("epoch 1")
        second.keep()
        (first.folder / "last.ckpt").write_text("of a cut-off process")
        first.keep()
        with attempt_at(url, 7) as third:
            assert third.resumes
            assert (third.folder / "last.ckpt").read_text() == "epoch 1"
            assert (third.folder / "metrics.csv").read_text() == "epoch 1"
            assert (third.folder / "fold_1" / "last.ckpt").read_text() == "epoch 1"
            third.assert_newest()
        assert not third.folder.exists()
