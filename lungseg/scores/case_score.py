"""One scan's prediction against its label: what is counted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lungseg.scores.dice import dice
from lungseg.scores.lesions import Kind, Lesion
from lungseg.scores.surface import SurfaceScore

Role = Literal["unseen", "validation", "training", "unknown"]
"""What a training did with a case: nothing, choose the checkpoint by it, train on it, who knows."""


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
        surface: How the surfaces agree; None where there is no tumor.
        lesions: The tumors one by one.
        wolf_mm2: By slice without tumor, numbered from the feet, the area falsely called tumor, in
            mm2, where there is any.
        volume_interval_ml: Smallest and largest volume that a member of an ensemble predicts; None
            where there is one alone.
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
    surface: SurfaceScore | None = None
    lesions: tuple[Lesion, ...] = ()
    wolf_mm2: Mapping[int, float] = field(default_factory=dict)
    volume_interval_ml: tuple[float, float] | None = None

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
    def volume_error_ml(self) -> float:
        """Predicted less labeled volume, in mL."""
        return self.predicted_ml - self.truth_ml

    @property
    def volume_error_percent(self) -> float | None:
        """The same as a share of the labeled volume, in %; None where there is none."""
        return 100 * self.volume_error_ml / self.truth_ml if self.truth_ml else None

    def count_of(self, kind: Kind) -> int:
        """Number of lesions of a kind."""
        return sum(lesion.kind == kind for lesion in self.lesions)

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

    @property
    def stands_in(self) -> bool:
        """Whether the scan's diagonal stands in for distances, as nothing was found."""
        return self.verdict == "missed"

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
            **_of_surface(self.surface),
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
            "fn_dropped": self.fn_dropped,
            "truth_ml": round(self.truth_ml, 4),
            "predicted_ml": round(self.predicted_ml, 4),
            **self._interval(),
            "false_positive_ml": round(self.false_positive_ml, 4),
            "volume_error_ml": round(self.volume_error_ml, 4),
            "volume_error_percent": _rounded(self.volume_error_percent),
            "lesions_found": self.count_of("found"),
            "lesions_missed": self.count_of("missed"),
            "lesions_false": self.count_of("false"),
            "slices": self.slices,
            "slices_dropped": self.slices_dropped,
        }

    def _interval(self) -> dict[str, float | None]:
        least, most = self.volume_interval_ml or (None, None)
        return {"predicted_ml_least": _rounded(least), "predicted_ml_most": _rounded(most)}


def _of_surface(surface: SurfaceScore | None) -> dict[str, float | None]:
    if surface is None:
        return dict.fromkeys(("nsd", "hd95_mm", "assd_mm"))
    return {name: _rounded(value) for name, value in asdict(surface).items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


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
