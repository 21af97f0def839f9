"""Paint filled shapes of a synthetic chest onto one image, in HU.

Images have the axes (row = y, column = x): row 0 is the back, column 0 the patient's left.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.phantom.patient import Patient
from ingest.phantom.tree import Pieces

Points = NDArray[np.float64]
Image = NDArray[np.float32]

SUBPIXEL_BITS = 5
THINNEST_PIXELS = 0.55


@dataclass(frozen=True)
class Frame:
    """Where pixels lie: square images of `size`, `pitch` mm apart, centred on the scan's axis."""

    size: int
    pitch: float

    def to_pixels(self, points: Points) -> Points:
        """Map (..., 2) points, in mm of the scan, to (column, row)."""
        pixels: Points = points / self.pitch + (self.size - 1) / 2
        return pixels

    def axis_mm(self) -> Points:
        """Centres of the columns, or of the rows, in mm of the scan."""
        return np.asarray((np.arange(self.size) - (self.size - 1) / 2) * self.pitch, np.float64)


class Canvas:
    """A thin section of a patient at height z, painted organ by organ in standard mm."""

    def __init__(self, frame: Frame, patient: Patient, z: float, *, hu: float) -> None:
        self.frame, self.patient, self.z = frame, patient, z
        self.image: Image = np.full((frame.size, frame.size), hu, np.float32)

    def fill(self, outline: Points | None, hu: float) -> None:
        """Paint the inside of an outline (n, 2); None paints nothing."""
        if outline is not None:
            cv2.fillPoly(self.image, [self._to_pixels(outline)], hu, cv2.LINE_8, SUBPIXEL_BITS)

    def fill_scan_mm(self, outline: Points, hu: float) -> None:
        """Paint the inside of an outline (n, 2) that is given in mm of the scan."""
        pixels = fixed_point(self.frame.to_pixels(outline))
        cv2.fillPoly(self.image, [pixels], hu, cv2.LINE_8, SUBPIXEL_BITS)

    def tube(self, axis: Points, hu: float, *, extra_mm: float = 0.0) -> None:
        """Paint where z cuts balls strung along a curve (n, 4: x, y, z, radius)."""
        square = (axis[:, 3] + extra_mm) ** 2 - (axis[:, 2] - self.z) ** 2
        cut = square > 0.1
        if not cut.any():
            return
        scale = self.patient.scale[0] / self.frame.pitch * (1 << SUBPIXEL_BITS)
        radii = (np.sqrt(square[cut]) * scale).astype(int).tolist()
        for center, radius in zip(self._to_pixels(axis[cut, :2]).tolist(), radii, strict=True):
            cv2.circle(self.image, center, radius, hu, -1, cv2.LINE_8, SUBPIXEL_BITS)

    def bar(self, axis: Points, hu: float, *, half_height_mm: float, half_width_mm: float) -> None:
        """Paint where z cuts a bar bent along a curve (n, 3), of oval section."""
        height = 1 - ((axis[:, 2] - self.z) / half_height_mm) ** 2
        cut = np.flatnonzero(height > 0)
        for run in np.split(cut, np.flatnonzero(np.diff(cut) > 1) + 1):
            if len(run) > 1:
                self.fill(ribbon(axis[run, :2], half_width_mm * np.sqrt(height[run])), hu)

    def _to_pixels(self, points: Points) -> NDArray[np.int32]:
        return fixed_point(self.frame.to_pixels(self.patient.to_scan_at(points, self.z)))


def ribbon(path: Points, half_width: Points | float) -> Points:
    """Outline (2n, 2) of a band along a path (n, 2)."""
    along = np.empty_like(path)
    along[1:-1] = path[2:] - path[:-2]
    along[0], along[-1] = path[1] - path[0], path[-1] - path[-2]
    along *= (half_width / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9))[:, None]
    aside = np.column_stack([-along[:, 1], along[:, 0]])
    return np.concatenate([path + aside, (path - aside)[::-1]])


def fixed_point(pixels: Points) -> NDArray[np.int32]:
    """Round pixel coordinates to the fixed-point numbers that OpenCV draws with."""
    return np.rint(pixels * (1 << SUBPIXEL_BITS)).astype(np.int32)


def coverage(pieces: Pieces, z_mm: float, thickness_mm: float, frame: Frame) -> Image:
    """Share of a slice's thickness that thin tubes fill, pixel by pixel, 0 to 1.

    A tube that runs within a thick slice fills little of it, and one that crosses it all of it:
    that is why a vessel is a faint line on one slice and a bright dot on the next.

    Args:
        pieces: Tubes, in mm of the scan.
        z_mm: Middle of the slice.
        thickness_mm: Thickness of the slice.
        frame: Where the pixels lie.

    Returns:
        Image of `frame.size` squared.
    """
    start, end, radius = _cut(pieces, z_mm - thickness_mm / 2, z_mm + thickness_mm / 2)
    level = _level(start, end)
    chord = 2.0 * radius / np.maximum(level, 0.05)
    pixels = np.maximum(radius / frame.pitch, THINNEST_PIXELS)
    filled = np.minimum(chord / thickness_mm, 1) * np.minimum(radius / frame.pitch / pixels, 1)
    shapes = fixed_point(
        _capsules(frame.to_pixels(start[:, :2]), frame.to_pixels(end[:, :2]), pixels)
    )
    image = np.zeros((frame.size, frame.size), np.uint8)
    for index in np.argsort(filled, kind="stable"):
        value = float(255 * filled[index])
        cv2.fillConvexPoly(image, shapes[index], value, cv2.LINE_AA, SUBPIXEL_BITS)
    return np.asarray(image / np.float32(255), np.float32)


def _level(start: Points, end: Points) -> Points:
    """Cosine of the tubes' slope against the slice: 1 within it, 0 across it."""
    reach = np.linalg.norm(end - start, axis=1)
    level: Points = np.linalg.norm((end - start)[:, :2], axis=1) / np.maximum(reach, 1e-6)
    return level


def _cut(pieces: Pieces, low: float, high: float) -> tuple[Points, Points, Points]:
    """The parts of the tubes between two heights: start, end and radius."""
    z0, z1 = pieces.start[:, 2], pieces.end[:, 2]
    near = (np.minimum(z0, z1) < high) & (np.maximum(z0, z1) > low)
    start, end, radius = pieces.start[near], pieces.end[near], pieces.radius[near]
    rise = end[:, 2] - start[:, 2]
    rise = np.where(np.abs(rise) < 1e-6, 1e-6, rise)
    bounds = np.sort(np.clip((np.array([[low], [high]]) - start[:, 2]) / rise, 0, 1), axis=0)
    along = end - start
    return start + bounds[0][:, None] * along, start + bounds[1][:, None] * along, radius


def _capsules(start: Points, end: Points, radius: Points) -> Points:
    """Octagons (n, 8, 2) around lines with round ends."""
    along = end - start
    length = np.linalg.norm(along, axis=1, keepdims=True)
    along = np.where(length > 1e-6, along / np.maximum(length, 1e-6), (1.0, 0.0))
    aside = np.stack([-along[:, 1], along[:, 0]], 1)
    far, near = radius[:, None], 0.41 * radius[:, None]
    return np.stack(
        [
            end + far * along + near * aside, end + near * along + far * aside,
            start - near * along + far * aside, start - far * along + near * aside,
            start - far * along - near * aside, start - near * along - far * aside,
            end + near * along - far * aside, end + far * along - near * aside,
        ],
        axis=1,
    )  # fmt: skip
