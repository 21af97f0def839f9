"""What a training is validated on, and how."""

import dataclasses

from lungseg.options.limits import at_least


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValidationOptions:
    """What the model is validated on, and how."""

    fold: int = 0
    """Fold of cases to validate on; the model is trained on the other folds."""
    threshold: float = 0.5
    """Probability from which a pixel is tumor."""

    def __post_init__(self) -> None:
        at_least(self, 0, "fold")
        if not 0 < self.threshold < 1:
            raise ValueError(f"--threshold must lie between 0 and 1, got {self.threshold}")
