"""Lesions of a predicted mask, gathered slice by slice: size, place and probability of each."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist, squareform

from ingest.scans.geometry import Grid
from lungseg.postprocessing.components import Components
from lungseg.postprocessing.kept import kept_components
from lungseg.postprocessing.rules import Rules

COLUMNS = (
    "case", "lesion", "volume_ml", "axial_diameter_mm", "diameter_mm", "center_x_mm",
    "center_y_mm", "center_z_mm", "first_slice", "last_slice", "mean_probability",
    "highest_probability",
)  # fmt: skip

Points = npt.NDArray[np.float64]
_MOST_POINTS = 300  # of which all pairs are measured


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """Voxels of one slice that touch each other, or of several.

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
    outline: list[Points]

    def joined(self, other: "_Part | None") -> "_Part":
        """This part and another one."""
        if other is None:
            return self
        return _Part(
            voxels=self.voxels + other.voxels,
            sums=self.sums + other.sums,
            probability=self.probability + other.probability,
            highest=max(self.highest, other.highest),
            axial_mm=max(self.axial_mm, other.axial_mm),
            outline=other.outline + self.outline,
        )


class LesionTable:
    """Joins the voxels that touch at least at a corner, in one pass over the slices.

    Args:
        grid: The scan's grid.
    """

    def __init__(self, grid: Grid) -> None:
        self._canonical = grid.canonical()
        self._parts: dict[int, _Part] = {}
        self.components = Components()

    def add(
        self,
        z: int,
        mask: npt.NDArray[np.uint8],
        probability: npt.NDArray[np.float32],
        hull: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        """Add a slice, a neighbor of the one before.

        Args:
            z: Its canonical number.
            mask: (height, width), 1 is tumor.
            probability: (height, width).
            hull: (height, width), 1 within the hull of a lung; None where no rule asks for it.
        """
        pixels = self.components.add(z, mask, [mask if hull is None else hull])
        if pixels is None:
            return
        numbers = np.arange(pixels.count) + pixels.first
        by_part = np.argsort(pixels.number, kind="stable")
        bounds = np.append(np.searchsorted(pixels.number[by_part], numbers), len(by_part))
        for number, start, stop in zip(numbers.tolist(), bounds, bounds[1:], strict=False):
            inside = by_part[start:stop]
            self._parts[number] = self._part(pixels.x[inside], pixels.y[inside], z, probability)

    def kept(self, rules: Rules) -> set[int]:
        """The components that rules keep."""
        return kept_components(self.components, rules, voxel_mm3=self._canonical.voxel_mm3)

    def rows(self, kept: set[int] | None = None) -> list[dict[str, Any]]:
        """The lesions, the largest first, as rows of `lesions.csv` without their case.

        Args:
            kept: Components; by default all.
        """
        whole: dict[int, _Part] = {}
        for number, part in self._parts.items():
            component = self.components.of(number)
            if kept is None or component in kept:
                whole[component] = part.joined(whole.get(component))
        largest_first = sorted(whole.values(), key=lambda part: -part.voxels)
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

    def _row(self, part: _Part) -> dict[str, Any]:
        outline = np.concatenate(part.outline)
        center = self._canonical.matrix[:3] @ np.append(part.sums / part.voxels, 1)
        first, last = outline[:, 2].min(), outline[:, 2].max()
        values = {
            "volume_ml": part.voxels * self._canonical.voxel_mm3 / 1000,
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
        axes_mm = self._canonical.axes_mm
        sides_mm = axes_mm[:, :2] if axial else axes_mm
        if len(points) < 2:
            return float(np.linalg.norm(sides_mm, axis=0).max())
        places = points @ axes_mm.T
        distances = squareform(pdist(places))
        one, other = np.unravel_index(distances.argmax(), distances.shape)
        step = places[one] - places[other]
        length = float(np.linalg.norm(step))
        return length + float(np.abs(step @ sides_mm).sum()) / length


def _outermost(points: Points) -> Points:
    """The corners of a cloud of points; where it has no volume, the points themselves."""
    if len(points) <= _MOST_POINTS:
        return points
    try:
        return np.asarray(points[ConvexHull(points).vertices])
    except QhullError:
        return points
