"""Lesions of a predicted mask, gathered slice by slice: size, place and probability of each."""

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist, squareform

from ingest.scans.geometry import Grid

COLUMNS = (
    "case", "lesion", "volume_ml", "axial_diameter_mm", "diameter_mm", "center_x_mm",
    "center_y_mm", "center_z_mm", "first_slice", "last_slice", "mean_probability",
    "highest_probability",
)  # fmt: skip

Points = npt.NDArray[np.float64]
_MOST_POINTS = 300  # of which all pairs are measured


@dataclass
class _Part:
    """Voxels that are known to touch each other.

    Attributes:
        voxels: Their number.
        sums: (3,) of their canonical indices.
        probability: Sum of theirs.
        highest: The highest.
        axial_mm: Longest diameter in one slice.
        outline: (n, 3) canonical indices of the outermost voxels.
    """

    voxels: int
    sums: Points
    probability: float
    highest: float
    axial_mm: float
    outline: list[Points] = field(default_factory=list)

    def take(self, other: "_Part") -> None:
        """Add the voxels of another part."""
        self.voxels += other.voxels
        self.sums = self.sums + other.sums
        self.probability += other.probability
        self.highest = max(self.highest, other.highest)
        self.axial_mm = max(self.axial_mm, other.axial_mm)
        self.outline += other.outline


class LesionTable:
    """Joins the voxels that touch at least at a corner, in one pass over the slices.

    Args:
        grid: The scan's grid.
    """

    def __init__(self, grid: Grid) -> None:
        self._canonical = grid.canonical()
        self._pitch = np.array(self._canonical.spacing_mm)
        self._parts: dict[int, _Part] = {}
        self._before: npt.NDArray[np.int64] | None = None
        self._joined: dict[int, int] = {}
        self._next = 1

    def add(
        self, z: int, mask: npt.NDArray[np.uint8], probability: npt.NDArray[np.float32]
    ) -> None:
        """Add a slice, a neighbor of the one before.

        Args:
            z: Its canonical number.
            mask: (height, width), 1 is tumor.
            probability: (height, width).
        """
        if not cv2.hasNonZero(mask):
            self._before = None
            return
        count, labels = cv2.connectedComponents(mask, connectivity=8)
        y, x = np.nonzero(mask)
        numbers = labels[y, x] - 1 + self._next
        by_part = np.argsort(numbers, kind="stable")
        bounds = np.searchsorted(numbers[by_part], np.arange(count) + self._next)
        for part in range(count - 1):
            inside = by_part[bounds[part] : bounds[part + 1]]
            self._parts[self._next + part] = self._part(x[inside], y[inside], z, probability)
        self._next += count - 1
        self._join(x, y, numbers)
        self._before = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.int64)
        self._before[y + 1, x + 1] = numbers

    def rows(self) -> list[dict[str, Any]]:
        """The lesions, the largest first, as rows of `lesions.csv` without their case."""
        largest_first = sorted(self._parts.values(), key=lambda part: -part.voxels)
        return [{"lesion": n, **self._row(part)} for n, part in enumerate(largest_first, start=1)]

    def _part(
        self, x: npt.NDArray[np.int64], y: npt.NDArray[np.int64], z: int, probability: Any
    ) -> _Part:
        hull = cv2.convexHull(np.stack((x, y), axis=1).astype(np.int32))[:, 0]
        outline = np.column_stack((hull, np.full(len(hull), z))).astype(np.float64)
        found = probability[y, x].astype(np.float64)
        return _Part(
            voxels=len(x),
            sums=np.array((x.sum(), y.sum(), z * len(x)), np.float64),
            probability=float(found.sum()),
            highest=float(found.max()),
            axial_mm=self._diameter_mm(outline, axial=True),
            outline=[outline],
        )

    def _join(
        self, x: npt.NDArray[np.int64], y: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]
    ) -> None:
        """Unite parts with those of the slice before that they touch, at a corner at least."""
        if self._before is None:
            return
        for dx, dy in np.ndindex(3, 3):
            before = self._before[y + dy, x + dx]
            touching = before > 0
            pairs = zip(before[touching].tolist(), numbers[touching].tolist(), strict=True)
            for old, new in set(pairs):
                self._unite(old, new)

    def _unite(self, one: int, other: int) -> None:
        one, other = self._now(one), self._now(other)
        if one != other:
            self._parts[other].take(self._parts.pop(one))
            self._joined[one] = other

    def _now(self, number: int) -> int:
        """The part that a part has become."""
        while number in self._joined:
            number = self._joined[number]
        return number

    def _row(self, part: _Part) -> dict[str, Any]:
        outline = np.concatenate(part.outline)
        center = self._canonical.matrix[:3] @ np.append(part.sums / part.voxels, 1)
        first, last = outline[:, 2].min(), outline[:, 2].max()
        values = {
            "volume_ml": part.voxels * float(np.prod(self._pitch)) / 1000,
            "axial_diameter_mm": part.axial_mm,
            "diameter_mm": self._diameter_mm(_outermost(outline)),
            **{f"center_{axis}_mm": float(at) for axis, at in zip("xyz", center, strict=True)},
            "mean_probability": part.probability / part.voxels,
            "highest_probability": part.highest,
        }
        rounded = {name: round(value, 4) for name, value in values.items()}
        return rounded | {"first_slice": int(first), "last_slice": int(last)}

    def _diameter_mm(self, points: Points, *, axial: bool = False) -> float:
        """Longest distance of two voxels, from the outer side of one to that of the other."""
        pitch = self._pitch * ((1, 1, 0) if axial else (1, 1, 1))
        if len(points) < 2:
            return float(pitch.max())
        places = points * self._pitch
        distances = squareform(pdist(places))
        one, other = np.unravel_index(distances.argmax(), distances.shape)
        step = np.abs(places[one] - places[other])
        length = float(np.linalg.norm(step))
        return length + float(step @ pitch) / length


def _outermost(points: Points) -> Points:
    """The corners of a cloud of points; where it has no volume, the points themselves."""
    if len(points) <= _MOST_POINTS:
        return points
    try:
        return np.asarray(points[ConvexHull(points).vertices])
    except QhullError:
        return points
