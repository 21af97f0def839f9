"""Axes and affines: what lies along a scan's stored axes, seen along canonical ones (RAS)."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Affine = tuple[tuple[float, float, float, float], ...]

_DECIMALS = 5  # of direction cosines
_NAMES = (("L", "R"), ("P", "A"), ("I", "S"))


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Where the voxels of a scan lie in the patient.

    Attributes:
        shape: Voxels along the stored axes (i, j, k).
        affine: 4 x 4 matrix from voxel index to world; world is RAS+, mm.
    """

    shape: tuple[int, int, int]
    affine: Affine

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel pitch along the stored axes, in mm."""
        x, y, z = np.sqrt((self.axes_mm**2).sum(axis=0)).tolist()
        return x, y, z

    @property
    def axes_mm(self) -> npt.NDArray[np.float64]:
        """(3, 3), its columns the steps from voxel to voxel along the stored axes, in mm."""
        return self.matrix[:3, :3]

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel, also where axes do not stand at right angles."""
        return abs(float(np.linalg.det(self.axes_mm)))

    @property
    def orientation(self) -> str:
        """Where each stored axis points, for example `LPS`."""
        return "".join(_NAMES[axis][not flipped] for axis, flipped in self.axes)

    @property
    def axes(self) -> tuple[tuple[int, bool], ...]:
        """For each stored axis: the canonical axis (0 x, 1 y, 2 z) nearest to it, and if it is
        stored against that axis' direction.
        """  # noqa: D205
        return _axes_of(self.affine)

    @property
    def streams(self) -> bool:
        """Whether the last stored axis is the body's, so that slabs are axial slices."""
        return self.axes[2][0] == 2

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """The affine as a (4, 4) array."""
        return np.array(self.affine)

    def canonical(self) -> "Grid":
        """The same voxels with axes reordered and flipped to run nearest to x, y, z (RAS)."""
        to_stored = np.zeros((4, 4))
        to_stored[3, 3] = 1
        for stored, (axis, flipped) in enumerate(self.axes):
            to_stored[stored, axis] = -1 if flipped else 1
            to_stored[stored, 3] = self.shape[stored] - 1 if flipped else 0
        order = _stored_axis_of(self)
        i, j, k = (self.shape[stored] for stored in order)
        return Grid(shape=(i, j, k), affine=as_affine(self.matrix @ to_stored))


def as_affine(matrix: npt.NDArray[Any]) -> Affine:
    """A (4, 4) array as the plain numbers that a `Grid` holds."""
    return tuple(tuple(float(value) for value in row) for row in matrix)  # type: ignore[misc]


def to_canonical(volume: npt.NDArray[Any], grid: Grid) -> npt.NDArray[Any]:
    """View an array in stored axes (i, j, k) along canonical axes (x, y, z); copies nothing."""
    view = volume.transpose(_stored_axis_of(grid))
    return view[_flips(grid)]


def same_place_voxels(first: Grid, second: Grid) -> float:
    """How far two grids of one shape lie apart: the farthest corner, in voxels of the first.

    Args:
        first: Grid whose voxels are the unit.
        second: Grid of the same shape.

    Returns:
        The largest distance of a corner of `first` from the same corner of `second`, in voxels.
    """
    ends = [(0, size - 1) for size in first.shape]
    corners = np.array([(*corner, 1) for corner in np.stack(np.meshgrid(*ends), -1).reshape(-1, 3)])
    moved = np.linalg.solve(first.matrix, second.matrix @ corners.T).T
    return float(np.abs(moved - corners)[:, :3].max())


def _stored_axis_of(grid: Grid) -> list[int]:
    """Stored axis that lies along each canonical one."""
    return sorted(range(3), key=lambda stored: grid.axes[stored][0])


def _flips(grid: Grid) -> tuple[slice, ...]:
    steps = {axis: -1 if flipped else 1 for axis, flipped in grid.axes}
    return tuple(slice(None, None, steps[axis]) for axis in range(3))


@functools.lru_cache(maxsize=64)
def _axes_of(affine: Affine) -> tuple[tuple[int, bool], ...]:
    """Nearest canonical axis and sense of each stored axis, as nibabel's `io_orientation` has it.

    The rotation next to the affine is its polar factor (by SVD); stored axes choose their
    canonical axis one after the other, the best aligned first. Half way between two, as at 45
    degrees, the noise of an affine in 32 bits decides nothing: a scan and its mask agree.
    """
    columns = np.array(affine)[:3, :3]
    lengths = np.sqrt((columns**2).sum(axis=0))
    if not (np.isfinite(columns).all() and (lengths > 0).all()):
        raise ValueError(f"an affine needs three finite axes longer than 0 mm, got {affine}")
    left, singular, right = np.linalg.svd(columns / lengths)
    if singular[2] <= singular[0] * 3 * np.finfo(np.float64).eps:
        raise ValueError(f"an affine needs three axes that span space, got {affine}")
    rotation = np.round(left @ right, _DECIMALS)
    found: dict[int, tuple[int, bool]] = {}
    for stored in np.argsort(-(rotation**2).max(axis=0), kind="stable").tolist():
        axis = int(np.argmax(np.abs(rotation[:, stored])))
        found[stored] = (axis, bool(rotation[axis, stored] < 0))
        rotation[axis] = 0
    return found[0], found[1], found[2]
