"""A DICOM series of CT images, slab by slab."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.dicom.files import HEADER_TAGS, Header, read_headers
from ingest.dicom.grouping import SPLIT_TAGS, ct_scans
from ingest.dicom.pixels import AIR_HU, Pixels, read_pixels
from ingest.dicom.series import arrange


class DicomVolume:
    """A scan in a folder of DICOM files, one slice a file, sorted by position.

    Slabs are int16 HU: stored numbers by their rescale slope and intercept, rounded, held within
    int16; padding is air. The stored axes are columns, rows, and slices along the normal of the
    image plane.

    Args:
        path: The folder; files below it are found by content, whatever their names.
        files: The scan's files; all below the folder when empty.

    Raises:
        BadCaseError: If there is no such scan, a file is damaged, slices are missing, double,
            unevenly spaced or shifted, the gantry was tilted, or the compression cannot be read
            here.
    """

    def __init__(self, path: Path, files: Sequence[Path] = ()) -> None:
        self.path = path
        self.filled = 0  # stored numbers are integers: each has a value
        self.remarks: list[str] = []
        self.measures: dict[str, float] = {}
        headers = read_headers(path, HEADER_TAGS + SPLIT_TAGS, files=files)
        for header in headers:
            header.refuse()
        self.grid, self._headers = arrange(_only_one(path, ct_scans(headers)))

    @property
    def files(self) -> list[Path]:
        """The files, in the order of the slabs."""
        return [header.path for header in self._headers]

    def slabs(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield (shape[1], shape[0]) int16 HU per slice; see `Volume.slabs`."""
        columns, rows, _ = self.grid.shape
        seen = _Seen()
        for header in self._headers:
            pixels = read_pixels(header.path, (rows, columns))
            seen.add(pixels)
            yield pixels.hu
        self.measures, self.remarks = seen.measures(), seen.remarks()


class _Seen:
    """Adds up what was changed in reading."""

    def __init__(self) -> None:
        self._padded = self._masked = 0
        self._padding_hu = -32768

    def add(self, pixels: Pixels) -> None:
        self._padded += pixels.padded
        self._masked += pixels.masked
        self._padding_hu = max(self._padding_hu, pixels.padding_hu)

    def measures(self) -> dict[str, float]:
        return {"padded_voxels": self._padded} if self._padded else {}

    def remarks(self) -> list[str]:
        """What changes voxels that a window of HU shows: padding below air does not."""
        remarks = []
        if self._padding_hu > AIR_HU:
            remarks.append(
                f"voxels of padding (up to {self._padding_hu} HU) taken for air: {self._padded}"
            )
        if self._masked:
            remarks.append(f"voxels with bits beyond BitsStored, cleared: {self._masked}")
        return remarks


def _only_one(path: Path, groups: dict[str, list[Header]]) -> list[Header]:
    if len(groups) == 1:
        return next(iter(groups.values()))
    found = ", ".join(groups) or "none"
    raise BadCaseError(
        f"a scan is one DICOM series of CT images, found {len(groups)} in {path} ({found}): put "
        "each series into a folder of its own"
    )
