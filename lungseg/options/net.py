"""The net that is trained."""

import dataclasses
from typing import Literal

from lungseg.options.limits import at_least

Norm = Literal["instance", "batch", "group", "none"]
Up = Literal["transposed", "bilinear"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetOptions:
    """The net: by default a U-Net."""

    net: str = "unet"
    """unet, or a net of your own as package.module:Class, a torch.nn.Module that maps
    (b, channels, h, w) to logits (b, 1, h, w); the other options of this group are the U-Net's."""
    net_args: tuple[str, ...] = ()
    """name=value arguments of such a class, values as in Python; in_channels is given to a class
    that takes it."""
    width: int = 32
    """Channels of the U-Net's first level; they double per level, up to 512."""
    depth: int = 5
    """Levels of the U-Net, the first one included."""
    channels: tuple[int, ...] = ()
    """Channels of each level, instead of --width and --depth."""
    convolutions: int = 2
    """Convolutions of each level."""
    norm: Norm = "instance"
    """Normalization after each convolution."""
    residual: bool = False
    """Add each level's input to its result."""
    dropout: float = 0.0
    """Probability with which a channel of a level's result is left out in training."""
    up: Up = "transposed"
    """The way up: transposed convolutions, or bilinear interpolation, which has no weights."""
    deep_supervision: bool = False
    """Hold lower levels against the truth too, each with half the weight of the one above."""

    def __post_init__(self) -> None:
        at_least(self, 1, "width", "depth", "convolutions")
        if any(channels < 1 for channels in self.channels):
            raise ValueError(f"--channels must be at least 1 each, got {self.channels}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"--dropout must be at least 0 and below 1, got {self.dropout}")
