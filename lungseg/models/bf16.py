"""Whether nets run in bf16, numbers of 16 bits, on a device."""

import platform
from functools import cache
from pathlib import Path

import torch

_INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}


def has_bf16(device_type: str) -> bool:
    """Whether a device computes in bf16 by itself, which is faster there than 32 bits.

    Args:
        device_type: `cpu`, `cuda` or another type of torch.
    """
    if device_type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device_type == "cpu" and _processor()


def takes_bf16(precision: str, device_type: str) -> bool:
    """Whether a net is to run in bf16.

    Args:
        precision: `auto`, where the device has it; `32`; or `bf16`.
        device_type: As in `has_bf16`.
    """
    return precision == "bf16" or (precision == "auto" and has_bf16(device_type))


@cache
def _processor() -> bool:
    """Whether the processor has instructions for bf16, and torch the library that uses them."""
    known = Path("/proc/cpuinfo")
    words = set(known.read_text().split()) if known.is_file() else set()
    there = platform.machine() == "x86_64" and bool(words & _INSTRUCTIONS)
    library: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and library
