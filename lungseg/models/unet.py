"""The U-Net: a contracting and an expanding path with skip connections."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn

from lungseg.models.blocks import Bilinear, BlockStyle, level

MAX_WIDTH = 512
PRIOR = 0.01
"""Probability of tumor that an untrained net gives, so that it need not first learn that most
pixels are background (Lin et al. 2017, arXiv 1708.02002, section 4.1)."""


def channels_of(width: int, depth: int) -> list[int]:
    """Channels per level: doubled from one to the next, up to `MAX_WIDTH`."""
    return [min(width * 2**number, MAX_WIDTH) for number in range(depth)]


def max_depth(height: int, width: int) -> int:
    """Most levels that slices have room for: on the lowest, 2 pixels in each direction are left.

    Args:
        height: Of the slices, in pixels.
        width: Of the slices, in pixels.
    """
    return max(1, (min(height, width) - 1).bit_length())


class UNet(nn.Module):
    """A 2D U-Net (Ronneberger et al. 2015, arXiv 1505.04597), padded to keep the input's size.

    Args:
        in_channels: Channels of the input.
        channels: Channels of each level, the highest first.
        style: How a level convolves.
        up: `transposed` convolutions, or `bilinear` interpolation, on the way up.
        deep_supervision: Whether in training each level of the way up gives logits too, the
            lowest left out (Lee et al. 2014, arXiv 1409.5185).

    Attributes:
        multiple: Pixels of height and width are padded to a multiple of this.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        channels: Sequence[int] = (32, 64, 128, 256, 512),
        style: BlockStyle | None = None,
        up: str = "transposed",
        deep_supervision: bool = False,
    ) -> None:
        super().__init__()
        style = style or BlockStyle()
        steps = list(itertools.pairwise(channels))
        bilinear = up == "bilinear"
        self.multiple = 2 ** len(steps)
        self.down = nn.ModuleList(
            level(before, after, style)
            for before, after in itertools.pairwise([in_channels, *channels])
        )
        self.up = nn.ModuleList(
            Bilinear() if bilinear else nn.ConvTranspose2d(below, above, kernel_size=2, stride=2)
            for above, below in steps
        )
        self.merge = nn.ModuleList(
            level(above + (below if bilinear else above), above, style) for above, below in steps
        )
        self.head = _head(channels[0])
        coarse = channels[1:-1] if deep_supervision else ()
        self.coarse_heads = nn.ModuleList(_head(width) for width in coarse)

    def forward(self, image: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        """Map (b, in_channels, h, w) images to (b, 1, h, w) logits; any h and w.

        Returns:
            The logits; in training with deep supervision a list: they, then those of the lower
            levels, each of half the height and width of the one before, rounded up.
        """
        height, width = image.shape[-2:]
        pad = (0, -width % self.multiple, 0, -height % self.multiple)
        features = nn.functional.pad(image, pad, mode="replicate") if any(pad) else image
        levels = self._upwards(self._downwards(features))
        logits: torch.Tensor = self.head(levels[0])[..., :height, :width]
        if not self.training or not self.coarse_heads:
            return logits
        outputs = [logits]
        for head, features in zip(self.coarse_heads, levels[1:], strict=True):
            height, width = -(-height // 2), -(-width // 2)
            outputs.append(head(features)[..., :height, :width])
        return outputs

    def _downwards(self, features: torch.Tensor) -> list[torch.Tensor]:
        """The features of each level of the way down, the highest first."""
        skips: list[torch.Tensor] = []
        for convolve in self.down:
            features = convolve(nn.functional.max_pool2d(features, 2) if skips else features)
            skips.append(features)
        return skips

    def _upwards(self, skips: list[torch.Tensor]) -> list[torch.Tensor]:
        """The features of each level of the way up but the lowest, the highest first."""
        features, levels = skips[-1], []
        for number in reversed(range(len(self.up))):
            joined = torch.cat([skips[number], self.up[number](features)], dim=1)
            features = self.merge[number](joined)
            levels.append(features)
        return levels[::-1] or skips


def _head(channels: int) -> nn.Conv2d:
    head = nn.Conv2d(channels, 1, kernel_size=1)
    nn.init.constant_(head.get_parameter("bias"), math.log(PRIOR / (1 - PRIOR)))
    return head
