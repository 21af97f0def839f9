"""metrics.csv and result.json count epochs from 1 and agree with each other."""

import csv
import json

import pytest


def rows(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_epochs_and_steps_are_counted_from_1(finished):
    assert [(row["epoch"], row["step"]) for row in rows(finished)] == [("1", "6")]
    assert [path.name for path in (finished / "pictures").iterdir()] == ["epoch-001"]
    assert json.loads((finished / "result.json").read_text())["epoch"] == 1


def test_the_result_is_the_row_of_its_epoch(finished):
    result = json.loads((finished / "result.json").read_text())
    (row,) = (row for row in rows(finished) if row["epoch"] == str(result["epoch"]))
    assert float(row["val/dice_case_mean"]) == pytest.approx(result["dice_case_mean"])


def test_losses_times_and_their_shares_stand_in_the_table(finished):
    (row,) = rows(finished)
    assert float(row["train/loss"]) > 0
    assert float(row["val/loss"]) > 0
    assert 0 <= float(row["train/data_wait"]) < 1
    assert 0 < float(row["val/time_share"]) < 1
    assert float(row["train/epoch_seconds"]) > 0
    assert row["train/gpu_gb"] == ""  # the most memory that was taken on a GPU
