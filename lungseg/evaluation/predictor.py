"""What an evaluation asks of whatever made the masks that it scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.scans.geometry import Grid
from ingest.slices.scan_slices import ScanSlices
from lungseg.scores.case_score import CaseScore, Role

Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabeledScan:
    """A scan that was read for an evaluation.

    Attributes:
        case: The case.
        grid: Its grid.
        views: What each recipe that the predictor asked for makes of it.
        truth: (i, j, k) uint8 label in canonical axes, 1 is tumor.
    """

    case: Case
    grid: Grid
    views: Sequence[ScanSlices]
    truth: Mask


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """What is predicted for one scan.

    Attributes:
        mask: (i, j, k) uint8 in canonical axes, 1 is tumor.
        unread: Canonical numbers of the slices that the model never saw.
        soft: Sums that the pooled soft Dice is made of, over the recipe's grid: of probability
            times mask, and of both; None where there are no probabilities.
        probability: (n,) of each tumor voxel of the mask, in the order of `np.argwhere`; likewise.
        volume_interval_ml: Smallest and largest volume by member of an ensemble; None of one alone.
    """

    mask: Mask
    unread: tuple[int, ...] = ()
    soft: tuple[float, float] | None = None
    probability: npt.NDArray[np.float32] | None = None
    volume_interval_ml: tuple[float, float] | None = None


class Predictor(Protocol):
    """A model, or masks that exist.

    Attributes:
        reading: How labels are to be read.
        views: Recipes of the slices that it wants to see of a scan.
        threshold: Probability from which a voxel is tumor; None where that is not known.
        own_threshold: The one that came with it.
    """

    reading: Recipe
    views: tuple[Recipe, ...]
    threshold: float | None
    own_threshold: float | None

    def role_of(self, case: str, /) -> Role:
        """What its training did with a case."""

    def require(self, cases: Sequence[Case], /) -> None:
        """Refuse to begin where it could not predict all of the cases.

        Raises:
            KnownError: Says what is missing.
        """

    def predict(self, scan: LabeledScan) -> Prediction:
        """Predict a scan; its label serves the sums of the soft score only.

        Raises:
            BadCaseError: If a file is damaged.
        """

    def about(self) -> dict[str, Any]:
        """What it is, for `metrics.json`."""

    def provenance(self) -> dict[str, dict[str, object]]:
        """What it is, as tables of the report by title."""

    def explain(self, scores: Sequence[CaseScore], /) -> dict[str, Any] | None:
        """The predictions of these cases by other definitions of Dice; None where not asked for."""

    def in_words(self) -> str:
        """What it is, as part of a sentence."""
