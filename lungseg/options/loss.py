"""What a training makes small."""

import dataclasses
import typing
from typing import Annotated, Literal

from shards.console.limits import Limited, Limits

Loss = Literal["bce", "dice", "bce_dice", "focal", "dice_focal", "tversky", "focal_tversky"]

LOSSES: tuple[Loss, ...] = typing.get_args(Loss)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossOptions(Limited):
    """What is made small."""

    loss: Loss = "bce_dice"
    """Binary cross-entropy (bce); soft Dice over the batch of all devices; focal: cross-entropy
    that dwells on what is badly known; tversky: Dice with its own weights for false and missed
    pixels; focal_tversky: the same, steeper near 0; bce_dice and dice_focal: sums of two."""
    pos_weight: Annotated[float, Limits(above=0, most=1_000_000)] = 1.0
    """How many background pixels a tumor pixel counts for, in bce and focal."""
    focal_gamma: Annotated[float, Limits(least=0, most=100)] = 2.0
    """How far focal dwells on what is badly known; 0 is bce."""
    tversky_fp: Annotated[float, Limits(least=0, most=1000)] = 0.3
    """Weight of pixels that are falsely called tumor, in tversky and focal_tversky."""
    tversky_fn: Annotated[float, Limits(least=0, most=1000)] = 0.7
    """Weight of missed tumor pixels; 0.5 for both is Dice."""
    tversky_gamma: Annotated[float, Limits(above=0, most=100)] = 4 / 3
    """focal_tversky is tversky to the power of 1 over this."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.tversky_fp + self.tversky_fn > 0:
            raise ValueError("--tversky-fp and --tversky-fn must not both be 0")
