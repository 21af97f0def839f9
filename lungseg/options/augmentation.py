"""How drawn slices are changed at random."""

import dataclasses
from typing import Literal

Augmentation = Literal["none", "light", "full"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AugmentationOptions:
    """How drawn slices are changed at random."""

    augment: Augmentation = "full"
    """Augmentation: none; light (flip, affine, brightness/contrast); full (also noise, elastic)."""
