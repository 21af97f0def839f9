"""What a U-Net is built of: a level's convolutions, normalizations, ways up."""

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import interpolate

from lungseg.models.instance_norm import InstanceNorm


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlockStyle:
    """How every level of a net convolves.

    Attributes:
        norm: Normalization after each convolution, a name in `NORMALIZATIONS`.
        num_convolutions: Convolutions of a level.
        residual: Whether a level's result is added to its input.
        dropout: Probability with which a channel of a level's result is left out in training.
    """

    norm: str = "instance"
    num_convolutions: int = 2
    residual: bool = False
    dropout: float = 0.0


def level(before: int, after: int, style: BlockStyle) -> nn.Module:
    """The convolutions of one level: (b, before, h, w) -> (b, after, h, w)."""
    layers: list[nn.Module] = []
    for channels in [before, *[after] * (style.num_convolutions - 1)]:
        layers += [
            nn.Conv2d(channels, after, kernel_size=3, padding=1, bias=style.norm == "none"),
            normalization(style.norm, after),
            _activation(),
        ]
    dropout = [nn.Dropout2d(style.dropout)] if style.dropout else []
    if style.residual:
        return nn.Sequential(Residual(before, after, layers[:-1]), *dropout)
    return nn.Sequential(*layers, *dropout)


class Residual(nn.Module):
    """Convolutions whose result is added to their input (He et al. 2016, arXiv 1512.03385).

    Args:
        before: Channels of the input; where they are others than `after`, a 1 x 1 convolution
            makes one of the other.
        after: Channels of the output.
        layers: The convolutions, without the last activation.
    """

    def __init__(self, before: int, after: int, layers: list[nn.Module]) -> None:
        super().__init__()
        same = before == after
        self.layers = nn.Sequential(*layers)
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, after, 1, bias=False)
        self.activation = _activation()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(b, before, h, w) -> (b, after, h, w)."""
        summed: torch.Tensor = self.activation(self.layers(features) + self.shortcut(features))
        return summed


class Bilinear(nn.Module):
    """Doubles height and width by bilinear interpolation, without weights."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(b, c, h, w) -> (b, c, 2h, 2w)."""
        return interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)


def normalization(name: str, channels: int) -> nn.Module:
    """A normalization of `NORMALIZATIONS` for a number of channels.

    Raises:
        ValueError: If there is none of that name.
    """
    if name not in NORMALIZATIONS:
        raise ValueError(f"norm must be one of {', '.join(NORMALIZATIONS)}, got {name}")
    return NORMALIZATIONS[name](channels)


def _activation() -> nn.Module:
    return nn.LeakyReLU(0.01, inplace=True)


def _no_normalization(channels: int) -> nn.Module:
    del channels
    return nn.Identity()


NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {
    "instance": lambda channels: InstanceNorm(channels, affine=True),
    "batch": nn.BatchNorm2d,
    "group": lambda channels: nn.GroupNorm(math.gcd(8, channels), channels),
    "none": _no_normalization,
}
