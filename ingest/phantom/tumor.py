"""The tumors of a synthetic chest: their shapes, their places and their true volumes.

A tumor is star-shaped: a table of radii by direction around a centre. Its lobes and spikes are
bumps of that table, and the lung's own border cuts it, so that no tumor leaves the lung. The label
and the true volume follow from the same table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Inside = Callable[[Points], NDArray[np.bool_]]

KINDS = ("solid", "part-solid", "juxta-pleural", "hilar")
MIN_DIAMETER_MM, MAX_DIAMETER_MM = 4.0, 60.0

NUM_POLAR, NUM_AROUND = 36, 72
POLAR = np.linspace(0, np.pi, NUM_POLAR + 1)
AROUND = np.linspace(0, 2 * np.pi, NUM_AROUND + 1)
NUM_FINE = 216
"""Steps from pole to pole that the true volume is summed over."""
COARSE_STEPS, HALVINGS = 8, 4
MAX_PLACES = 12
"""How many places are tried before a tumor is given up."""


@dataclass(frozen=True)
class Tumor:
    """One tumor, in mm of the scan."""

    kind: str
    """One of `KINDS`."""
    center: Points
    """Point (3,) that the radii start from."""
    radii: Points
    """Radius by direction: (polar angle from +z, angle around z from +x)."""
    hu: float
    """Attenuation of the solid part, in HU."""
    core: float
    """Radius of the solid part against the whole; 1 where all of it is solid."""
    haze_hu: float
    """Attenuation of the ground-glass part, in HU."""

    @property
    def reach(self) -> float:
        """Largest distance of the surface from the centre, in mm."""
        return float(self.radii.max())

    @cached_property
    def volume_ml(self) -> float:
        """True volume: a third of the integral of the cubed radius over all directions, in mL."""
        polar = (np.arange(NUM_FINE) + 0.5) * np.pi / NUM_FINE
        around = (np.arange(2 * NUM_FINE) + 0.5) * np.pi / NUM_FINE
        cubes = self._radius(polar[:, None], around[None, :]) ** 3
        cells = np.sin(polar) * (np.pi / NUM_FINE) ** 2
        return float((cubes * cells[:, None]).sum() / 3 / 1000)

    @property
    def diameter_mm(self) -> float:
        """Diameter of the sphere of the same volume."""
        return float((6000 * self.volume_ml / np.pi) ** (1 / 3))

    def depth(self, points: Points) -> Points:
        """Distance from the centre against the surface's, for (..., 3) points: below 1 inside."""
        x, y, z = np.moveaxis(points - self.center, -1, 0)
        distance = np.sqrt(x**2 + y**2 + z**2) + 1e-9
        polar = np.arccos(np.clip(z / distance, -1, 1))
        relative: Points = distance / self._radius(polar, np.arctan2(y, x) % (2 * np.pi))
        return relative

    def depth_on(self, axis_mm: Points, z_mm: float) -> tuple[slice, slice, Points]:
        """`depth` on the part of a square slice that the tumor can reach.

        Args:
            axis_mm: Centres of the slice's columns, and of its rows, in mm of the scan.
            z_mm: Height of the slice.

        Returns:
            Rows and columns of that part, and its depth (row, column); empty off the tumor.
        """
        if abs(z_mm - self.center[2]) > self.reach:
            return slice(0), slice(0), np.empty((0, 0))
        columns, rows = (
            slice(*np.searchsorted(axis_mm, (middle - self.reach, middle + self.reach)))
            for middle in self.center[:2]
        )
        y, x = np.meshgrid(axis_mm[rows], axis_mm[columns], indexing="ij")
        return rows, columns, self.depth(np.stack([x, y, np.full_like(x, z_mm)], -1))

    def record(self, affine: NDArray[np.float64]) -> dict[str, Any]:
        """Describe the tumor for people and tests; `affine` maps mm in the scan to the world."""
        center = affine[:3, :3] @ self.center + affine[:3, 3]
        return {
            "kind": self.kind,
            "diameter_mm": round(self.diameter_mm, 3),
            "volume_ml": round(self.volume_ml, 6),
            "center_mm": [round(float(value), 3) for value in center],
        }

    def _radius(self, polar: Points, around: Points) -> Points:
        """Radius in the given directions, bilinear in the two angles."""
        row, column = polar * (NUM_POLAR / np.pi), around * (NUM_AROUND / (2 * np.pi))
        top = np.minimum(row.astype(int), NUM_POLAR - 1)
        left = np.minimum(column.astype(int), NUM_AROUND - 1)
        down, right = row - top, column - left
        upper = self.radii[top, left] * (1 - right) + self.radii[top, left + 1] * right
        lower = self.radii[top + 1, left] * (1 - right) + self.radii[top + 1, left + 1] * right
        radius: Points = upper * (1 - down) + lower * down
        return radius


def place_tumor(
    kind: str,
    diameter_mm: float,
    *,
    inside: Inside,
    box: NDArray[np.float64],
    hila: NDArray[np.float64],
    rng: np.random.Generator,
) -> Tumor | None:
    """Look for a place in the lungs where a tumor of this kind and size fits.

    Args:
        kind: One of `KINDS`.
        diameter_mm: Diameter of the sphere of the same volume, before the lung's border cuts it.
        inside: Says which (n, 3) points, in mm, lie in a lung and outside other tumors.
        box: (2, 3) lowest and highest point, in mm, that the tumor may reach.
        hila: (2, 3) roots of the lungs, in mm.
        rng: Source of randomness.

    Returns:
        The tumor, or None where no place was found.
    """
    radii = _shape(kind, diameter_mm, rng)
    room = box + np.array([[1.0], [-1.0]]) * 0.5 * diameter_mm * np.array([0.0, 0.0, 1.05])
    if (room[1] <= room[0]).any():
        return None
    for center in _candidates(kind, diameter_mm, inside, room, hila, rng):
        border = _border(center, 1.05 * float(radii.max()), inside)
        cut = np.minimum(_smooth(np.minimum(radii, border)), border)
        if _fits(kind, _volume(cut) / _volume(radii)) and cut.min() > 0.12 * diameter_mm:
            return _tumor(kind, center, cut, rng)
    return None


