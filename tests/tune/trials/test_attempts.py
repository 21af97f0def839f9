"""Attempts at a trial never mix: each has its own folder, and an old one ends."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tune.trials.attempts import LAST, SupersededError, attempts, claim, fold_folder


def train(attempt, *, last=b"weights"):
    """Leave what a training leaves."""
    (attempt.folder / "config.yaml").write_text("epochs: 3\n")
    (attempt.folder / "metrics.csv").write_text("epoch\n0\n")
    (attempt.folder / LAST).write_bytes(last)


def test_a_new_trial_has_nothing_to_go_on_from(tmp_path):
    attempt = claim(tmp_path / "trial")
    assert attempt.number == 1
    assert not attempt.resumes
    assert list(attempt.folder.iterdir()) == []


def test_the_next_attempt_begins_where_the_last_was(tmp_path):
    first = claim(tmp_path)
    train(first)
    second = claim(tmp_path)
    assert second.resumes
    assert (second.folder / LAST).read_bytes() == b"weights"
    assert (second.folder / "metrics.csv").read_text() == "epoch\n0\n"
    assert not (second.folder / "config.yaml").exists()


def test_the_next_attempt_has_every_fold_that_the_last_had(tmp_path):
    first = claim(tmp_path)
    for fold in (4, 0):
        folder = fold_folder(first.folder, fold)
        folder.mkdir()
        (folder / LAST).write_text(f"fold {fold}")
        (folder / "result.json").write_text("{}")
    (fold_folder(first.folder, 1)).mkdir()  # was just begun
    second = claim(tmp_path)
    assert second.resumes
    for fold in (4, 0):
        assert (fold_folder(second.folder, fold) / LAST).read_text() == f"fold {fold}"
        assert (fold_folder(second.folder, fold) / "result.json").exists()
    assert [path.name for path in second.trainings] == ["fold_0", "fold_4"]


def test_what_an_old_attempt_still_writes_changes_nothing(tmp_path):
    first = claim(tmp_path)
    train(first)
    second = claim(tmp_path)
    train(first, last=b"of a process that was believed dead")
    assert (second.folder / LAST).read_bytes() == b"weights"


def test_an_old_attempt_ends_once_there_is_a_newer_one(tmp_path):
    first = claim(tmp_path)
    first.assert_newest()
    second = claim(tmp_path)
    with pytest.raises(SupersededError, match=r"attempt-1 is superseded by .*attempt-2"):
        first.assert_newest()
    second.assert_newest()


def test_an_attempt_that_died_early_is_skipped(tmp_path):
    train(claim(tmp_path))
    claim(tmp_path)
    (tmp_path / "attempt-2" / LAST).unlink()
    assert claim(tmp_path).resumes


def test_many_processes_claim_different_folders(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda _: claim(tmp_path), range(24)))
    assert sorted(attempt.number for attempt in claimed) == list(range(1, 25))
    assert attempts(tmp_path)[-1].number == 24


def test_a_search_whose_folder_vanished_is_not_made_anew(tmp_path):
    with pytest.raises(FileNotFoundError):
        claim(tmp_path / "gone" / "trials" / "000")
    assert list(tmp_path.iterdir()) == []
