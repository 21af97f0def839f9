"""The net that is trained."""

import dataclasses
from typing import Annotated, ClassVar, Literal

from shards.console.limits import Limited, Limits

Norm = Literal["instance", "batch", "group", "none"]
Up = Literal["transposed", "bilinear"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetOptions(Limited):
    """The net: by default a U-Net."""

    EXCLUDING: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("channels", "width"),
        ("channels", "depth"),
    )

    net: str = "unet"
    """unet, or a net of your own as package.module:Class, a torch.nn.Module that maps
    (b, channels, h, w) to logits (b, 1, h, w); the other options of this group are the U-Net's."""
    net_args: tuple[str, ...] = ()
    """name=value arguments of such a class, values as in Python; in_channels is given to a class
    that takes it."""
    width: Annotated[int, Limits(least=1, most=4096)] = 32
    """Channels of the U-Net's first level; they double per level, up to 512."""
    depth: Annotated[int, Limits(least=1, most=16)] = 5
    """Levels of the U-Net, the first one included."""
    channels: Annotated[tuple[int, ...], Limits(least=1, most=65536)] = ()
    """Channels of each level, instead of --width and --depth."""
    convolutions: Annotated[int, Limits(least=1, most=16)] = 2
    """Convolutions of each level."""
    norm: Norm = "batch"
    """Normalization after each convolution; batch: over the batch of all devices, which excludes
    --accumulate."""
    residual: bool = False
    """Add each level's input to its result."""
    dropout: Annotated[float, Limits(least=0, below=1)] = 0.0
    """Probability with which a channel of a level's result is left out in training."""
    up: Up = "transposed"
    """The way up: transposed convolutions, or bilinear interpolation, which has no weights."""
    deep_supervision: bool = False
    """Hold lower levels against the truth too, each with half the weight of the one above."""
