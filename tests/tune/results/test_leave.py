"""The files of a finished search tell of every trial, and keep the best one."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from lungseg.options.fit import FitOptions
from shards.console.groups import flattened
from tune.config import SearchOptions
from tune.errors import SearchError
from tune.results.leave import leave_results
from tune.results.page import render
from tune.trials.outcome import TrialOutcome
from tune.trials.settings import settled
from tune.trials.snapshot import is_whole

SCORES = {
    "dice_case_mean": 0.7,
    "n": 3,
    "missed": 1,
    "definition": "mean over cases",
    "grid": "model",
    "threshold": 0.5,
    "fold": 0,
    "epoch": 4,
}


def outcome(out, number, dice, *, reason="", loss="dice"):
    """A trial as it would have been left in `out`."""
    folder = out / "trials" / f"{number:03d}" / "attempt-1"
    folder.mkdir(parents=True)
    (folder / "best.ckpt").write_text(f"weights of {number}")
    (folder / "last.ckpt").write_text("")
    (folder / "result.json").write_text(json.dumps(SCORES | {"dice_case_mean": dice}))
    return TrialOutcome(
        number=number,
        status="failed" if reason else "finished",
        values={"loss": loss, "lr": 0.001 * (number + 1), "oversample": 2.5},
        dice=dice,
        best_epoch=None if dice is None else 5,
        curve=(0.1, 0.5),
        seconds=12.0,
        attempts=1,
        node="127.0.0.1/abc",
        reason=reason,
        checkpoint=folder / "best.ckpt",
    )


@pytest.fixture
def options(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    return SearchOptions.of(shards="/shards", out=out, width=8, trials=3)


def test_the_best_is_kept_and_the_failed_one_is_named(options):
    out = options.out
    trials = [outcome(out, 2, 0.7), outcome(out, 0, 0.6), outcome(out, 1, None, reason="no memory")]
    result = leave_results(options, trials)
    assert (out / "best.ckpt").read_text() == "weights of 2"
    assert [path.name for path in out.rglob("*.ckpt")] == ["best.ckpt"]
    assert (result["trial"], result["failed"], result["dice_case_mean"]) == (2, 1, 0.7)
    with (out / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["0", "1", "2"]
    assert (rows[1]["status"], rows[1]["reason"]) == ("failed", "no memory")
    assert rows[1]["dice_case_mean"] == ""


def test_the_best_config_makes_the_same_training(options, tmp_path):
    leave_results(options, [outcome(options.out, 0, 0.7)])
    given = yaml.safe_load((options.out / "best.yaml").read_text())
    made = FitOptions.of(**flattened(given), out=tmp_path)
    assert (made.loss.loss, made.step.lr, made.draw.oversample) == ("dice", 0.001, 2.5)
    assert (made.data.shards, made.net.width) == ("/shards", 8)


def test_all_failed_is_an_error_with_the_first_reason(options):
    trials = [outcome(options.out, n, None, reason=f"reason {n}") for n in (1, 0)]
    with pytest.raises(SearchError, match=r"all 2 trials failed, trial 0 because: reason 0"):
        leave_results(options, trials)
    assert (options.out / "trials.csv").exists()
    assert not (options.out / "result.json").exists()


def test_report_of_few_and_odd_trials(options):
    trials = [
        outcome(options.out, 0, 0.7, loss="bce"),
        outcome(options.out, 1, None, reason="<script>alert(1)</script>"),
    ]
    values = trials[0].values | {"trial": 0, "best_epoch": 5, "best_config": "best.yaml"}
    page = render(options, trials, SCORES | values)
    assert "<script>" not in page
    assert "nan" not in page
    assert "1 of them" in " ".join(page.split())


def test_paths_are_absolute_for_trials_elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made = settled(SearchOptions.of(shards="shards", out=Path("out")))
    assert (made.data.shards, made.out) == (str(tmp_path / "shards"), tmp_path / "out")
    far = settled(SearchOptions.of(shards="s3://bucket/shards", out=Path("out")))
    assert far.data.shards == "s3://bucket/shards"


def test_a_folder_without_snapshots_is_not_gone_on_with(tmp_path):
    assert not is_whole(tmp_path)
