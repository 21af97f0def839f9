"""Which slices a training sees, and in what order."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from shards.console.limits import Limited, Limits

Draw = Literal["weighted", "balanced"]
Order = Literal["exact", "windowed"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DrawOptions(Limited):
    """Which slices an epoch draws, and in what order."""

    draw: Draw = "weighted"
    """weighted: slices are drawn with replacement, as torch's WeightedRandomSampler does. balanced:
    without; any two slices with tumor are seen equally often in an epoch, or once more, and those
    without take turns over the epochs."""
    oversample: Annotated[float | Literal["auto"], Limits(above=0, most=1_000_000)] = "auto"
    """How many times as likely a slice with tumor is drawn as one without; auto: half of the draws
    show tumor, 1: no oversampling."""
    slice_weights: Path | None = None
    """CSV file with the columns case, z and weight: slices are drawn so many times as often as they
    were, those that it does not name as before. The slices.csv of an evaluation names those where
    a model falsely saw tumor."""
    order: Order = "exact"
    """exact: slices come in the order of the draws. windowed: the same draws, arranged so that only
    --window-shards are needed at a time, for a URL whose shards do not all fit in --cache-gb; each
    is fetched once an epoch."""
    window_shards: Annotated[int, Limits(least=1, most=1_000_000)] = 64
    """Shards that a windowed order mixes; --cache-gb must hold twice as many."""