def _candidates(
    kind: str,
    diameter_mm: float,
    inside: Inside,
    room: Points,
    hila: Points,
    rng: np.random.Generator,
) -> Points:
    """Centres in a lung; near the hilum or the lung's border for the kinds that ask for it."""
    points: Points = rng.uniform(room[0], room[1], (1200, 3))
    points = points[inside(points)]
    if kind == "hilar":
        away = np.linalg.norm(points[:, None] - hila, axis=2).min(1)
        near_hilum: Points = points[away < 18 + 0.6 * diameter_mm]
        return near_hilum[:MAX_PLACES]
    directions = rng.normal(size=(24, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    near = points[:, None] + (0.5 if kind == "juxta-pleural" else 0.6) * diameter_mm * directions
    share = inside(near.reshape(-1, 3)).reshape(len(points), 24).mean(1)
    wanted = (share > 0.6) & (share < 0.95) if kind == "juxta-pleural" else share > 0.9
    suited: Points = points[wanted]
    return suited[:MAX_PLACES]


def _fits(kind: str, kept: float) -> bool:
    """Say whether the lung's border leaves enough of a tumor, and cuts off some at the pleura."""
    lowest, highest = {"juxta-pleural": (0.6, 0.93), "hilar": (0.7, 2.0)}.get(kind, (0.9, 2.0))
    return lowest < kept < highest


def _volume(radii: Points) -> float:
    """Volume within a table of radii, in mm³, by its cells' centres; good for comparisons."""
    weights = np.sin(POLAR)[:, None] * np.r_[np.ones(NUM_AROUND), 0.0]
    return float((radii**3 * weights).sum() / weights.sum() * 4 / 3 * np.pi)


def _directions() -> Points:
    """Unit vectors of the table of radii, (polar, around, 3)."""
    polar, around = POLAR[:, None], AROUND[None, :]
    rise = np.cos(polar) + 0 * around
    return np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), rise], -1)


def _shape(kind: str, diameter_mm: float, rng: np.random.Generator) -> Points:
    """Radii of an ellipsoid with a few lobes and many small spikes, of the volume asked for."""
    directions = _directions()
    radii = 1 / np.sqrt(((directions / rng.uniform(0.85, 1.18, 3)) ** 2).sum(-1))
    lobes, spikes = int(rng.integers(4, 10)), int(rng.integers(10, 30))
    rough = 0.35 if kind == "part-solid" or diameter_mm < 9 else 1.0
    heights = np.r_[rng.normal(0, 0.16, lobes), np.abs(rng.normal(0, 0.1 * rough, spikes))]
    widths = np.r_[rng.uniform(3, 9, lobes), rng.uniform(18, 50, spikes)]
    toward = rng.normal(size=(lobes + spikes, 3))
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    for height, width, axis in zip(heights, widths, toward, strict=True):
        radii += height * np.exp(width * (directions @ axis - 1))
    radii = np.maximum(radii, 0.45)
    volume = np.pi / 6 * diameter_mm**3
    scaled: Points = radii * (volume / _volume(radii)) ** (1 / 3)
    return scaled


def _border(center: Points, reach: float, inside: Inside) -> Points:
    """Distance, by direction, at which a ray from the centre leaves the lung; `reach` at most.

    Coarse steps find the interval, halving it finds the place.
    """
    rays = _directions().reshape(-1, 3)
    steps = np.linspace(0, reach, COARSE_STEPS + 1)
    points = center + rays[:, None] * steps[1:, None]
    leaves = ~inside(points.reshape(-1, 3)).reshape(len(rays), COARSE_STEPS)
    first = np.where(leaves.any(1), leaves.argmax(1), COARSE_STEPS)
    near, far = steps[first], steps[np.minimum(first + 1, COARSE_STEPS)]
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        stays = inside(center + rays * middle[:, None])
        near, far = np.where(stays, middle, near), np.where(stays, far, middle)
    border: Points = np.maximum(near, 0.3).reshape(len(POLAR), len(AROUND))
    return border


def _smooth(radii: Points) -> Points:
    """Average each radius with its neighbours; the seam stays closed and the poles single."""
    around = radii[:, :-1]
    around = (np.roll(around, 1, 1) + 2 * around + np.roll(around, -1, 1)) / 4
    padded = np.pad(around, ((1, 1), (0, 0)), mode="edge")
    around = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    around[0], around[-1] = around[0].mean(), around[-1].mean()
    return np.concatenate([around, around[:, :1]], axis=1)


def _tumor(kind: str, center: Points, radii: Points, rng: np.random.Generator) -> Tumor:
    core = float(rng.uniform(0.45, 0.65)) if kind == "part-solid" else 1.0
    hu, haze_hu = float(rng.uniform(18, 55)), float(rng.uniform(-520, -330))
    return Tumor(kind, center, radii, hu, core, haze_hu)
