"""How far a trial is, is read from what its trainings left."""

import json

import pytest

from lungseg.scores.case_counts import CaseCounts
from lungseg.training.log.case_table import COLUMNS, row_of, write_rows
from tests.toy_shards import make_shards
from tune.options.config import SearchOptions
from tune.trials.attempts import fold_folder
from tune.trials.reached import NONE, reached, reached_by_all, trainings_of


def leave(folder, *, first_epoch, dice, best):
    rows = [f"{first_epoch + n},{value}" for n, value in enumerate(dice)]
    (folder / "metrics.csv").write_text("\n".join(["epoch,val/dice_case_mean", *rows]) + "\n")
    result = {"epoch": first_epoch + best, "dice_case_mean": dice[best], "missed": 1}
    (folder / "result.json").write_text(json.dumps(result))


def test_a_training_before_its_first_epoch_has_reached_none(tmp_path):
    assert reached(tmp_path)["epoch"] == 0


def test_epochs_are_counted_from_one_however_the_table_counts_them(tmp_path):
    for first_epoch in (0, 1):
        leave(tmp_path, first_epoch=first_epoch, dice=[0.2, 0.5, 0.4], best=1)
        assert reached(tmp_path) == {
            "epoch": 3,
            "dice_case_mean": 0.4,
            "best_dice_case_mean": 0.5,
            "best_epoch": 2,
            "missed": 1,
            "folds": 1,
            "cases": [],
        }


def train(folder, fold, dice_by_epoch, *, ended=False, epochs=3):
    """Leave what a training of a fold does; its cases have these Dice after its epochs."""
    folder.mkdir(exist_ok=True)
    rows, means = [], []
    for epoch, dices in enumerate(dice_by_epoch, start=1):
        for number, dice in enumerate(dices):
            tp = round(500 * dice)
            counts = CaseCounts(
                case=f"{fold}-{number}", tp=tp, fp=500 - tp, fn=500 - tp, false_volume_ml=0.0
            )
            rows.append({"epoch": epoch, **row_of(counts)})
        means.append(sum(dices) / len(dices))
    write_rows(folder / "cases.csv", ("epoch", *COLUMNS), rows)
    best = max(range(len(means)), key=means.__getitem__)
    leave(folder, first_epoch=1, dice=means, best=best)
    of_all = {"grid": "model", "threshold": 0.5, "folds_from": "x", "n": 1, "tumor_free": 0}
    of_all |= {"false_volume_ml": 0.0} | ({"epochs": epochs} if ended else {})
    result = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps(result | of_all))


def test_the_score_of_several_folds_is_the_mean_over_their_cases(tmp_path):
    search = SearchOptions.of(
        shards=str(make_shards(tmp_path / "shards")), out=tmp_path, folds=2, fold=4, epochs=3
    )
    attempt = tmp_path / "attempt-1"
    attempt.mkdir()
    trainings = trainings_of(search, {"lr": 0.1}, attempt)
    assert [training.values for training in trainings] == [
        {"lr": 0.1, "fold": 4},
        {"lr": 0.1, "fold": 0},
    ]
    assert reached_by_all(trainings, attempt, 3) == NONE
    first, second = trainings
    train(first.folder, 4, [[0.2], [0.6], [0.4]], ended=True)
    assert (first.has_ended(3), second.has_ended(3)) == (True, False)
    found = reached_by_all(trainings, attempt, 3)
    assert (found["epoch"], found["folds"], found["best_epoch"]) == (3, 1, 2)
    assert found["best_dice_case_mean"] == pytest.approx(0.6)
    assert found["cases"] == [["4-0", pytest.approx(0.6)]]
    train(second.folder, 0, [[0.3, 0.3], [0.0, 0.1]])
    found = reached_by_all(trainings, attempt, 3)
    assert (found["epoch"], found["folds"], found["best_epoch"]) == (5, 2, 4)
    assert found["best_dice_case_mean"] == pytest.approx((0.6 + 0.3 + 0.3) / 3)
    assert found["dice_case_mean"] == pytest.approx(0.05)
    left = json.loads((attempt / "result.json").read_text())
    assert (left["fold"], left["n"]) == ([4, 0], 3)
    assert found["cases"] == []  # within a fold
    train(second.folder, 0, [[0.3, 0.3], [0.0, 0.1], [0.0, 0.1]], ended=True)
    assert reached_by_all(trainings, attempt, 3)["cases"] == []  # no fold follows


def test_a_trial_of_one_fold_lies_in_its_attempt(tmp_path):
    search = SearchOptions.of(shards="x", out=tmp_path)
    (training,) = trainings_of(search, {"lr": 0.1}, tmp_path)
    assert (training.folder, training.values, training.resumes) == (tmp_path, {"lr": 0.1}, False)
    leave(tmp_path, first_epoch=1, dice=[0.2], best=0)
    assert reached_by_all([training], tmp_path, 3) == reached(tmp_path)
    assert fold_folder(tmp_path, 3).name == "fold_3"
