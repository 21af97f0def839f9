"""Tumors of a scan one by one: which were found, which are none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy.ndimage import label
from scipy.optimize import linear_sum_assignment

from lungseg.scores.surface import cropped

LEAST_IOU = 0.1
SPECK_MM = 3.0
CLASSES_MM = (0.0, 6.0, 10.0, 20.0, 30.0)
"""Where the size classes begin, by the diameter of a ball of equal volume."""

DEFINITION = (
    "a lesion is a group of voxels that touch at least at a corner; one of the label is found by "
    "one of the prediction whose intersection over union with it is at least "
    f"{LEAST_IOU:g}, one to one; every other lesion of the prediction is a false positive. Lesions "
    f"of the label under {SPECK_MM:g} mm (diameter of a ball of equal volume) are specks: listed, "
    "neither missed nor found, and what lies on them is no false positive"
)

Kind = Literal["found", "missed", "speck", "true", "false", "on a speck"]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """One lesion of the label (`found`, `missed`, `speck`) or the prediction (the other kinds).

    Attributes:
        kind: What became of it.
        volume_ml: Its volume.
        iou: Intersection over union with the lesion that it is matched with; 0 without one.
        confidence: Highest probability of a predicted one's voxels; None where that is not known.
    """

    COLUMNS: ClassVar = ("of", "kind", "size", "diameter_mm", "volume_ml", "iou", "confidence")

    kind: Kind
    volume_ml: float
    iou: float = 0.0
    confidence: float | None = None

    @property
    def of_label(self) -> bool:
        """Whether it is of the label."""
        return self.kind in ("found", "missed", "speck")

    @property
    def diameter_mm(self) -> float:
        """Diameter of a ball of equal volume."""
        return float(np.cbrt(6000 * self.volume_ml / np.pi))

    @property
    def size_class(self) -> str:
        """Its size class, in words."""
        return SIZE_CLASSES[int(np.searchsorted(CLASSES_MM, self.diameter_mm, side="right")) - 1]

    def row(self) -> dict[str, Any]:
        """The lesion as a row of `lesions.csv`, without its case."""
        of = "label" if self.of_label else "prediction"
        values = (self.diameter_mm, self.volume_ml, self.iou, self.confidence)
        numbers = (None if value is None else round(value, 4) for value in values)
        return dict(zip(self.COLUMNS, (of, self.kind, self.size_class, *numbers), strict=True))


SIZE_CLASSES = tuple(
    f"{low:g} to {high:g} mm" if high else f"{low:g} mm and more"
    for low, high in zip(CLASSES_MM, (*CLASSES_MM[1:], None), strict=True)
)


def lesions_of(
    truth: Mask,
    prediction: Mask,
    *,
    voxel_ml: float,
    probability: npt.NDArray[np.float32] | None = None,
) -> tuple[Lesion, ...]:
    """Match the lesions of two masks.

    Args:
        truth: (i, j, k) label, 0 is background.
        prediction: (i, j, k), likewise.
        voxel_ml: Volume of a voxel.
        probability: (n,) of each voxel of the prediction, in the order of `np.argwhere`.

    Returns:
        The lesions of the label, then those of the prediction.
    """
    both = truth | prediction
    if not both.any():
        return ()
    start, union = cropped(both)
    box = tuple(slice(at, at + size) for at, size in zip(start, union.shape, strict=True))
    labels, n = label(truth[box] != 0, np.ones((3, 3, 3)))
    found, m = label(prediction[box] != 0, np.ones((3, 3, 3)))
    pairs = labels.astype(np.int64) * (m + 1) + found
    overlap = np.bincount(pairs.ravel(), minlength=(n + 1) * (m + 1)).reshape(n + 1, m + 1)
    confidence = [None] * m if probability is None else _highest(found, m, probability)
    return _judged(overlap, voxel_ml, confidence)


def _highest(
    found: npt.NDArray[np.int32], count: int, probability: npt.NDArray[np.float32]
) -> list[float]:
    """The highest probability of each lesion of a prediction."""
    highest = np.zeros(count + 1)
    np.maximum.at(highest, found[found > 0], probability)
    return [float(value) for value in highest[1:]]


def _judged(
    overlap: npt.NDArray[np.int64], voxel_ml: float, confidence: Sequence[float | None]
) -> tuple[Lesion, ...]:
    """Lesions from the voxels (n + 1, m + 1) that each pair shares; 0 is background."""
    shared = overlap[1:, 1:]
    labeled, predicted = overlap[1:].sum(axis=1), overlap[:, 1:].sum(axis=0)
    iou = shared / np.maximum(labeled[:, None] + predicted[None] - shared, 1)
    specks = 6000 * voxel_ml * labeled / np.pi < SPECK_MM**3
    partner = dict(_pairs(np.where(specks[:, None], 0, iou)))
    lesions = [
        Lesion(
            kind="speck" if specks[row] else "found" if row in partner else "missed",
            volume_ml=float(labeled[row] * voxel_ml),
            iou=float(iou[row, partner[row]]) if row in partner else 0.0,
        )
        for row in range(len(labeled))
    ]
    row_of = {column: row for row, column in partner.items()}
    on_speck = (shared[specks] > 0).any(axis=0) & ~(shared[~specks] > 0).any(axis=0)
    for column in range(len(predicted)):
        known = column in row_of
        lesions.append(
            Lesion(
                kind="true" if known else "on a speck" if on_speck[column] else "false",
                volume_ml=float(predicted[column] * voxel_ml),
                iou=float(iou[row_of[column], column]) if known else 0.0,
                confidence=confidence[column],
            )
        )
    return tuple(lesions)


def _pairs(iou: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """One to one: as many pairs as reach `LEAST_IOU`, of these the ones that overlap the most."""
    gain = np.where(iou >= LEAST_IOU, 1 + iou / (1 + iou.sum()), 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return [
        (int(row), int(column))
        for row, column in zip(rows, columns, strict=True)
        if iou[row, column] >= LEAST_IOU
    ]


def summarize_lesions(cases: Sequence[Sequence[Lesion]]) -> dict[str, Any]:
    """Sum up the lesions of a set of cases.

    Args:
        cases: The lesions of each case.

    Returns:
        `n` lesions of the labels without specks, those `found`, the `sensitivity` (None for n = 0),
        the same `by_size`, `false_positives`, `false_positives_per_scan`, `specks`, `definition`.
    """
    every = [lesion for lesions in cases for lesion in lesions]
    counts = _found(every)
    false = sum(lesion.kind == "false" for lesion in every)
    return {
        **counts,
        "by_size": [
            {"size": name, **_found([lesion for lesion in every if lesion.size_class == name])}
            for name in SIZE_CLASSES
        ],
        "false_positives": false,
        "false_positives_per_scan": false / len(cases) if cases else None,
        "specks": sum(lesion.kind == "speck" for lesion in every),
        "definition": DEFINITION,
    }


def _found(lesions: Sequence[Lesion]) -> dict[str, Any]:
    kinds = [lesion.kind for lesion in lesions]
    found, n = kinds.count("found"), kinds.count("found") + kinds.count("missed")
    return {"n": n, "found": found, "sensitivity": found / n if n else None}
