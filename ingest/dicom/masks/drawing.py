"""What an RTSTRUCT draws of some regions -> outlines on the slices of a scan, or a refusal."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.dicom.masks.polygons import Polygon
from ingest.dicom.regions import chosen_regions, region_names
from ingest.dicom.values import numbers, reading
from ingest.scans.geometry import Grid
from shards.console.words import some

# PS3.3, C.8.8.6.3; INTERPOLATED_PLANAR is none of the standard's, and what some tools write
_CLOSED = {"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"}
_LIKE_CLOSED = {"INTERPOLATED_PLANAR", ""}

_OFF_SLICE = 0.25  # farthest a contour may lie off its slice, in slice steps
_OFF_SLICE_SAID = 0.1

_RAS = np.array([-1.0, -1.0, 1.0])  # times a point in DICOM's LPS

Points = npt.NDArray[np.float64]


@dataclass(kw_only=True)
class Drawing:
    """Regions as they were drawn.

    Attributes:
        outlines: For each slice and each region on it by number, (n, 2) outlines, (column, row) in
            pixels.
        xor: (slice, region) whose outlines cut each other out.
        remarks: What is odd, or was left out.
    """

    outlines: dict[int, dict[int, list[Polygon]]] = field(default_factory=dict)
    xor: set[tuple[int, int]] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)

    def slices_of(self, region: int) -> list[int]:
        """The slices on which a region is drawn, ascending."""
        return sorted(k for k, drawn in self.outlines.items() if region in drawn)


def drawing_of(path: Path, values: Any, *, on: Grid, roi: Sequence[str]) -> Drawing:
    """Find what was drawn of the chosen regions.

    Args:
        path: The file, for messages.
        values: Its content.
        on: Grid of the scan.
        roi: As in `chosen_regions`.

    Raises:
        BadCaseError: If there is no such region, it holds contours that enclose nothing by nature,
            or it was drawn on another grid.
    """
    chosen, names = chosen_regions(values, roi, path), region_names(values, path)
    with reading(path, "ROIContourSequence"):
        drawn: dict[int, list[Any]] = {number: [] for number in chosen}
        for item in values.ROIContourSequence:
            drawn.get(int(item.ReferencedROINumber), []).extend(item.get("ContourSequence") or ())
    drawing = Drawing()
    for number, contours in drawn.items():
        what = f"region {names[number]!r}"
        _Region(path, what, on).draw(number, contours, drawing)
        drawing.remarks += _skipped(what, drawing.slices_of(number))
    return drawing


class _Region:
    """Sorts the contours of one region by what can be done with them."""

    def __init__(self, path: Path, what: str, on: Grid) -> None:
        self._path, self._what, self._on = path, what, on
        self._to_voxels = np.linalg.inv(on.matrix)
        self._counts: dict[str, int] = defaultdict(int)
        self._off = 0.0

    def draw(self, number: int, contours: Iterable[Any], drawing: Drawing) -> None:
        """Add the region's outlines and remarks."""
        contours = list(contours)
        for contour in contours:
            kind = _kind_of(contour, self._path)
            voxels = self._outline(contour, kind)
            if voxels is None:
                continue
            k = self._slice_of(voxels[:, 2])
            drawing.outlines.setdefault(k, {}).setdefault(number, []).append(voxels[:, :2])
            if kind == "CLOSEDPLANAR_XOR":
                drawing.xor.add((k, number))
        if contours and not drawing.slices_of(number):
            raise BadCaseError(
                f"{self._path}: {self._what} encloses nothing ({some([*self._remarks()])}): draw "
                "it with closed contours, or choose another with --roi"
            )
        drawing.remarks += self._remarks() if contours else [f"{self._what} has no contour"]

    def _outline(self, contour: Any, kind: str) -> Points | None:
        """(n, 3) places of an outline in voxels; None for what encloses nothing and is left out."""
        voxels = self._points(contour) @ self._to_voxels[:3, :3].T + self._to_voxels[:3, 3]
        if kind == "POINT" or len(voxels) < 3:
            self._count(
                f"of {'type POINT' if kind == 'POINT' else 'fewer than 3 points'}, left out"
            )
            return None
        if kind in _LIKE_CLOSED:
            self._count(f"of {f'type {kind}' if kind else 'no type'}, filled like CLOSED_PLANAR")
        elif kind == "OPEN_PLANAR" and _ends_meet(voxels):
            self._count("of type OPEN_PLANAR whose ends meet, filled like CLOSED_PLANAR")
        elif kind not in _CLOSED:
            raise BadCaseError(
                f"{self._path}: {self._what} has a contour of type {kind} with {len(voxels)} "
                f"points at slice {voxels[:, 2].mean():.1f}, which encloses nothing: close it, "
                "and export the file again"
            )
        return np.asarray(voxels)

    def _count(self, what: str) -> None:
        self._counts[what] += 1

    def _remarks(self) -> list[str]:
        remarks = [
            f"{self._what}, contours {what}: {count}" for what, count in self._counts.items()
        ]
        if self._off > _OFF_SLICE_SAID:
            remarks.append(
                f"{self._what}: contours lie up to {self._off:.2f} slice steps off the slices that "
                "they are taken for"
            )
        return remarks

    def _slice_of(self, places: npt.NDArray[np.float64]) -> int:
        """The slice that a contour lies on; `places` of its points, in slice steps."""
        k = round(float(places.mean()))
        off = float(np.abs(places - k).max())
        slices = self._on.shape[2]
        if not 0 <= k < slices:
            raise BadCaseError(
                f"{self._path}: a contour of {self._what} lies at slice {k} of a scan with slices "
                f"0 to {slices - 1}: slices are missing, or it was drawn on another series"
            )
        if off > _OFF_SLICE:
            raise BadCaseError(
                f"{self._path}: contours must lie on slices, one of {self._what} lies {off:.2f} "
                f"slice steps off slice {k}: use the RTSTRUCT that was drawn on this series"
            )
        self._off = max(self._off, off)
        return k

    def _points(self, contour: Any) -> Points:
        """(n, 3) points of a contour, RAS mm."""
        flat = numbers(contour, "ContourData", -1, self._path)
        if len(flat) % 3:
            raise BadCaseError(
                f"{self._path}: ContourData must be points of 3 numbers, found {len(flat)} "
                "numbers: export the file again"
            )
        return np.asarray(flat.reshape(-1, 3) * _RAS)


def _kind_of(contour: Any, path: Path) -> str:
    with reading(path, "ContourGeometricType"):
        return str(contour.get("ContourGeometricType") or "").strip().upper()


def _ends_meet(points: Points) -> bool:
    """Whether the gap between the ends of a line is no longer than the longest of its steps."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return bool(np.linalg.norm(points[0] - points[-1]) <= steps.max() * (1 + 1e-6))


def _skipped(what: str, drawn_on: Sequence[int]) -> list[str]:
    """Slices left out between two contours, as when every second one was drawn on."""
    skipped = sorted(set(range(drawn_on[0], drawn_on[-1])) - set(drawn_on)) if drawn_on else []
    if not skipped:
        return []
    return [
        f"{what} has no contour on {len(skipped)} of the slices between its first and last "
        f"({some([*map(str, skipped)])}): no tumor is marked there, draw it if it reaches across"
    ]
