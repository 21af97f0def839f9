"""The floating point that the layers of a net compute in, on the machine that is there."""

import logging
from typing import Literal

import torch

from lungseg.errors import TrainingError
from lungseg.models.bf16 import has_bf16
from lungseg.options.machine import MachineOptions

Name = Literal["32-true", "bf16-mixed", "16-mixed"]
"""What Lightning calls it."""

_EMULATED = (
    "--precision bf16: nothing here computes with such numbers, and what stands in for it is many "
    "times slower than 32 bits: leave --precision out"
)

logger = logging.getLogger(__name__)


def precision_of(options: MachineOptions) -> Name:
    """The precision of a training; warns of one that this machine only emulates.

    Args:
        options: What it runs on.

    Raises:
        TrainingError: If no machine of this kind has it.
    """
    on_gpu = options.accelerator != "cpu" and torch.cuda.is_available()
    is_native = has_bf16("cuda" if on_gpu else "cpu")
    match options.precision:
        case "auto":
            return "bf16-mixed" if is_native else "32-true"
        case "bf16":
            if not is_native:
                logger.warning(_EMULATED)
            return "bf16-mixed"
        case "16":
            if not on_gpu:
                raise TrainingError(
                    "--precision 16 needs a GPU: leave it out, and a processor takes bf16 where it "
                    "has that, else 32"
                )
            return "16-mixed"
    return "32-true"
