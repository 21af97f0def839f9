"""How drawn slices are changed at random."""

import dataclasses
from typing import Annotated, Literal

from shards.console.limits import Limited, Limits

Augmentation = Literal["none", "light", "full"]
AugmentOn = Literal["auto", "cpu", "device"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AugmentationOptions(Limited):
    """How drawn slices are changed at random."""

    augment: Augmentation = "full"
    """none; light: mirrored, turned, zoomed, shifted, contrast and brightness; full: also bent,
    coarsened, blurred, gamma and noise."""
    augment_on: AugmentOn = "auto"
    """Where: cpu, slice by slice in the loader's processes, or device, whole batches where the net
    is; auto: the device if it is a GPU. Both make the same changes; only the noise is another."""
    transplant: Annotated[float | Literal["auto"], Limits(least=0, most=1)] = "auto"
    """Share of the drawn slices that get a tumor of another training slice, turned and zoomed, into
    their lung where it fits; auto: 0.6 with --loader index and --order exact, else 0, none."""
