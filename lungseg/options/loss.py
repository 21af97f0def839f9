"""What a training makes small."""

import dataclasses
import typing
from typing import Literal

from lungseg.options.limits import above_zero, at_least

Loss = Literal["bce", "dice", "bce_dice", "focal", "dice_focal", "tversky", "focal_tversky"]

LOSSES: tuple[Loss, ...] = typing.get_args(Loss)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossOptions:
    """What is made small."""

    loss: Loss = "bce_dice"
    """Binary cross-entropy (bce); soft Dice over the batch of all devices; focal: cross-entropy
    that dwells on what is badly known; tversky: Dice with its own weights for false and missed
    pixels; focal_tversky: the same, steeper near 0; bce_dice and dice_focal: sums of two."""
    pos_weight: float = 1.0
    """How many background pixels a tumor pixel counts for, in bce and focal."""
    focal_gamma: float = 2.0
    """How far focal dwells on what is badly known; 0 is bce."""
    tversky_fp: float = 0.3
    """Weight of pixels that are falsely called tumor, in tversky and focal_tversky."""
    tversky_fn: float = 0.7
    """Weight of missed tumor pixels; 0.5 for both is Dice."""
    tversky_gamma: float = 4 / 3
    """focal_tversky is tversky to the power of 1 over this."""

    def __post_init__(self) -> None:
        above_zero(self, "pos_weight", "tversky_gamma")
        at_least(self, 0, "focal_gamma", "tversky_fp", "tversky_fn")
        if not self.tversky_fp + self.tversky_fn > 0:
            raise ValueError("--tversky-fp and --tversky-fn must not both be 0")
