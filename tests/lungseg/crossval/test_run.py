"""Each case is scored once, by the fold that it is in; what has ended is not trained again."""

import csv
import json

import pytest

import lungseg
from lungseg.crossval import run
from lungseg.crossval.run import cross_validate
from lungseg.errors import TrainingError
from shards.console.command import parse
from tests.toy_training import TINY, options


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_case_is_scored_by_its_fold_and_nothing_is_trained_twice(shards, tmp_path, trained):
    out = tmp_path / "cv"
    given = {"epochs": 1, "folds": ["all"], "lr": 0.02}
    result = cross_validate(options(shards, out, **given))
    assert trained == [0, 1, 2, 3, 4]
    assert [(row["case"], row["fold"]) for row in rows(out / "cases.csv")] == [
        (f"lung_{k:03d}", str(k)) for k in range(5)
    ]
    dice = [float(row["dice"]) for row in rows(out / "cases.csv")]
    assert result["dice_case_mean"] == sum(dice) / 5
    assert dice == [
        json.loads((out / f"fold_{k}" / "result.json").read_text())["dice_case_mean"]
        for k in range(5)
    ]
    assert json.loads((out / "result.json").read_text()) == result
    assert result["folds_missing"] == []
    assert "lung_004" in (out / "report.html").read_text()
    again = cross_validate(options(shards, out, **given, resume="auto"))
    assert (again, trained) == (result, [0, 1, 2, 3, 4])


def test_more_epochs_train_on_and_other_options_are_refused(shards, tmp_path, trained):
    given = {"folds": [1, 3], "resume": "auto"}
    cross_validate(options(shards, tmp_path, epochs=1, **given))
    with pytest.raises(TrainingError, match=r"--lr was 0.001 .*fold_1 began and is 0.5"):
        cross_validate(options(shards, tmp_path, epochs=1, lr=0.5, **given))
    result = cross_validate(options(shards, tmp_path, epochs=2, **given))
    assert trained == [1, 3, 1, 3]
    assert [row["fold"] for row in result["folds"]] == [1, 3]
    assert (tmp_path / "fold_3" / "metrics.csv").read_text().count("\n") == 3


def test_a_break_in_a_fold_costs_that_fold_only(shards, tmp_path, trained, monkeypatch):
    whole = run.train_fold

    def breaks(training):
        if training.validation.fold == 1:
            raise KeyboardInterrupt
        whole(training)

    monkeypatch.setattr(run, "train_fold", breaks)
    given = {"epochs": 1, "folds": [0, 1], "resume": "auto"}
    with pytest.raises(KeyboardInterrupt):
        cross_validate(options(shards, tmp_path, **given))
    assert json.loads((tmp_path / "result.json").read_text())["folds_missing"] == [1]
    monkeypatch.setattr(run, "train_fold", whole)
    cross_validate(options(shards, tmp_path, **given))
    assert trained == [0, 1]


def test_a_file_gives_the_folds_and_the_folder_gives_them_back(shards, tmp_path, trained):
    (tmp_path / "mine.csv").write_text(
        "case,fold\n" + "".join(f"lung_{k:03d},{k // 3}\n" for k in range(5))
    )
    given = {"epochs": 1, "folds": ["all"], "folds_file": tmp_path / "mine.csv"}
    result = cross_validate(options(shards, tmp_path / "cv", **given))
    assert trained == [0, 1]
    assert [row["n"] for row in result["folds"]] == [3, 2]
    assert (tmp_path / "cv" / "folds.csv").read_text() == (tmp_path / "mine.csv").read_text()
    words = ["--config", str(tmp_path / "cv" / "config.yaml"), "--resume"]
    kept = parse(type(options(shards, tmp_path)), words, prog="", description="")
    assert cross_validate(kept) == result


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"folds": [0, 9]}, r"--fold 9 leaves .* in the folds \[0, 1, 2, 3, 4\]"),
        ({"folds": ["all"], "resume": True}, "--resume needs .*folds.csv, which does not exist"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_first_fold(
    shards, tmp_path, trained, given, said
):
    with pytest.raises(TrainingError, match=said):
        cross_validate(options(shards, tmp_path / "cv", epochs=1, **given))
    assert trained == []
    assert not (tmp_path / "cv").exists()


def test_a_cross_validation_is_not_begun_over_another(shards, tmp_path, trained):
    (tmp_path / "folds.csv").write_text("case,fold\n")
    with pytest.raises(TrainingError, match=r"holds a cross-validation already: .* --resume"):
        cross_validate(options(shards, tmp_path, folds=["all"]))
    assert trained == []


def test_a_notebook_can_ask_for_it(shards, tmp_path, trained):
    given = {"devices": 1, "accelerator": "cpu", "epochs": 1, **TINY}
    result = lungseg.fit_model(shards, tmp_path / "cv", folds=[4], **given)
    assert trained == [4]
    assert result["folds"][0]["checkpoint"] == str(tmp_path / "cv" / "fold_4" / "best.ckpt")
