"""What a training is validated on, and how."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from shards.console.limits import Limited, Limits


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValidationOptions(Limited):
    """What the model is validated on, and how."""

    EXCLUDING = (("fold", "validation_cases"), ("folds_file", "validation_cases"))

    fold: Annotated[int | Literal["none"], Limits(least=0, most=1000)] = 0
    """Fold of cases to validate on; the model is trained on the others. none: on all cases, without
    validation; last.ckpt is the model. For several, one after the other: --folds."""
    folds_file: Path | None = None
    """Folds of your own, instead of those that the shards were built with: a CSV file with the
    columns case (or patient) and fold, or the splits_final.json of nnU-Net."""
    validation_cases: tuple[str, ...] = ()
    """Names of the cases to validate on instead of a fold, or one text file with a name a line."""
    patience: Annotated[int | None, Limits(least=1, most=1_000_000)] = None
    """End the training after so many validations without a better Dice; None: never before
    --epochs."""
    threshold: Annotated[float, Limits(above=0, below=1)] = 0.5
    """Probability from which a pixel is tumor."""
