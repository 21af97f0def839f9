"""A mask as a DICOM-SEG on the series of its scan, taken plane by plane."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ingest.slices.mask_file import Plane, stored_slabs
from ingest.slices.opened import OpenCase
from shards.console.whole import whole_or_nothing

if TYPE_CHECKING:
    from ingest.dicom.segmentation import MadeBy


@contextlib.contextmanager
def segmentation_file(
    opened: OpenCase, out: Path, made_by: "MadeBy"
) -> Iterator[Callable[[Plane], object]]:
    """Write a mask for viewers that know series; memory grows with the slices that show tumor.

    Args:
        opened: The scan, a DICOM series.
        out: The file; appears when it is whole.
        made_by: What made the mask.

    Yields:
        A function as that of `mask_file`.

    Raises:
        BadCaseError: If the headers cannot be read once more, or highdicom is not installed.
        OSError: If it cannot be written.
    """
    from ingest.dicom.scan import DicomVolume
    from ingest.dicom.segmentation import write_segmentation

    scan = opened.image
    if not isinstance(scan, DicomVolume):
        raise TypeError(f"a DICOM-SEG lies on a DICOM series, not on {opened.case.image}")
    columns, rows, _ = scan.grid.shape
    packed: dict[int, npt.NDArray[np.uint8]] = {}
    seen = iter(range(scan.grid.shape[2]))

    def take(slab: Plane) -> None:
        k = next(seen)
        if slab.any():
            packed[k] = np.packbits(slab)

    with stored_slabs(opened, take) as put:
        yield put
    slabs = {
        k: np.unpackbits(bits, count=rows * columns).reshape(rows, columns)
        for k, bits in packed.items()
    }
    with whole_or_nothing(out) as unfinished:
        write_segmentation(unfinished, scan, slabs, made_by)
