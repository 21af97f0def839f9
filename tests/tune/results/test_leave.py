"""The files of a finished search tell of every trial, and keep the best one."""

import csv
import dataclasses
import json

import pytest
import yaml

from lungseg.options.fit import FitOptions
from shards.console.groups import flattened, replaced
from tests.toy_trials import SCORES, outcome
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.results.leave import finished_result, leave_result, leave_so_far
from tune.results.page import render


@pytest.fixture
def options(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    return SearchOptions.of(shards="/shards", out=out, width=8, trials=3)


def test_the_best_is_kept_and_the_failed_one_is_named(options):
    out = options.out
    trials = [outcome(out, 2, 0.7), outcome(out, 0, 0.6), outcome(out, 1, None, reason="no memory")]
    result = leave_result(options, trials)
    assert (out / "best.ckpt").read_text() == "weights of 2"
    assert [path for path in out.rglob("best.ckpt") if path.parents[1].name != "001"] == [
        out / "best.ckpt"
    ]
    assert (result["trial"], result["failed"], result["dice_case_mean"]) == (2, 1, 0.7)
    with (out / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["0", "1", "2"]
    assert (rows[1]["status"], rows[1]["reason"]) == ("failed", "no memory")
    assert rows[1]["dice_case_mean"] == ""


def test_of_several_folds_it_is_said_which_and_on_how_many_each_trial_was_scored(options):
    trials = [
        dataclasses.replace(outcome(options.out, number, dice), folds=folds)
        for number, dice, folds in ((1, 0.4, 2), (0, 0.9, 1))
    ]
    trials[0].scores.write_text(json.dumps(SCORES | {"fold": [0, 1], "dice_case_mean": 0.4}))
    result = leave_result(replaced(options, folds=2), trials)
    assert (result["trial"], result["fold"], result["dice_case_mean"]) == (1, [0, 1], 0.4)
    with (options.out / "trials.csv").open(newline="") as file:
        assert [row["folds"] for row in csv.DictReader(file)] == ["1", "2"]
    page = " ".join((options.out / "report.html").read_text().split())
    assert "on the validation cases of folds 0, 1, each scored by a model that never saw it" in page
    assert "<th>folds</th>" in page


def test_the_best_config_makes_the_same_training(options, tmp_path):
    leave_result(options, [outcome(options.out, 0, 0.7)])
    given = yaml.safe_load((options.out / "best.yaml").read_text())
    made = FitOptions.of(**flattened(given), out=tmp_path)
    assert (made.loss.loss, made.step.lr, made.draw.oversample) == ("dice", 0.001, 2.5)
    assert (made.data.shards, made.net.width) == ("/shards", 8)


def test_all_failed_is_an_error_with_the_first_reason(options):
    trials = [outcome(options.out, n, None, reason=f"reason {n}") for n in (1, 0)]
    with pytest.raises(SearchError, match=r"all 2 trials failed, trial 0 because: reason 0"):
        leave_result(options, trials)
    assert (options.out / "trials.csv").exists()
    assert finished_result(options.out) is None


def test_trials_that_found_no_tumor_crown_no_best(options):
    trials = [outcome(options.out, n, 0.0) for n in (0, 1)]
    with pytest.raises(SearchError, match=r"none of 2 trials found any tumor .*--epochs"):
        leave_result(options, trials)
    page = (options.out / "report.html").read_text()
    assert "No trial found any tumor" in page
    assert "lungseg.fit" not in page
    assert not (options.out / "best.yaml").exists()
    assert finished_result(options.out) is None


def test_results_are_there_after_every_trial_and_the_best_survives_better_ones(options):
    """Its checkpoint is copied once, and then only where another trial turns out to be better."""
    out = options.out
    first, second, third = outcome(out, 0, 0.5), outcome(out, 1, 0.4), outcome(out, 2, 0.6)
    for trials, best in (
        ([first], 0),
        ([first, second], 0),
        ([third, first, second], 2),
        ([third, first, second], 2),
    ):
        leave_so_far(options, trials)
        assert (out / "best.ckpt").read_text() == f"weights of {best}"
        lr = yaml.safe_load((out / "best.yaml").read_text())["step"]["lr"]
        assert lr == pytest.approx(0.001 * (best + 1))
        with (out / "trials.csv").open(newline="") as file:
            assert len(list(csv.DictReader(file))) == len(trials)
    assert finished_result(out) is None


def test_a_search_that_is_extended_is_not_finished_any_more(options):
    leave_result(options, [outcome(options.out, 0, 0.5)])
    assert finished_result(options.out)["trial"] == 0
    leave_so_far(options, [outcome(options.out, 1, 0.6)])
    assert finished_result(options.out) is None


def test_what_a_failed_trial_may_go_on_from_is_kept(options):
    leave_result(
        options, [outcome(options.out, 0, 0.5), outcome(options.out, 1, None, reason="full disk")]
    )
    kept = sorted(path.parent.parent.name for path in options.out.rglob("last.ckpt"))
    assert kept == ["001"]


def test_report_says_how_to_train_in_full(options):
    leave_result(options, [outcome(options.out, 0, 0.5)])
    page = " ".join((options.out / "report.html").read_text().split())
    assert "--epochs" in page[page.index("lungseg.fit --config") :][:200]
    assert f"{options.step.epochs} epochs" in page


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


def test_a_search_that_was_cut_off_before_any_trial_ended_says_so(options):
    with pytest.raises(SearchError, match="no trial has ended yet: the same command goes on"):
        leave_result(options, [])
