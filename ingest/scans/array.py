"""A scan that lies in memory, read like one in a file."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.scans.geometry import Grid, as_affine


class ArrayScan:
    """A scan in an array.

    Args:
        hu: (i, j, k) HU, along any axes.
        affine: (4, 4), from voxel index to world; world is RAS+, mm, as nibabel has it.

    Raises:
        BadCaseError: If the array has no three axes, holds NaN or infinity, or the affine is none.
    """

    def __init__(self, hu: npt.NDArray[np.generic], affine: npt.NDArray[np.floating]) -> None:
        self.filled = 0
        self.remarks: list[str] = []
        self.measures: dict[str, float] = {}
        matrix = np.asarray(affine, np.float64)
        if hu.ndim != 3 or not hu.size:
            raise BadCaseError(f"a scan needs three axes (i, j, k), got shape {hu.shape}")
        if matrix.shape != (4, 4) or not abs(np.linalg.det(matrix)) > 0:
            raise BadCaseError(f"an affine is an invertible 4 x 4 matrix, got {matrix.tolist()}")
        if not np.isfinite(hu).all():
            raise BadCaseError("a scan holds HU, found NaN or infinity: replace them first")
        self._hu = hu
        i, j, k = hu.shape
        self.grid = Grid(shape=(i, j, k), affine=as_affine(matrix))

    def slabs(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield (shape[1], shape[0]) int16 HU, rounded; see `Volume.slabs`."""
        for k in range(self.grid.shape[2]):
            slab = np.clip(np.rint(self._hu[:, :, k].T), -32768, 32767)
            yield np.array(slab, np.int16, order="C")
