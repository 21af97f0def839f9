"""What a training is validated on, and how."""

import dataclasses
from typing import Annotated

from shards.console.limits import Limited, Limits


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValidationOptions(Limited):
    """What the model is validated on, and how."""

    fold: Annotated[int, Limits(least=0, most=1000)] = 0
    """Fold of cases to validate on; the model is trained on the other folds."""
    threshold: Annotated[float, Limits(above=0, below=1)] = 0.5
    """Probability from which a pixel is tumor."""
