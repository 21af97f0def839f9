"""The floating point that the layers of a net compute in, on the machine that is there."""

import logging
import platform
from functools import cache
from pathlib import Path
from typing import Literal

import torch

from lungseg.errors import TrainingError
from lungseg.options.machine import MachineOptions

Name = Literal["32-true", "bf16-mixed", "16-mixed"]
"""What Lightning calls it."""

_INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}
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
    has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False) if on_gpu else _processor()
    match options.precision:
        case "auto":
            return "bf16-mixed" if has_bf16 else "32-true"
        case "bf16":
            if not has_bf16:
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


@cache
def _processor() -> bool:
    """Whether the processor has instructions for bf16, and torch the library that uses them."""
    known = Path("/proc/cpuinfo")
    words = set(known.read_text().split()) if known.is_file() else set()
    there = platform.machine() == "x86_64" and bool(words & _INSTRUCTIONS)
    library: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and library
