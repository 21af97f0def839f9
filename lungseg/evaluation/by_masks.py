"""Masks that exist, of whatever program, as what an evaluation scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ingest.case import Case, as_case_name
from ingest.names import VOLUMES, stem
from ingest.recipe import Recipe
from lungseg.evaluation.labels import canonical_mask
from lungseg.evaluation.options import EvaluateOptions
from lungseg.evaluation.predictor import LabeledScan, Prediction
from lungseg.scores.case_score import CaseScore, Role
from shards.console.errors import KnownError
from shards.console.words import some


class MasksError(KnownError):
    """There is no folder of masks, or none for a case."""


class MasksPredictor:
    """Reads masks from a folder; what `Predictor` asks for.

    Args:
        folder: Holds `<case>.nii.gz`, or a file of another format and that name or the image's.
        options: Which label values are tumor.

    Raises:
        MasksError: If there is no such folder.
    """

    threshold: float | None = None
    own_threshold: float | None = None
    views: tuple[Recipe, ...] = ()

    def __init__(self, folder: Path, options: EvaluateOptions) -> None:
        if not folder.is_dir():
            raise MasksError(f"--predictions must be a folder of masks, {folder} is none")
        self._folder = folder
        self.reading = options.reading(Recipe())

    def role_of(self, _case: str, /) -> Role:
        """Nothing is known of what made the masks."""
        return "unknown"

    def require(self, cases: Sequence[Case]) -> None:
        """Refuse to begin where masks are missing.

        Raises:
            MasksError: If a case has no mask.
        """
        missing = [case.name for case in cases if not self._mask_of(case).is_file()]
        if missing:
            raise MasksError(
                f"--predictions needs a mask <case>.nii.gz for each case, {self._folder} has none "
                f"for {some(missing)}: choose cases with --cases or --subset"
            )

    def predict(self, scan: LabeledScan) -> Prediction:
        """Read the mask of a scan."""
        return Prediction(
            mask=canonical_mask(self._mask_of(scan.case), scan.case, scan.grid, self.reading)
        )

    def about(self) -> dict[str, Any]:
        """Where the masks lie."""
        return {"predictions": str(self._folder)}

    def provenance(self) -> dict[str, dict[str, object]]:
        """Nothing but the options tell how such masks were made."""
        return {}

    def explain(self, _scores: Sequence[CaseScore], /) -> None:
        """Masks have no probabilities."""

    def in_words(self) -> str:
        """Where the masks lie."""
        return f"masks of {self._folder}"

    def _mask_of(self, case: Case) -> Path:
        """The mask of a case, which may be called as its image is."""
        own = stem(case.image)
        is_own = as_case_name(own).removesuffix("_0000") == case.name
        stems = (case.name, own) if is_own else (case.name,)
        possible = [self._folder / (name + suffix) for name in stems for suffix in VOLUMES]
        return next((path for path in possible if path.is_file()), possible[0])
