"""What a training runs on."""

import dataclasses
from typing import Annotated, Literal

from shards.console.limits import Limited, Limits

Precision = Literal["auto", "32", "bf16", "16"]
ChannelsLast = Literal["auto", "yes", "no"]
Accelerator = Literal["auto", "cpu", "gpu"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class MachineOptions(Limited):
    """What the training runs on, and how often it is kept."""

    accelerator: Accelerator = "auto"
    """Kind of device; auto takes GPUs where there are any."""
    precision: Precision = "auto"
    """Floating point of the layers in training; auto: bf16 on GPUs and processors that have it,
    else 32 bits. Losses are taken in 32 bits, and a processor validates in 32 bits."""
    channels_last: ChannelsLast = "auto"
    """Keep the channels of a pixel side by side in memory; auto: on processors, for the U-Net with
    any --norm but group."""
    compile: bool = False
    """Compile the net before the first step, which takes a minute or more: for long trainings. It
    needs a C++ compiler. Over several GPUs --norm batch is left out of it."""
    accumulate: Annotated[int, Limits(least=1, most=65536)] = 1
    """Parts in which each device puts its share of a batch through the net: the memory of one part
    and, for every loss, the gradient of the whole batch; all parts but one go through it twice.
    Needs --norm instance, group or none: batch would normalize each part by itself. A smaller
    --batch-size with --norm batch was measured better: 8 with --lr 0.003."""
    checkpoint_minutes: Annotated[float, Limits(above=0, most=1_000_000)] = 10.0
    """Minutes between writes of last.ckpt inside an epoch; it is written after each epoch too."""
