"""Normal noise from keys, by arithmetic alone: the same on any device, for all slices at once."""

import math

import torch

_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64
_BITS = 24
"""As many as a 32-bit float tells apart."""


def normals(keys: torch.Tensor, count: int) -> torch.Tensor:
    """Independent normal numbers of mean 0 and deviation 1 for each key.

    Box and Muller's transform of a counter that SplitMix64 hashes (Steele et al. 2014).

    Args:
        keys: (n,) int64.
        count: Numbers per key.

    Returns:
        (n, count) float32.
    """
    counter = torch.arange(1, (count + 1) // 2 + 1, device=keys.device)
    bits = hashed(keys[:, None] + counter * _GOLDEN)
    largest = 2**_BITS
    first = ((bits & (largest - 1)).float() + 0.5) / largest  # never 0
    second = (_shifted(bits, _BITS) & (largest - 1)).float() / largest
    radius = torch.sqrt(-2 * torch.log(first))
    angle = 2 * math.pi * second
    pair = (radius * torch.cos(angle), radius * torch.sin(angle))
    return torch.cat(pair, dim=1)[:, :count]


def hashed(bits: torch.Tensor) -> torch.Tensor:
    """The output function of SplitMix64, int64 to int64."""
    bits = (bits ^ _shifted(bits, 30)) * _FIRST
    bits = (bits ^ _shifted(bits, 27)) * _SECOND
    return bits ^ _shifted(bits, 31)


def _shifted(bits: torch.Tensor, places: int) -> torch.Tensor:
    """Shift right as if there were no sign."""
    return (bits >> places) & ((1 << (64 - places)) - 1)
