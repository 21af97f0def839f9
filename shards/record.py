"""One sample: a preprocessed CT slice with its tumor mask."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """An axial slice of one case, as it lies in a shard.

    Attributes:
        case: Name of the case, for example `lung_001`.
        z: Index of the slice in the source scan, counted from the feet (canonical axes).
        image: (height, width) int16, Hounsfield units (HU) clipped by the recipe. Rows run from
            posterior to anterior, columns from the patient's left to right (RAS, transposed).
        mask: (height, width) uint8, on the image's grid; 0 is background.
        spacing_mm: Pitch of the stored grid along (x, y, z), in mm.
    """

    case: str
    z: int
    image: npt.NDArray[np.int16]
    mask: npt.NDArray[np.uint8]
    spacing_mm: tuple[float, float, float]

    @property
    def key(self) -> str:
        """Name of the sample in its tar: `<case>-<zzzz>`."""
        return f"{self.case}-{self.z:04d}"

    @property
    def tumor_pixels(self) -> int:
        """Number of mask pixels that are not background."""
        return int(np.count_nonzero(self.mask))
