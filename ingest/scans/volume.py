"""What every reader of scans offers: a grid, and HU slab by slab."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ingest.scans.geometry import Grid


class Volume(Protocol):
    """A scan or a mask that is read slab by slab, in constant memory.

    Attributes:
        remarks: What is odd about it or was changed in reading, one line each; all of it is known
            after the last slab.
        measures: Numbers for the manifest, by name; likewise.
    """

    remarks: list[str]
    measures: dict[str, float]

    @property
    def grid(self) -> Grid:
        """Where the voxels lie, along the stored axes."""

    def slabs(self) -> Iterator[npt.NDArray[Any]]:
        """Yield one slab per index of the last stored axis, ascending.

        Each is (shape[1], shape[0]), C-contiguous: `array[:, :, k].T`; int16 HU for a scan, uint8
        (0 or 1) for a mask. The reader may reuse the slab's memory for the next one, and the
        caller may write into it.

        Raises:
            BadCaseError: If the bytes are damaged or mean no HU; after the last slab at the latest.
        """


class Scan(Volume, Protocol):
    """A volume of HU.

    Attributes:
        filled: Voxels without a number that were given one, in the reading under way or the last.
    """

    filled: int


def whole(volume: Volume, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Read all slabs into one array along the stored axes (i, j, k), Fortran-ordered."""
    array = np.empty(volume.grid.shape[::-1], dtype)
    for k, slab in enumerate(volume.slabs()):
        array[k] = slab
    return array.T
