"""The same predictions under the common definitions of Dice, which give very different numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

DEFINITIONS = {
    "soft_pooled": "2 sum(p t) / (sum p + sum t) over all pixels of all cases together, without a "
    "threshold, on the model's grid: what the tutorial reports",
    "hard_pooled": "2 TP / (2 TP + FP + FN) over all pixels of all cases together, on the model's "
    "grid",
    "slice_mean": "mean of the Dice of each slice, where a slice without tumor in label and "
    "prediction counts 1, on the model's grid: mostly empty slices",
    "slice_mean_not_empty": "the same without slices that are empty in label and prediction",
    "case_mean_model_grid": "mean of the Dice of each case with tumor, on the model's grid",
    "case_mean": "mean of the Dice of each case with tumor, over all voxels of the scan's own grid",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Sums:
    """What a set of cases is scored from, by one predictor.

    Attributes:
        slices: For each case (n, 3) by slice of the model's grid: sums of probability times label,
            of probability, of label.
        hard: Likewise, (n, 3): the same of the mask that is called tumor.
        native: For each case its Dice on the scan's own grid; None for those without tumor.
    """

    slices: Sequence[Values]
    hard: Sequence[Values]
    native: Sequence[float | None] | None


def parts_by_definition(sums: Sums) -> dict[str, Values]:
    """For each of `DEFINITIONS` the (n, 2) sums that it divides: over all rows, first by second."""
    soft, hard = ([np.asarray(c, np.float64) for c in held] for held in (sums.slices, sums.hard))
    slices = [_dice(case) for case in hard]  # NaN where both are empty
    cases = [_dice(case.sum(axis=0, keepdims=True)) for case in hard if case[:, 2].any()]
    native = [value for value in sums.native or () if value is not None]
    rows = {
        "soft_pooled": [_pooled(case) for case in soft],
        "hard_pooled": [_pooled(case) for case in hard],
        "slice_mean": [_summed(np.where(np.isnan(case), 1.0, case)) for case in slices],
        "slice_mean_not_empty": [_summed(case[~np.isnan(case)]) for case in slices],
        "case_mean_model_grid": [_summed(case) for case in cases],
        "case_mean": [(value, 1) for value in native],
    }
    return {name: np.array(parts, np.float64).reshape(-1, 2) for name, parts in rows.items()}


def _pooled(case: Values) -> tuple[float, float]:
    overlap, found, tumor = case.sum(axis=0).tolist()
    return 2 * overlap, found + tumor


def _summed(values: Values) -> tuple[float, float]:
    return float(values.sum()), len(values)


def _dice(rows: Values) -> Values:
    """Dice of each row of sums; NaN where label and prediction are empty."""
    total = rows[:, 1] + rows[:, 2]
    dice: Values = np.full(len(rows), np.nan)
    return np.divide(2 * rows[:, 0], total, out=dice, where=total > 0)
