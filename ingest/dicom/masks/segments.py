"""DICOM-SEG -> a tumor mask on the grid of a scan, slab by slab."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.pixels import pixel_array

from ingest.case import BadCaseError
from ingest.dicom.regions import chosen_regions
from ingest.dicom.values import numbers, reading
from ingest.scans.geometry import Grid

Mask = npt.NDArray[np.uint8]

_OFF_GRID = 0.1  # farthest a segment's pixels may lie off the scan's, in voxels
_SAME_VOLUME = 0.05  # relative difference between a fractional segment and its mask: not said

_RAS = np.array([-1.0, -1.0, 1.0])  # times a point in DICOM's LPS


@dataclass(frozen=True, kw_only=True, eq=False)
class _Frame:
    """A frame of chosen segments: its number, from 0, and the map of (column, row, 1) to (i, j)."""

    number: int
    placed: npt.NDArray[np.float64]


class SegmentMask:
    """The mask that segments of a DICOM-SEG mark; a fractional one counts from one half.

    Only what places and names the segments is asked for: many files lack attributes that the
    standard requires.

    Args:
        path: The file, for messages.
        values: Its content.
        on: Grid of the scan.
        roi: As in `open_mask`.

    Raises:
        BadCaseError: As in `open_mask`.
    """

    def __init__(self, path: Path, values: Any, *, on: Grid, roi: Sequence[str]) -> None:
        self.path = path
        self.grid = on
        self.remarks: list[str] = []
        self.measures: dict[str, float] = {}
        self._file = values
        self._chosen = chosen_regions(values, roi, path)
        with reading(path, "PerFrameFunctionalGroupsSequence"):
            self._frames = self._frames_by_slice()
        self._kind = self._kind_of_numbers()

    def slabs(self) -> Iterator[Mask]:
        """Yield (shape[1], shape[0]) uint8 (0, 1) per slice of the scan."""
        columns, rows, slices = self.grid.shape
        share, marked = 0.0, 0
        for k in range(slices):
            mask = np.zeros((rows, columns), np.uint8)
            for frame in self._frames.get(k, ()):
                share += self._mark(mask, frame)
            marked += int(np.count_nonzero(mask))
            yield mask
        self.remarks = self._of_fractions(share, marked)

    def _of_fractions(self, share: float, marked: int) -> list[str]:
        """What to say of shares of voxels that add up to another volume than the mask's."""
        if self._kind != "FRACTIONAL" or abs(share - marked) <= _SAME_VOLUME * share:
            return []
        voxel_ml = self.grid.voxel_mm3 / 1000
        return [
            f"shares of voxels add up to {share * voxel_ml:.3g} mL, voxels marked by half or more "
            f"hold {marked * voxel_ml:.3g} mL"
        ]

    def _kind_of_numbers(self) -> str:
        """BINARY, FRACTIONAL or LABELMAP; one bit is binary, whatever else is said."""
        if self._file.get("BitsAllocated") == 1:
            return "BINARY"
        kind = str(self._file.get("SegmentationType") or "").strip().upper()
        if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
            raise BadCaseError(
                f"{self.path}: SegmentationType must say what the numbers mean, found "
                f"{kind or 'none'}: export the file again"
            )
        return kind

    def _frames_by_slice(self) -> dict[int, list[_Frame]]:
        groups = self._file.PerFrameFunctionalGroupsSequence
        shared = (self._file.get("SharedFunctionalGroupsSequence") or [{}])[0]
        if int(self._file.get("NumberOfFrames") or 1) != len(groups):
            raise BadCaseError(
                f"{self.path}: each frame must have a place, found {len(groups)} places of "
                f"{self._file.get('NumberOfFrames')} frames: export the file again"
            )
        frames: dict[int, list[_Frame]] = {}
        for number, own in enumerate(groups):
            if self._is_chosen(number, own, shared):
                k, placed = self._place(number, own, shared)
                frames.setdefault(k, []).append(_Frame(number=number, placed=placed))
        return frames

    def _is_chosen(self, number: int, own: Any, shared: Any) -> bool:
        """Whether a frame shows a chosen segment; one that does not say may, if there is no other.

        A label map shows all segments in one frame.
        """
        identity = own.get("SegmentIdentificationSequence") or shared.get(
            "SegmentIdentificationSequence"
        )
        if identity:
            return int(identity[0].ReferencedSegmentNumber) in self._chosen
        if len(self._file.SegmentSequence) > 1 and self._file.get("BitsAllocated") == 1:
            raise BadCaseError(
                f"{self.path}: frame {number + 1} does not say which of "
                f"{len(self._file.SegmentSequence)} segments it shows: export the file again"
            )
        return True

    def _place(self, number: int, own: Any, shared: Any) -> tuple[int, npt.NDArray[np.float64]]:
        """The slice of a frame, and the (2, 3) map of (column, row, 1) to (i, j)."""
        placed = np.linalg.inv(self.grid.matrix) @ self._to_world(number, own, shared)
        corners = placed @ _corners(int(self._file.Rows), int(self._file.Columns))
        off = float(np.abs(corners - np.rint(corners)).max())
        if off > _OFF_GRID or np.abs(placed[2, :2]).max() > _OFF_GRID:
            raise BadCaseError(
                f"{self.path}: a segment must lie on the scan's voxels, frame {number + 1} lies "
                f"{off:.2f} voxels off: use the SEG that was drawn on this series"
            )
        k = round(placed[2, 2])
        if not 0 <= k < self.grid.shape[2]:
            raise BadCaseError(
                f"{self.path}: frame {number + 1} lies at slice {k}, beyond its scan"
            )
        return k, placed[:2]

    def _to_world(self, number: int, own: Any, shared: Any) -> npt.NDArray[np.float64]:
        """The (4, 3) map of (column, row, 1) in a frame to RAS mm (PS3.3, C.7.6.2.1.1).

        Where a frame does not say how its pixels lie, they lie as the scan's.
        """

        def group(name: str, keyword: str, count: int) -> npt.NDArray[np.float64] | None:
            items = own.get(name) or shared.get(name)
            if not items or items[0].get(keyword) is None:
                return None
            return numbers(items[0], keyword, count, self.path)

        position = group("PlanePositionSequence", "ImagePositionPatient", 3)
        if position is None:
            raise BadCaseError(
                f"{self.path}: frame {number + 1} does not say where it lies, it has no "
                "ImagePositionPatient: export the file again"
            )
        directions = group("PlaneOrientationSequence", "ImageOrientationPatient", 6)
        pixel_mm = group("PixelMeasuresSequence", "PixelSpacing", 2)
        steps = self.grid.matrix[:3, :2] * _RAS[:, None]
        if directions is not None:
            steps = directions.reshape(2, 3).T * np.linalg.norm(steps, axis=0)
        if pixel_mm is not None:
            steps = steps / np.linalg.norm(steps, axis=0) * pixel_mm[::-1]
        return np.vstack([np.column_stack([steps, position]) * _RAS[:, None], [0, 0, 1]])

    def _mark(self, mask: Mask, frame: _Frame) -> float:
        """Mark what a frame shows, and return how many voxels that is, in shares."""
        with reading(self.path, "PixelData"):
            stored = _stored(self._file, frame.number)
        shares = self._shares(stored)
        row, column = np.nonzero(shares >= 0.5)
        i, j = np.rint(frame.placed @ np.stack([column, row, np.ones_like(row)])).astype(int)
        if ((i < 0) | (j < 0) | (i >= mask.shape[1]) | (j >= mask.shape[0])).any():
            raise BadCaseError(
                f"{self.path}: segment reaches beyond its scan in frame {frame.number + 1}"
            )
        mask[j, i] = 1
        return float(shares.sum())

    def _shares(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """How much of each pixel is marked, 0 to 1."""
        if self._kind == "LABELMAP":
            return np.asarray(np.isin(stored, self._chosen), float)
        if self._kind == "BINARY":
            return np.asarray(stored != 0, float)
        if self._file.get("MaximumFractionalValue") is None:
            return np.asarray(stored / 255)
        return np.asarray(stored / numbers(self._file, "MaximumFractionalValue", 1, self.path))


def _stored(values: Any, number: int) -> npt.NDArray[Any]:
    """(rows, columns) numbers of a frame; single bits run on from frame to frame without a gap."""
    syntax = values.file_meta.TransferSyntaxUID
    if values.get("BitsAllocated") != 1 or syntax.is_compressed:
        return np.asarray(pixel_array(values, index=number, raw=True))
    shape = int(values.Rows), int(values.Columns)
    count = shape[0] * shape[1]
    first, start = divmod(number * count, 8)
    stored = np.frombuffer(values.PixelData, np.uint8, -(-(start + count) // 8), first)
    return np.unpackbits(stored, bitorder="little")[start : start + count].reshape(shape)


def _corners(rows: int, columns: int) -> npt.NDArray[np.float64]:
    """(3, 4) homogeneous (column, row, 1) of a frame's corner pixels."""
    ends = [(c, r, 1.0) for c in (0, columns - 1) for r in (0, rows - 1)]
    return np.array(ends, float).T
