"""What makes one synthetic patient differ from the standard one.

A patient is the standard chest (see `ingest.phantom.anatomy`) scaled, bent by slow waves, turned
and shifted within the scan, with its own fat, breasts, blood and lung density.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Patient:
    """What makes one synthetic patient differ from the standard one."""

    scale: tuple[float, float, float]
    """Width, depth and height against the standard patient."""
    turn: float
    """Turn about the long axis, in radians."""
    shift_mm: tuple[float, float]
    """Place of the body's axis in the field of view, in mm."""
    fat_mm: float
    """Thickness of the fat under the skin, in mm."""
    breast_mm: float
    """How far the breasts stand out, in mm; 0 for none."""
    blood_hu: float
    """Blood in the large vessels: about 40 HU without contrast medium."""
    lung_hu: float
    """Lung tissue between the vessels, halfway down, in HU."""
    waves: NDArray[np.float64]
    """Slow waves (n, 6) that bend all organs: wave vector (x, y, z), phase, shift of x and of y."""

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """Standard (x, y) to mm in the scan: 2 x 3."""
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        turn = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag(self.scale[:2])
        return np.column_stack([turn, self.shift_mm])

    def to_scan_at(self, points: Points, z: float) -> Points:
        """Map (n, 2) standard points at height z to (x, y) in mm of the scan."""
        phase = points @ self.waves[:, :2].T + (z * self.waves[:, 2] + self.waves[:, 3])
        in_scan: Points = (points + np.sin(phase) @ self.waves[:, 4:]) @ self.matrix[:, :2].T
        return in_scan + self.matrix[:, 2]

    def to_scan(self, points: Points) -> Points:
        """Map (..., 3) standard points to mm in the scan."""
        bent = points[..., :2] + self._bend(points)
        flat = bent @ self.matrix[:, :2].T + self.matrix[:, 2]
        return np.concatenate([flat, points[..., 2:] * self.scale[2]], axis=-1)

    def to_standard(self, points: Points) -> Points:
        """Map (..., 3) points in mm of the scan to standard points, to about 0.1 mm."""
        flat = (points[..., :2] - self.matrix[:, 2]) @ np.linalg.inv(self.matrix[:, :2]).T
        standard = np.concatenate([flat, points[..., 2:] / self.scale[2]], axis=-1)
        for _ in range(3):
            standard[..., :2] = flat - self._bend(standard)
        return standard

    def _bend(self, points: Points) -> Points:
        """Shift (..., 2) of x and y, in mm, that the waves give to standard points."""
        shift: Points = np.sin(points @ self.waves[:, :3].T + self.waves[:, 3]) @ self.waves[:, 4:]
        return shift


def draw_patient(rng: np.random.Generator) -> Patient:
    """Draw a patient.

    Args:
        rng: Source of randomness.

    Returns:
        Build, position, fat, blood and lung density of one patient.
    """
    size = rng.uniform(0.92, 1.06)
    scale = size * rng.uniform((0.95, 0.93, 0.96), (1.05, 1.07, 1.05))
    contrast = rng.random() < 0.35
    return Patient(
        scale=(float(scale[0]), float(scale[1]), float(scale[2])),
        turn=float(rng.normal(0, 0.025)),
        shift_mm=(float(rng.normal(0, 4)), float(rng.normal(6, 4))),
        fat_mm=float(rng.uniform(7, 24)),
        breast_mm=float(rng.uniform(10, 26) if rng.random() < 0.45 else 0.0),
        blood_hu=float(rng.uniform(90, 190) if contrast else rng.uniform(35, 48)),
        lung_hu=float(rng.uniform(-880, -830)),
        waves=_draw_waves(rng),
    )


def _draw_waves(rng: np.random.Generator) -> NDArray[np.float64]:
    """Four long waves of a few mm and two short ones of a fraction of a mm."""
    length = np.r_[rng.uniform(110, 260, 4), rng.uniform(35, 60, 2)]
    toward = rng.normal(size=(6, 3))
    toward *= (2 * np.pi / length / np.linalg.norm(toward, axis=1))[:, None]
    shift = rng.normal(size=(6, 2)) * np.r_[np.full(4, 2.1), np.full(2, 0.6)][:, None]
    return np.column_stack([toward, rng.uniform(0, 2 * np.pi, 6), shift])
