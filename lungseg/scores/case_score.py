"""One scan's prediction against its label: what is counted, and how a set of scans is summed up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lungseg.scores.dice import dice, soft_dice, summarize
from lungseg.scores.intervals import bootstrap_interval

Role = Literal["unseen", "validation", "training", "unknown"]
"""What a training did with a case: nothing, choose the checkpoint by it, train on it, who knows."""

GRID = "every voxel of each scan, on the scan's own grid"
SOFT_DEFINITION = (
    "2 sum(p t) / (sum p + sum t) over all pixels of all slices of all cases together, p the "
    "probability, t the mask, on the recipe's grid and without a threshold: what the tutorial "
    "reports. Large tumors dominate it; it is no segmentation score and not comparable with Dice "
    "per case"
)


@dataclass(frozen=True, kw_only=True)
class CaseScore:
    """The counts of one case, in voxels of the scan's own grid.

    Attributes:
        case: Name of the case.
        role: What the model's training did with the case: nothing, choose the checkpoint by it,
            or train on it.
        tp: Tumor voxels found.
        fp: Voxels falsely called tumor.
        fn: Tumor voxels missed.
        fn_dropped: Those of `fn` that lie in slices which the recipe drops.
        voxel_ml: Volume of one voxel, in mL.
        slices: Slices of the scan.
        slices_dropped: Slices that the recipe drops, so that the model never saw them.
        soft: Sum of probability times mask, and sum of probability plus sum of mask, both over the
            recipe's grid; None where there are no probabilities.
    """

    case: str
    role: Role
    tp: int
    fp: int
    fn: int
    fn_dropped: int
    voxel_ml: float
    slices: int
    slices_dropped: int
    soft: tuple[float, float] | None

    @property
    def dice(self) -> float | None:
        """Dice of the case; None where neither the truth nor the prediction has tumor."""
        return dice(self.tp, self.fp, self.fn)

    @property
    def truth_ml(self) -> float:
        """Volume of the labeled tumor, in mL."""
        return (self.tp + self.fn) * self.voxel_ml

    @property
    def predicted_ml(self) -> float:
        """Volume of the predicted tumor, in mL."""
        return (self.tp + self.fp) * self.voxel_ml

    @property
    def false_positive_ml(self) -> float:
        """Volume falsely called tumor, in mL."""
        return self.fp * self.voxel_ml

    @property
    def verdict(self) -> str:
        """In words, what kind of case this is for the mean."""
        if self.tp + self.fn == 0:
            return "tumor-free" if self.fp == 0 else "false alarm"
        if self.tp == 0:
            return "missed" if self.fp == 0 else "found elsewhere"
        return "scored"

    @property
    def bad(self) -> bool:
        """Whether nothing of what the model says, or does not say, is right."""
        return self.dice == 0

    def in_words(self) -> str:
        """The case as one line for people."""
        dice = "none" if self.dice is None else f"{self.dice:.4f}"
        volumes = f"labeled {self.truth_ml:.2f} mL, predicted {self.predicted_ml:.2f} mL"
        return f"{self.case}: Dice {dice} ({self.verdict}), {volumes}"

    def row(self) -> dict[str, Any]:
        """The case as a row of `cases.csv` and of the list in `metrics.json`."""
        return {
            "case": self.case,
            "role": self.role,
            "verdict": self.verdict,
            "dice": self.dice,
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
            "fn_dropped": self.fn_dropped,
            "truth_ml": round(self.truth_ml, 4),
            "predicted_ml": round(self.predicted_ml, 4),
            "false_positive_ml": round(self.false_positive_ml, 4),
            "slices": self.slices,
            "slices_dropped": self.slices_dropped,
        }


def count_voxels(
    truth: npt.NDArray[np.uint8], prediction: npt.NDArray[np.uint8]
) -> tuple[int, int, int]:
    """True positive, false positive and false negative voxels of two masks of one shape."""
    if truth.shape != prediction.shape:
        raise AssertionError(f"masks of one grid expected, got {truth.shape}, {prediction.shape}")
    overlap = int(np.count_nonzero(np.logical_and(truth, prediction)))
    return (
        overlap,
        int(np.count_nonzero(prediction)) - overlap,
        int(np.count_nonzero(truth)) - overlap,
    )


def metrics(scores: Sequence[CaseScore], *, threshold: float | None) -> dict[str, Any]:
    """The content of `metrics.json` that comes from the scores.

    Args:
        scores: One per case, at least one.
        threshold: Probability from which a voxel was called tumor; None where that is not known.

    Returns:
        Plain data; every score stands beside its definition, grid, threshold and n.
    """
    counts = np.array([(score.tp, score.fp, score.fn) for score in scores], np.int64)
    false_alarms = [score for score in scores if score.verdict == "false alarm"]
    return {
        **summarize(counts),
        "dice_case_mean_ci95": bootstrap_interval(
            [score.dice for score in scores if score.tp + score.fn > 0]
        ),
        "grid": GRID,
        "threshold": threshold,
        "false_alarm_ml": round(sum((score.false_positive_ml for score in false_alarms), 0.0), 4),
        **_pooled_soft(scores),
        "cases": [score.row() for score in scores],
    }


def _pooled_soft(scores: Sequence[CaseScore]) -> dict[str, Any]:
    """The tutorial's number, where there are probabilities to make it of."""
    sums = [score.soft for score in scores if score.soft is not None]
    if len(sums) < len(scores):
        return {}
    overlap, total = (sum(column) for column in zip(*sums, strict=True))
    return {
        "dice_pooled_soft": soft_dice(overlap, total),
        "dice_pooled_soft_definition": SOFT_DEFINITION,
    }
