"""A net on overlapping squares of a slice, of the size that it was trained on."""

import torch
from torch import nn

OVERLAP = 0.25
"""Share of its edge by which a square reaches over the one before, or more where they must."""


_LOOKS_AROUND = (nn.InstanceNorm2d, nn.GroupNorm)


def tiled(net: nn.Module, size: int | None) -> nn.Module:
    """A net that sees slices as it was trained to.

    In squares only where it matters: instance and group normalization take their mean over all that
    a net sees at a time, and a whole slice has another one than the squares that it learned on.

    Args:
        net: Maps (b, channels, h, w) to logits (b, 1, h, w).
        size: Edge of the squares that it was trained on, in pixels; None for whole slices.

    Returns:
        The net itself, or in squares.
    """
    looks_around = any(isinstance(layer, _LOOKS_AROUND) for layer in net.modules())
    return net if size is None or not looks_around else Tiles(net, size)


class Tiles(nn.Module):
    """Logits of a slice as the mean of those of the squares that hold a pixel.

    Args:
        net: The net.
        size: Edge of the squares, in pixels.
    """

    def __init__(self, net: nn.Module, size: int) -> None:
        super().__init__()
        self.net, self.size = net, size

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(b, channels, h, w) -> (b, 1, h, w) float32 logits; h and w of at least the size."""
        height, width = image.shape[-2:]
        total = torch.zeros_like(image[:, :1], dtype=torch.float32)
        times = torch.zeros_like(total)
        for row in starts(height, self.size):
            for column in starts(width, self.size):
                square = (..., slice(row, row + self.size), slice(column, column + self.size))
                total[square] += self.net.forward(image[square]).float()
                times[square] += 1
        return total / times


def starts(edge: int, size: int) -> list[int]:
    """Where squares begin along an edge: evenly, the first and the last at its ends."""
    room = edge - size
    num_steps = -(-room // max(1, round(size * (1 - OVERLAP))))
    return [round(room * number / max(1, num_steps)) for number in range(num_steps + 1)]
