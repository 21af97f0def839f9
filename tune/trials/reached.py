"""How far a trial is, by the files that its trainings leave: one, or one for each of its folds."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shards.console.whole import write_json
from shards.storage.store import open_shards
from tune.history.memory import CASES, EPOCH, FOLDS, SCORE
from tune.options.config import SearchOptions
from tune.options.folds import folds_to_score
from tune.trials.attempts import LAST, fold_folder

if TYPE_CHECKING:
    from lungseg.crossval.pooled import FoldScores

Reached = dict[str, Any]

NONE: Reached = {EPOCH: 0, "dice_case_mean": 0.0, SCORE: 0.0, "best_epoch": 0, "missed": 0}
NONE |= {FOLDS: 1, CASES: []}


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of a trial.

    Attributes:
        fold: Where the trial is scored on several; else None.
        values: What it trains with.
        folder: Its `--out`.
    """

    fold: int | None
    values: Mapping[str, Any]
    folder: Path

    @property
    def resumes(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return (self.folder / LAST).exists()

    def has_ended(self, epochs: int) -> bool:
        """Whether it has had its epochs, and left its scores."""
        from lungseg.crossval.pooled import has_ended

        return has_ended(self.folder, epochs=epochs)


def trainings_of(search: SearchOptions, values: Mapping[str, Any], attempt: Path) -> list[Training]:
    """The trainings of a trial, in their order.

    Args:
        search: The options of the search.
        values: Those of the trial.
        attempt: Folder of the attempt.
    """
    if search.folds is None:
        return [Training(fold=None, values=values, folder=attempt)]
    shards = open_shards(search.data.shards, cache=search.data.cache)
    return [
        Training(fold=fold, values={**values, "fold": fold}, folder=fold_folder(attempt, fold))
        for fold in folds_to_score(search, shards)
    ]


def reached_by_all(trainings: Sequence[Training], attempt: Path, epochs: int) -> Reached:
    """How far a trial is, whose trainings run one after the other.

    Args:
        trainings: All of them.
        attempt: Folder of the attempt; where there are several, it gets a `result.json` of all.
        epochs: Of a whole training.

    Returns:
        As `reached`: epochs over all folds, the Dice of the last epoch on its fold, and the Dice
        over the cases of all folds begun, each after its best epoch; where a fold has ended and
        another follows, also that of each case.
    """
    if trainings[0].fold is None:
        return reached(attempt)
    begun = [training for training in trainings if reached(training.folder)[EPOCH]]
    if not begun:
        return dict(NONE)
    folds = _scores(begun)
    scores = _pooled(folds)
    write_json(attempt / "result.json", scores)
    last, before = reached(begun[-1].folder), epochs * (len(begun) - 1)
    between = last[EPOCH] == epochs and len(begun) < len(trainings)
    return last | {
        EPOCH: before + last[EPOCH],
        SCORE: scores["dice_case_mean"],
        "best_epoch": before + last["best_epoch"],
        "missed": scores["missed"],
        FOLDS: len(begun),
        CASES: _dice_of_cases(folds) if between else [],
    }


def reached(folder: Path) -> Reached:
    """How far a training is, by the files that it leaves.

    Args:
        folder: `--out` of the training.

    Returns:
        `epoch` (number of finished ones), `dice_case_mean` of the last, `best_dice_case_mean` and
        `best_epoch` (1-based), and the cases `missed` then.
    """
    table = folder / "metrics.csv"
    if not table.exists():
        return dict(NONE)
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    best = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return {
        EPOCH: len(rows),
        "dice_case_mean": float(rows[-1]["val/dice_case_mean"]),
        SCORE: best["dice_case_mean"],
        "best_epoch": best["epoch"] - int(rows[0]["epoch"]) + 1,
        "missed": best["missed"],
        FOLDS: 1,
        CASES: [],
    }


def _scores(begun: Sequence[Training]) -> "list[FoldScores]":
    from lungseg.crossval.pooled import FoldScores

    return [FoldScores.read(t.fold, t.folder) for t in begun if t.fold is not None]


def _pooled(folds: "Sequence[FoldScores]") -> dict[str, Any]:
    """The scores of all cases of the folds begun, each by the model that never saw it."""
    from lungseg.crossval.pooled import pooled

    return pooled(folds) | {"fold": [scores.fold for scores in folds]}


def _dice_of_cases(folds: "Sequence[FoldScores]") -> list[list[Any]]:
    """Name and Dice of each case with tumor; a list, as Tune takes tables of a result apart."""
    cases = [case for scores in folds for case in scores.cases if case.has_tumor]
    return [[case.case, case.dice] for case in cases]
