"""Which part of a drawn slice a training sees."""

import dataclasses
from typing import Annotated

from shards.console.limits import Limited, Limits


@dataclasses.dataclass(frozen=True, kw_only=True)
class CropOptions(Limited):
    """Which part of a drawn slice the net is trained on."""

    crop_px: Annotated[int | None, Limits(least=1, most=65536)] = None
    """Train on squares of so many pixels out of the drawn slices, new ones each time; validation
    and prediction see whole slices, with --norm instance and group in such squares that overlap. It
    must be a multiple of 16 for --depth 5, of 8 for 4. None: whole slices."""
    crop_tumor: Annotated[float, Limits(least=0, most=1)] = 0.5
    """Share of the squares with a tumor pixel in their middle, where a slice has any; the others
    lie anywhere on the body."""
