"""The one definition of Dice, and of what happens to cases without tumor or without a finding."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

DEFINITION = (
    "mean over the n cases with tumor of Dice = 2 TP / (2 TP + FP + FN), from the counts over all "
    "voxels of a case; a case in which nothing is found has Dice 0; tumor-free cases are left out "
    "and counted"
)


def dice(tp: int, fp: int, fn: int) -> float | None:
    """Dice = 2 TP / (2 TP + FP + FN) of one case (Dice, Ecology 26, 1945).

    Args:
        tp: Tumor voxels found.
        fp: Voxels falsely called tumor.
        fn: Tumor voxels missed.

    Returns:
        0 to 1; None where neither the truth nor the prediction has tumor.
    """
    total = 2 * tp + fp + fn
    return 2 * tp / total if total else None


def summarize(counts: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Sum up a set of cases; the counts are exact, so the order of cases does not matter.

    Args:
        counts: (cases, 3) int64: TP, FP and FN of each case.

    Returns:
        `dice_case_mean` (None for n = 0), `n` cases with tumor, those `missed` altogether,
        `tumor_free` cases, those of them with `false_alarms`, and the `definition` in words.
    """
    tp, fp, fn = np.asarray(counts, np.int64).reshape(-1, 3).T
    with_tumor = tp + fn > 0
    scores = [dice(*row) or 0.0 for row in counts[with_tumor].tolist()]
    return {
        "dice_case_mean": float(np.mean(scores)) if scores else None,
        "n": len(scores),
        "missed": int((with_tumor & (tp + fp == 0)).sum()),
        "tumor_free": int((~with_tumor).sum()),
        "false_alarms": int((~with_tumor & (fp > 0)).sum()),
        "definition": DEFINITION,
    }


GUARDED = "dice_guarded"
"""Name of the score by which a training chooses its checkpoint."""

GUARDED_DEFINITION = (
    "mean over all cases: of one with tumor its Dice, of a tumor-free one 1 mL / (1 mL + the "
    "volume falsely called tumor); without tumor-free cases it is dice_case_mean"
)


def guarded_of_case(tp: int, fp: int, fn: int, *, voxel_ml: float) -> float:
    """What one case adds to the mean that `GUARDED_DEFINITION` defines, 0 to 1."""
    return dice(tp, fp, fn) or 0.0 if tp + fn else 1 / (1 + fp * voxel_ml)


def guarded_dice(
    counts: npt.NDArray[np.int64], voxel_ml: Sequence[float]
) -> tuple[float | None, float]:
    """Dice that also counts tumor where there is none.

    Args:
        counts: (cases, 3) int64: TP, FP and FN of each case.
        voxel_ml: Volume of a voxel of each case, mL.

    Returns:
        The score that `GUARDED_DEFINITION` defines, 0 to 1, None without a case; and the mean
        volume of a case that is falsely called tumor, in mL.
    """
    rows = np.asarray(counts, np.int64).reshape(-1, 3).tolist()
    false_ml = [row[1] * ml for row, ml in zip(rows, voxel_ml, strict=True)]
    scores = [guarded_of_case(*row, voxel_ml=ml) for row, ml in zip(rows, voxel_ml, strict=True)]
    mean = float(np.mean(scores)) if scores else None
    return mean, sum(false_ml) / max(1, len(false_ml))


def summarize_guarded(counts: npt.NDArray[np.int64], voxel_ml: Sequence[float]) -> dict[str, Any]:
    """As `summarize`, with the guarded Dice, its definition and `false_volume_ml` a case."""
    guarded, false_ml = guarded_dice(counts, voxel_ml)
    return summarize(counts) | {
        GUARDED: guarded,
        f"{GUARDED}_definition": GUARDED_DEFINITION,
        "false_volume_ml": false_ml,
    }


def soft_dice(overlap: float, total: float) -> float | None:
    """Pooled soft Dice from sums over pixels.

    Args:
        overlap: Sum of probability times mask.
        total: Sum of probability plus sum of mask.

    Returns:
        2 overlap / total; None where there is nothing.
    """
    return 2 * overlap / total if total > 0 else None
