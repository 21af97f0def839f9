"""What a training makes small."""

import dataclasses
from typing import Literal

LOSSES: tuple["Loss", ...] = ("bce", "dice", "bce_dice")

Loss = Literal["bce", "dice", "bce_dice"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossOptions:
    """What is made small."""

    loss: Loss = "bce_dice"
    """Loss: binary cross-entropy, soft Dice over the batch, or their sum."""
