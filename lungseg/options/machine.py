"""What a training runs on."""

import dataclasses
from typing import Literal

from lungseg.options.limits import above_zero

Precision = Literal["auto", "32", "bf16", "16"]
Accelerator = Literal["auto", "cpu", "gpu"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """What the training runs on, and how often it is kept."""

    accelerator: Accelerator = "auto"
    """Kind of device; auto takes GPUs where there are any."""
    precision: Precision = "auto"
    """Floating point in training; auto: bf16 on GPUs that have it, else 32 bits."""
    checkpoint_minutes: float = 10.0
    """Minutes between writes of last.ckpt inside an epoch; it is written after each epoch too."""

    def __post_init__(self) -> None:
        above_zero(self, "checkpoint_minutes")
