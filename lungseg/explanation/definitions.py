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


def by_definition(sums: Sums) -> dict[str, float | None]:
    """Score a set of cases by each of `DEFINITIONS`; None where one says nothing."""
    hard = [np.asarray(case, np.float64) for case in sums.hard]
    pooled = np.concatenate(hard)
    slices = np.array([_dice(row) for row in pooled])  # NaN where both are empty
    native = [value for value in sums.native or () if value is not None]
    return {
        "soft_pooled": _or_none(_dice(np.concatenate([*sums.slices]).sum(axis=0))),
        "hard_pooled": _or_none(_dice(pooled.sum(axis=0))),
        "slice_mean": _mean(np.where(np.isnan(slices), 1.0, slices)),
        "slice_mean_not_empty": _mean(slices[~np.isnan(slices)]),
        "case_mean_model_grid": _mean(
            np.array([_dice(case.sum(axis=0)) for case in hard if case[:, 2].sum()])
        ),
        "case_mean": _mean(np.array(native, np.float64)),
    }


def _dice(sums: Values) -> float:
    overlap, found, tumor = sums.tolist()
    return 2 * overlap / (found + tumor) if found + tumor > 0 else float("nan")


def _mean(values: Values) -> float | None:
    return float(values.mean()) if len(values) else None


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
