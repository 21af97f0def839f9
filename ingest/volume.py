"""What every reader of scans offers: a grid, and HU slab by slab."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ingest.geometry import Grid

_BARE_DICOM = re.compile(rb"[\x02\x08]\0.\0([A-Z]{2}|.\0\0\0)", re.DOTALL)


class Volume(Protocol):
    """A scan or a mask that is read slab by slab, in constant memory."""

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


def open_image(path: Path, files: Sequence[Path] = (), *, fill_nan: int | None = None) -> Scan:
    """Open a scan: a NIfTI file, or a folder with one DICOM series.

    Args:
        path: The file or folder.
        files: The files of the series; all below the folder when empty.
        fill_nan: HU for voxels of a NIfTI file that are NaN or infinite; None refuses them.

    Raises:
        BadCaseError: If it is neither, or its header is damaged.
    """
    if path.is_dir():
        from ingest.dicom import DicomVolume

        return DicomVolume(path, files)
    from ingest.nifti import NiftiImage

    return NiftiImage(path, fill_nan=fill_nan)


def open_label(
    path: Path, *, on: Grid | None = None, roi: str = "", tumor_labels: Sequence[int] = ()
) -> Volume:
    """Open a tumor mask: a NIfTI file on a grid of its own, or contours or segments in DICOM.

    Args:
        path: The file.
        on: Grid of the scan, which a DICOM mask is placed on; a NIfTI mask needs none.
        roi: Name of the regions in a DICOM file that are tumor.
        tumor_labels: Values in a NIfTI file that are tumor; empty accepts only 0 and 1.

    Raises:
        BadCaseError: If it is none, its header is damaged, or it has no such region.
    """
    if is_dicom(path):
        from ingest.dicom_masks import open_mask

        return open_mask(path, on=on, roi=roi)
    from ingest.nifti import NiftiLabel

    return NiftiLabel(path, tumor_labels=tumor_labels)


def is_dicom(path: Path) -> bool:
    """Whether a file starts as a DICOM file does (PS3.10, 7.1), or as one without preamble.

    The latter starts with an element of group 2 or 8 and, unless it is an implicit one, its type.
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(132)
    return start[128:] == b"DICM" or bool(_BARE_DICOM.match(start))


def whole(volume: Volume, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Read all slabs into one array along the stored axes (i, j, k), Fortran-ordered."""
    array = np.empty(volume.grid.shape[::-1], dtype)
    for k, slab in enumerate(volume.slabs()):
        array[k] = slab
    return array.T
