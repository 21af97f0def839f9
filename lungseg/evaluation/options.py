"""What an evaluation can be told: the options of `python -m lungseg.evaluate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lungseg.inference.options import InferenceOptions


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(InferenceOptions):
    """Score a checkpoint on scans with labels, each on its own grid."""

    source: Path
    """Data set in the layout of the Medical Segmentation Decathlon (MSD)."""
    out: Path
    """Folder for `metrics.json`, `cases.csv`, `report.html` and `config.yaml`."""
    subset: Literal["auto", "validation", "training", "test"] = "auto"
    """`validation`: the cases that the training held out; `training`: all of imagesTr; `test`:
    imagesTs with labelsTs; `auto`: `validation` where the source has such cases, otherwise
    `training`."""
    cases: tuple[str, ...] = ()
    """Score only these cases of the subset, by name."""
