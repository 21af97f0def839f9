"""The U-Net: a contracting and an expanding path with skip connections."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

MAX_WIDTH = 512
PRIOR = 0.01
"""Probability of tumor that an untrained net gives, so that it need not first learn that most
pixels are background (Lin et al. 2017, arXiv 1708.02002, section 4.1)."""


class UNet(nn.Module):
    """A 2D U-Net (Ronneberger et al. 2015, arXiv 1505.04597).

    Other than the paper's it pads, so that the output has the input's size, normalizes, and uses
    strided convolutions' cheaper cousin, max pooling, as the paper does.

    Args:
        in_channels: Neighboring slices.
        width: Channels of the first level; doubled per level up to `MAX_WIDTH`.
        depth: Number of levels.
        norm: `instance`, `batch`, `group` or `none`.
    """

    def __init__(
        self, *, in_channels: int = 1, width: int = 32, depth: int = 5, norm: str = "instance"
    ) -> None:
        super().__init__()
        widths = [min(width * 2**level, MAX_WIDTH) for level in range(depth)]
        self._multiple = 2 ** (depth - 1)
        self.down = nn.ModuleList(
            _two_convolutions(before, after, norm)
            for before, after in zip([in_channels, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(below, above, kernel_size=2, stride=2)
            for above, below in itertools.pairwise(widths)
        )
        self.merge = nn.ModuleList(
            _two_convolutions(2 * above, above, norm) for above in widths[:-1]
        )
        self.head = nn.Conv2d(widths[0], 1, kernel_size=1)
        nn.init.constant_(self.get_parameter("head.bias"), math.log(PRIOR / (1 - PRIOR)))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Map (b, in_channels, h, w) images to (b, 1, h, w) logits; any h and w."""
        height, width = image.shape[-2:]
        pad = (0, -width % self._multiple, 0, -height % self._multiple)
        features = nn.functional.pad(image, pad, mode="replicate") if any(pad) else image
        skips = []
        for level, convolve in enumerate(self.down):
            features = convolve(nn.functional.max_pool2d(features, 2) if level else features)
            skips.append(features)
        for level in reversed(range(len(self.up))):
            raised = self.up[level](features)
            features = self.merge[level](torch.cat([skips[level], raised], dim=1))
        logits: torch.Tensor = self.head(features)
        return logits[..., :height, :width]


def build_net(options: Mapping[str, Any]) -> UNet:
    """The net that training options describe: `neighbors`, `width`, `depth` and `norm`."""
    return UNet(
        in_channels=options["neighbors"],
        width=options["width"],
        depth=options["depth"],
        norm=options["norm"],
    )


def _two_convolutions(before: int, after: int, norm: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [
            nn.Conv2d(channels, after, kernel_size=3, padding=1, bias=norm == "none"),
            _normalization(norm, after),
            nn.LeakyReLU(0.01, inplace=True),
        ]
    return nn.Sequential(*layers)


def _normalization(norm: str, channels: int) -> nn.Module:
    match norm:
        case "instance":
            return nn.InstanceNorm2d(channels, affine=True)
        case "batch":
            return nn.BatchNorm2d(channels)
        case "group":
            return nn.GroupNorm(math.gcd(8, channels), channels)
        case "none":
            return nn.Identity()
    raise ValueError(f"norm must be instance, batch, group or none, got {norm}")
