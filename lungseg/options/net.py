"""The net that is trained."""

import dataclasses
from typing import Literal

from lungseg.options.limits import at_least

Norm = Literal["instance", "batch", "group", "none"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetOptions:
    """The U-Net, and what it sees."""

    width: int = 32
    """Channels of the U-Net's first level; they double per level, up to 512."""
    depth: int = 5
    """Levels of the U-Net, the first one included."""
    norm: Norm = "instance"
    """Normalization after each convolution."""
    neighbors: Literal[1, 3, 5] = 1
    """Neighboring slices that the net sees as channels, the slice itself included."""

    def __post_init__(self) -> None:
        at_least(self, 1, "width", "depth")
