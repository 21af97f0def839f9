"""What an evaluation can be told: the options of `python -m lungseg.evaluate`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from ingest.recipe import LABELS, Recipe
from lungseg.inference.options import InferenceOptions


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(InferenceOptions):
    """Score a checkpoint, or masks that exist, on scans with labels, each on its own grid."""

    OF_ONE_RUN: ClassVar[tuple[str, ...]] = ("overwrite",)

    checkpoint: Path | None = None
    """`best.ckpt` of a training, a file or a URL; the recipe and the threshold come from it."""
    predictions: Path | None = None
    """Folder with a mask `<case>.nii.gz` per scan, from whatever program, to score instead."""
    source: Path
    """Data set in the layout of the Medical Segmentation Decathlon (MSD), or a folder of DICOM
    series with masks."""
    out: Path
    """Folder for `metrics.json`, `cases.csv`, `lesions.csv`, `slices.csv` (where tumor was seen
    on slices without any, for `--slice-weights`), `report.html` and `config.yaml`."""
    subset: Literal["auto", "validation", "training", "test"] = "auto"
    """`validation`: the cases that the training held out; `training`: all of imagesTr; `test`:
    imagesTs with labelsTs; `auto`: `validation` where the source has such cases, otherwise
    `training`."""
    cases: tuple[str, ...] = ()
    """Score only these cases of the subset, by name."""
    roi: tuple[str, ...] = ()
    """Names of the regions in DICOM masks that are tumor; by default the training's."""
    tumor_labels: Annotated[tuple[int, ...], LABELS] = ()
    """Label values that are tumor, all others are background; by default the training's."""
    explain: bool = False
    """Score the same predictions by the common definitions of Dice too, beside controls: nothing,
    everything, shuffled cases, and the most that the recipe's resizing allows."""
    overwrite: bool = False
    """Replace the results of an earlier evaluation in the folder."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.checkpoint is None) == (self.predictions is None):
            given = "neither" if self.checkpoint is None else "both"
            raise ValueError(f"one of --checkpoint and --predictions is needed, got {given}")
        of_model: dict[str, object] = {"threshold": None, "all_slices": False}
        of_model |= {"average_with": (), "flips": False}
        of_model |= {"explain": False, "post_processing": True, "lung_hull": "auto"}
        of_model |= {"smallest_mm3": None, "keep_largest": None, "precision": "auto"}
        unused = [name for name, default in of_model.items() if getattr(self, name) != default]
        if self.predictions is not None and unused:
            flag = "--" + unused[0].replace("_", "-")
            raise ValueError(f"{flag} is for a --checkpoint, --predictions are masks already")

    def reading(self, recipe: Recipe) -> Recipe:
        """As in `InferenceOptions`, and what counts as tumor."""
        recipe = super().reading(recipe)
        return replace(
            recipe,
            roi=self.roi or recipe.roi,
            tumor_labels=self.tumor_labels or recipe.tumor_labels,
        )
