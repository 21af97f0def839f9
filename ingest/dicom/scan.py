"""A DICOM series of CT images, slab by slab."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.dicom.files import Header, read_file, read_headers
from ingest.dicom.series import arrange, ct_series
from ingest.dicom.values import numbers, reading


class DicomVolume:
    """A scan in a folder of DICOM files, one slice a file, sorted by position.

    Slabs are int16 HU: stored numbers by their rescale slope and intercept, rounded, held within
    int16. The stored axes are columns, rows, and slices along the normal of the image plane.

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
        headers = read_headers(path, files=files)
        for header in headers:
            header.refuse()
        self.grid, self._headers = arrange(_only_one(path, ct_series(headers)))

    @property
    def files(self) -> list[Path]:
        """The files, in the order of the slabs."""
        return [header.path for header in self._headers]

    def slabs(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield (shape[1], shape[0]) int16 HU per slice; see `Volume.slabs`."""
        for header in self._headers:
            yield _read_hu(header.path, (self.grid.shape[1], self.grid.shape[0]))


def _only_one(path: Path, groups: dict[str, list[Header]]) -> list[Header]:
    if len(groups) == 1:
        return next(iter(groups.values()))
    found = ", ".join(groups) or "none"
    raise BadCaseError(
        f"a scan is one DICOM series of CT images, found {len(groups)} in {path} ({found}): put "
        "each series into a folder of its own"
    )


def _read_hu(path: Path, shape: tuple[int, int]) -> npt.NDArray[np.int16]:
    values = read_file(path)
    with reading(path, "PixelData"):
        stored = values.pixel_array
    if stored.shape != shape:
        raise BadCaseError(f"{path}: the slice must have shape {shape}, found {stored.shape}")
    slope = _rescale(values, "RescaleSlope", 1, path)
    inter = _rescale(values, "RescaleIntercept", 0, path)
    if slope == 1 and inter.is_integer():
        hu = stored.astype(np.int32) + int(inter)
    else:
        hu = np.rint(stored * slope + inter)
    return np.asarray(np.clip(hu, -32768, 32767), np.int16)


def _rescale(values: Any, keyword: str, default: float, path: Path) -> float:
    """An element that may be absent or empty."""
    with reading(path, keyword):
        value = values.get(keyword)
    return default if value in (None, "") else float(numbers(values, keyword, 1, path)[0])
