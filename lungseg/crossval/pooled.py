"""The scores of all folds as those of one set of cases, whose models never saw them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from lungseg.scores.case_counts import CaseCounts
from lungseg.scores.dice import summarize_guarded
from lungseg.scores.intervals import bootstrap_interval
from lungseg.training.callbacks.best_checkpoint import BEST
from lungseg.training.log.case_table import read_cases

CAUTION = (
    "the epoch of each fold was chosen by the very cases that it is scored on, so new scans will "
    "score a little lower"
)


@dataclass(frozen=True, kw_only=True)
class FoldScores:
    """The best epoch of one fold's training.

    Attributes:
        fold: The fold.
        folder: Where the training lies.
        result: What its result.json says.
        cases: The voxels of each of its validation cases.
    """

    fold: int
    folder: Path
    result: dict[str, Any]
    cases: Sequence[CaseCounts]

    @classmethod
    def read(cls, fold: int, folder: Path) -> Self:
        """The scores that a training has left by now."""
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        cases = read_cases(folder / "cases.csv")[result["epoch"]]
        return cls(fold=fold, folder=folder, result=result, cases=cases)

    def row(self) -> dict[str, Any]:
        """What a table of the folds says of this one."""
        names = ("dice_case_mean", "n", "missed", "tumor_free", "false_volume_ml", "epoch")
        checkpoint = {"checkpoint": str(self.folder / BEST)}
        return {"fold": self.fold} | {name: self.result[name] for name in names} | checkpoint


def has_ended(folder: Path, *, epochs: int) -> bool:
    """Whether the training in a folder has had its epochs, or ended before by itself."""
    path = folder / "result.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return result.get("ended_early", False) or result.get("epochs") == epochs


def pooled(folds: Sequence[FoldScores]) -> dict[str, Any]:
    """Sum up all cases of all folds.

    Args:
        folds: At least one; no case is in two.

    Returns:
        Plain data: every score beside its definition, grid, threshold and n.
    """
    cases = [case for fold in folds for case in fold.cases]
    counts = np.array([(case.tp, case.fp, case.fn) for case in cases], np.int64)
    dice = [case.dice for case in cases if case.has_tumor]
    voxel_ml = [case.false_volume_ml / max(1, case.fp) for case in cases]
    return {
        **summarize_guarded(counts, voxel_ml),
        "dice_case_mean_ci95": bootstrap_interval(dice),
        **{name: folds[0].result[name] for name in ("grid", "threshold", "folds_from")},
        "caution": CAUTION,
        "folds": [fold.row() for fold in folds],
    }
