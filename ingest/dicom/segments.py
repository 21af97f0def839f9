"""DICOM-SEG -> a tumor mask on the grid of a scan, slab by slab."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.dicom.regions import chosen_regions
from ingest.dicom.values import reading
from ingest.scans.geometry import Grid

Mask = npt.NDArray[np.uint8]

_OFF_GRID = 0.1  # farthest a segment's pixels may lie off the scan's, in voxels

_RAS = np.array([-1.0, -1.0, 1.0])  # times a point in DICOM's LPS


class SegmentMask:
    """The mask that segments of a DICOM-SEG mark; a fractional one counts from one half.

    Args:
        path: The file.
        on: Grid of the scan.
        roi: As in `open_mask`.

    Raises:
        BadCaseError: As in `open_mask`.
    """

    def __init__(self, path: Path, *, on: Grid, roi: Sequence[str]) -> None:
        try:
            import highdicom
        except ModuleNotFoundError as missing:
            raise BadCaseError("DICOM-SEG needs highdicom: pip install highdicom") from missing
        self.path = path
        self.grid = on
        self.remarks: list[str] = []
        self.measures: dict[str, float] = {}
        with reading(path):
            self._file = highdicom.seg.segread(path, lazy_frame_retrieval=True)
        self._chosen = chosen_regions(self._file, roi, path)
        with reading(path, "PerFrameFunctionalGroupsSequence"):
            self._frames = self._frames_by_slice()

    def slabs(self) -> Iterator[Mask]:
        """Yield (shape[1], shape[0]) uint8 (0, 1) per slice of the scan."""
        columns, rows, slices = self.grid.shape
        for k in range(slices):
            mask = np.zeros((rows, columns), np.uint8)
            for number, placed in self._frames.get(k, ()):
                self._mark(mask, number, placed)
            yield mask

    def _frames_by_slice(self) -> dict[int, list[tuple[int, npt.NDArray[np.float64]]]]:
        """For each slice its frames: the number, and the map of (column, row, 1) to (i, j)."""
        frames: dict[int, list[tuple[int, npt.NDArray[np.float64]]]] = {}
        to_voxels = np.linalg.inv(self.grid.matrix)
        shared = self._file.SharedFunctionalGroupsSequence[0]
        for number, own in enumerate(self._file.PerFrameFunctionalGroupsSequence, start=1):
            identity = own.get("SegmentIdentificationSequence")
            if identity and int(identity[0].ReferencedSegmentNumber) not in self._chosen:
                continue
            placed = to_voxels @ _frame_matrix(own, shared)
            corners = placed @ _corners(int(self._file.Rows), int(self._file.Columns))
            off = float(np.abs(corners - np.rint(corners)).max())
            if off > _OFF_GRID or np.abs(placed[2, :2]).max() > _OFF_GRID:
                raise BadCaseError(
                    f"{self.path}: a segment must lie on the scan's voxels, frame {number} lies "
                    f"{off:.2f} voxels off: use the SEG that was drawn on this series"
                )
            if not 0 <= (k := round(placed[2, 2])) < self.grid.shape[2]:
                raise BadCaseError(
                    f"{self.path}: frame {number} lies at slice {k}, beyond its scan"
                )
            frames.setdefault(k, []).append((number, placed[:2]))
        return frames

    def _mark(self, mask: Mask, number: int, placed: npt.NDArray[np.float64]) -> None:
        with reading(self.path, "PixelData"):
            frame = self._file.get_stored_frame(number)
            if self._file.SegmentationType == "FRACTIONAL":
                frame = frame >= self._file.MaximumFractionalValue / 2
            elif self._file.SegmentationType == "LABELMAP":
                frame = np.isin(frame, self._chosen)
        row, column = np.nonzero(frame)
        i, j = np.rint(placed @ np.stack([column, row, np.ones_like(row)])).astype(int)
        if ((i < 0) | (j < 0) | (i >= mask.shape[1]) | (j >= mask.shape[0])).any():
            raise BadCaseError(f"{self.path}: segment reaches beyond its scan in frame {number}")
        mask[j, i] = 1


def _frame_matrix(own: Any, shared: Any) -> npt.NDArray[np.float64]:
    """The (4, 3) map of (column, row, 1) in a frame to world, RAS mm (PS3.3, C.7.6.2.1.1)."""

    def group(name: str) -> Any:
        return (own.get(name) or shared.get(name))[0]

    position = np.array(group("PlanePositionSequence").ImagePositionPatient, float)
    along = np.array(group("PlaneOrientationSequence").ImageOrientationPatient, float)
    row_mm, column_mm = (float(mm) for mm in group("PixelMeasuresSequence").PixelSpacing)
    steps = np.stack([along[:3] * column_mm, along[3:] * row_mm, position], axis=1)
    return np.vstack([steps * _RAS[:, None], [0, 0, 1]])


def _corners(rows: int, columns: int) -> npt.NDArray[np.float64]:
    """(3, 4) homogeneous (column, row, 1) of a frame's corner pixels."""
    ends = [(c, r, 1.0) for c in (0, columns - 1) for r in (0, rows - 1)]
    return np.array(ends, float).T
