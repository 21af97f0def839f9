"""DICOM-SEG and RTSTRUCT -> tumor masks on the grid of a scan, slab by slab."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.dicom.contours import fill_even_odd
from ingest.dicom.files import read_file, some
from ingest.dicom.regions import RTSTRUCT, SEGMENTATIONS, chosen_regions, region_names
from ingest.dicom.values import numbers, reading
from ingest.scans.geometry import Grid
from ingest.scans.volume import Volume

_log = logging.getLogger(__name__)

Mask = npt.NDArray[np.uint8]

_FILLED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_OFF_SLICE = 0.25  # farthest a contour may lie off its slice, in slice steps
_OFF_GRID = 0.1  # farthest a segment's pixels may lie off the scan's, in voxels

_RAS = np.array([-1.0, -1.0, 1.0])  # times a point in DICOM's LPS


def open_mask(path: Path, *, on: Grid | None, roi: Sequence[str] = ()) -> Volume:
    """Open the tumor mask in a DICOM-SEG or RTSTRUCT file, placed on the grid of its scan.

    Args:
        path: The file.
        on: Grid of the scan.
        roi: Names or patterns of the regions that are tumor, as in `regions.matching`; may be empty
            when the file has one region.

    Raises:
        BadCaseError: If it is no such file, has no such region, or was drawn on another grid.
    """
    if on is None:
        raise BadCaseError(f"a DICOM mask needs the scan it was drawn on, {path} stands alone")
    values = read_file(path)
    if values.get("SOPClassUID") == RTSTRUCT:
        return ContourMask(path, values, on=on, roi=roi)
    if values.get("SOPClassUID") in SEGMENTATIONS:
        return SegmentMask(path, on=on, roi=roi)
    raise BadCaseError(f"a DICOM mask is a SEG or RTSTRUCT file, {path} is neither")


class ContourMask:
    """The mask that closed contours of an RTSTRUCT enclose: pixel centers, even-odd per region.

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
        chosen = chosen_regions(values, roi, path)
        self._polygons: dict[int, dict[int, list[npt.NDArray[np.float64]]]] = {}
        with reading(path, "ROIContourSequence"):
            drawn = [
                (int(item.ReferencedROINumber), item.get("ContourSequence") or ())
                for item in values.ROIContourSequence
            ]
        for region, contours in drawn:
            if region in chosen:
                self._add(region, contours)
        self._say_gaps(region_names(values, path))

    def slabs(self) -> Iterator[Mask]:
        """Yield (shape[1], shape[0]) uint8 (0, 1) per slice of the scan."""
        columns, rows, slices = self.grid.shape
        for k in range(slices):
            mask = np.zeros((rows, columns), np.uint8)
            for polygons in self._polygons.get(k, {}).values():
                mask |= fill_even_odd(polygons, (rows, columns))
            yield mask

    def _add(self, region: int, contours: Iterable[Any]) -> None:
        to_voxels = np.linalg.inv(self.grid.matrix)
        for contour in contours:
            if contour.get("ContourGeometricType") not in _FILLED:
                continue
            points = self._points(contour)
            if len(points) < 3:
                continue
            voxels = points @ to_voxels[:3, :3].T + to_voxels[:3, 3]
            k = _slice_of(voxels[:, 2], self.grid.shape[2], self.path)
            self._polygons.setdefault(k, {}).setdefault(region, []).append(voxels[:, :2])

    def _say_gaps(self, names: dict[int, str]) -> None:
        """Warn of slices left out between two contours, as when every second one was drawn on."""
        for region in sorted({region for drawn in self._polygons.values() for region in drawn}):
            drawn_on = [k for k, drawn in self._polygons.items() if region in drawn]
            skipped = sorted(set(range(min(drawn_on), max(drawn_on))) - set(drawn_on))
            if skipped:
                _log.warning(
                    "%s: region %r has no contour on %d of the slices between its first and last "
                    "(%s): no tumor is marked there, draw it if it reaches across",
                    self.path, names[region], len(skipped), some([*map(str, skipped)]),
                )  # fmt: skip

    def _points(self, contour: Any) -> npt.NDArray[np.float64]:
        """(n, 3) points of a contour, RAS mm."""
        flat = numbers(contour, "ContourData", -1, self.path)
        if len(flat) % 3:
            raise BadCaseError(
                f"{self.path}: ContourData must be points of 3 numbers, found {len(flat)} numbers: "
                "export the file again"
            )
        return np.asarray(flat.reshape(-1, 3) * _RAS)


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


def _slice_of(places: npt.NDArray[np.float64], slices: int, path: Path) -> int:
    """The slice that a contour lies on; `places` of its points, in slice steps."""
    k = round(float(places.mean()))
    off = float(np.abs(places - k).max())
    if not 0 <= k < slices:
        raise BadCaseError(
            f"{path}: a contour lies at slice {k} of a scan with slices 0 to {slices - 1}: slices "
            "are missing, or it was drawn on another series"
        )
    if off > _OFF_SLICE:
        raise BadCaseError(
            f"{path}: contours must lie on slices, one lies {off:.2f} slice steps off slice {k}: "
            "use the RTSTRUCT that was drawn on this series"
        )
    return k


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
