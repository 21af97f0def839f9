"""Paint a synthetic chest slice by slice, as a scanner would show it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest import phantom_anatomy as body
from ingest.phantom_anatomy import Patient
from ingest.phantom_tree import Pieces

Points = NDArray[np.float64]
Image = NDArray[np.float32]

AIR, FAT, MUSCLE, SKIN, WATER = -1000.0, -100.0, 52.0, 15.0, 5.0
LUNG = -860.0
"""Stands for lung tissue while a slice is painted; its own texture replaces it at the end."""
AIRWAY, GAS = -985.0, -970.0
CORTEX, MARROW, DISC, CARTILAGE = 620.0, 190.0, 85.0, 115.0
SUBPIXEL_BITS = 5


@dataclass(frozen=True)
class Frame:
    """Where pixels lie: square images of `size`, `pitch` mm apart, centred on the scan's axis."""

    size: int
    pitch: float

    def to_pixels(self, points: Points) -> Points:
        """Map (..., 2) points, in mm of the scan, to (column, row)."""
        return points / self.pitch + (self.size - 1) / 2

    def axis_mm(self) -> Points:
        """Centres of the columns, or of the rows, in mm of the scan."""
        return (np.arange(self.size) - (self.size - 1) / 2) * self.pitch


class Canvas:
    """One image, (row = y, column = x) in HU, that organs are painted on in standard mm."""

    def __init__(self, frame: Frame, patient: Patient) -> None:
        self.frame, self.patient = frame, patient
        self.image: Image = np.full((frame.size, frame.size), AIR, np.float32)

    def fill(self, outline: Points | None, hu: float) -> None:
        """Paint the inside of an outline (n, 2); None paints nothing."""
        if outline is not None and len(outline) > 2:
            pixels = _fixed_point(self._to_pixels(outline))
            cv2.fillPoly(self.image, [pixels], hu, cv2.LINE_8, SUBPIXEL_BITS)

    def tube(self, axis: Points, z: float, hu: float, *, extra_mm: float = 0.0) -> None:
        """Paint where a height cuts balls strung along a curve (n, 4: x, y, z, radius)."""
        square = (axis[:, 3] + extra_mm) ** 2 - (axis[:, 2] - z) ** 2
        scale = self.patient.scale[0] / self.frame.pitch * (1 << SUBPIXEL_BITS)
        for place, height in zip(axis[square > 0.1], square[square > 0.1], strict=True):
            center = _fixed_point(self._to_pixels(place[None, :2]))[0]
            radius = int(height**0.5 * scale)
            cv2.circle(self.image, center.tolist(), radius, hu, -1, cv2.LINE_8, SUBPIXEL_BITS)

    def strip(
        self, axis: Points, z: float, hu: float, *, half_height_mm: float, half_width_mm: float
    ) -> None:
        """Paint where a height cuts a flat bar bent along a curve (n, 3), upright in section."""
        height = 1 - ((axis[:, 2] - z) / half_height_mm) ** 2
        cut = np.flatnonzero(height > 0)
        for run in np.split(cut, np.flatnonzero(np.diff(cut) > 1) + 1):
            if len(run) > 1:
                self.fill(_ribbon(axis[run, :2], half_width_mm * np.sqrt(height[run])), hu)

    def _to_pixels(self, points: Points) -> Points:
        matrix = self.patient.matrix
        return self.frame.to_pixels(points @ matrix[:, :2].T + matrix[:, 2])


def paint_table(canvas: Canvas) -> None:
    """Paint the table's cushion and shell under the back."""
    back = float(body.trunk(-60, canvas.patient.fat_mm, (0.0,))[:, 1].min())
    x = np.linspace(-215, 215, 60)
    for depth, thickness, hu in ((7, 2.5, -880), (28, 3.0, -160), (52, 2.0, -420)):
        y = back - depth + (x / 215) ** 2 * (34 - 0.4 * depth)
        canvas.fill(_ribbon(np.column_stack([x, y]), np.full(60, thickness / 2)), hu)


def paint_trunk(canvas: Canvas, z: float) -> None:
    """Paint skin, fat, breasts and the muscles of the trunk."""
    patient = canvas.patient
    skin = body.trunk(z, patient.fat_mm, patient.wobble)
    breasts = [_breast(patient, z, side) for side in (1, -1)] if patient.breast_mm else []
    for outline in (skin, *breasts):
        canvas.fill(outline, SKIN)
    canvas.fill(body.trunk(z, patient.fat_mm - 2, patient.wobble), FAT)
    for outline in breasts:
        if outline is not None:
            canvas.fill(outline.mean(0) + 0.96 * (outline - outline.mean(0)), FAT)
            glands = outline.mean(0) + 0.5 * (outline - outline.mean(0))
            canvas.fill(_frayed(glands, z), -10.0)
    canvas.fill(body.trunk(z, 0, patient.wobble), MUSCLE)
    _paint_muscle_gaps(canvas, z)


def paint_chest_wall(canvas: Canvas, z: float, ribs: list[Points]) -> None:
    """Paint the muscles between the ribs, the ribs, the breastbone and the shoulder blades."""
    if z < body.APEX_Z + 3:
        canvas.fill(body.cavity(min(z, body.APEX_Z), 13), FAT)
        canvas.fill(body.cavity(min(z, body.APEX_Z), 10.5), MUSCLE)
    for rib in ribs:
        if rib[:, 2].min() - 8 < z < rib[:, 2].max() + 8:
            canvas.strip(rib, z, CORTEX, half_height_mm=7, half_width_mm=4.2)
            canvas.strip(rib, z, MARROW, half_height_mm=5.4, half_width_mm=2.7)
    _paint_sternum(canvas, z)
    for side in (1, -1):
        _paint_shoulder(canvas, z, side)


def paint_cavity(canvas: Canvas, z: float) -> None:
    """Paint the chest cavity: all lung, until the organs in it are painted."""
    if z < body.APEX_Z:
        canvas.fill(body.cavity(z), LUNG)


def paint_mediastinum(canvas: Canvas, z: float, tubes: dict[str, list[Points]]) -> None:
    """Paint fat, heart, great vessels, gullet and windpipe between the lungs."""
    outline = body.mediastinum(z)
    if z < body.APEX_Z:
        outline = body.within_cavity(outline, z)
        canvas.fill(outline, FAT + 10)
    for center, axes in body.HEART:
        canvas.fill(body.ellipsoid_at(z, center, tuple(axis + 3 for axis in axes)), FAT + 15)
    for center, axes in body.HEART:
        canvas.fill(body.ellipsoid_at(z, center, axes), 44.0)
    for center, axes in body.HEART:
        chamber = tuple(axis - 12 for axis in axes)
        canvas.fill(body.ellipsoid_at(z, center, chamber), canvas.patient.blood_hu)
    for tube in tubes["soft"]:
        canvas.tube(tube, z, 35.0)
    for tube in tubes["blood"]:
        canvas.tube(tube, z, 40.0, extra_mm=1.2)
    for tube in tubes["blood"]:
        canvas.tube(tube, z, canvas.patient.blood_hu)
    for tube in tubes["air"]:
        canvas.tube(tube, z, 20.0, extra_mm=1.6)
    for tube in tubes["air"]:
        canvas.tube(tube, z, AIRWAY)


def paint_abdomen(canvas: Canvas, z: float) -> None:
    """Paint the diaphragm's domes with liver, stomach and spleen below them."""
    if z < -150:
        canvas.fill(body.cavity(z), FAT)
    for side, hu in (("left", FAT), ("right", 58.0)):
        dome = body.dome_at(z, side)
        canvas.fill(dome, 48.0)
        if dome is not None:
            canvas.fill(dome.mean(0) + 0.965 * (dome - dome.mean(0)), hu)
    for (center, axes), hu in (
        (((66.0, 4, -165), (70, 78, 66)), 58.0),
        (((10.0, 36, -150), (56, 38, 40)), 58.0),
        (((-52.0, 34, -160), (40, 40, 46)), 38.0),
        (((-92.0, -30, -160), (26, 40, 44)), 52.0),
        (((-60.0, 52, -152), (20, 14, 26)), GAS),
        (((-48.0, -38, -215), (28, 28, 55)), 34.0),
        (((58.0, -42, -230), (28, 28, 55)), 34.0),
    ):
        outline = body.ellipsoid_at(z, center, axes)
        if outline is not None:
            canvas.fill(body.within_cavity(outline, z), hu)


def paint_spine(canvas: Canvas, z: float) -> None:
    """Paint the vertebra or the disc at a height, its arch and the canal."""
    y, phase = body.spine_y(z), (z / 24.0) % 1
    canvas.fill(body.ellipse(0, y - 30, 44, 24), MUSCLE)
    is_disc = phase < 0.2
    canvas.fill(body.ellipse(0, y, 18.5, 15), DISC if is_disc else CORTEX)
    if not is_disc:
        canvas.fill(body.ellipse(0, y, 16.5, 13), MARROW if 0.26 < phase < 0.94 else 380.0)
    if 0.35 < phase < 0.9:
        _paint_arch(canvas, y, phase)
    canvas.fill(body.ellipse(0, y - 20, 11, 8.5), FAT + 40)
    canvas.fill(body.ellipse(0, y - 20, 8.5, 6.8), 22.0)
    canvas.fill(
        _ribbon(np.array([(0.0, y - 30), (0, y - 44 - 6 * phase)]), np.full(2, 3.6)), CORTEX
    )
    canvas.fill(
        _ribbon(np.array([(0.0, y - 31), (0, y - 42 - 6 * phase)]), np.full(2, 1.8)), MARROW
    )


def coverage(pieces: Pieces, z_mm: float, thickness_mm: float, frame: Frame) -> NDArray[np.uint8]:
    """How much of a slice's thickness thin tubes fill, pixel by pixel: 0 to 255.

    Args:
        pieces: Tubes in mm of the scan.
        z_mm: Middle of the slice.
        thickness_mm: Thickness of the slice.
        frame: Where the pixels lie.
    """
    low, high = z_mm - thickness_mm / 2, z_mm + thickness_mm / 2
    z0, z1 = pieces.start[:, 2], pieces.end[:, 2]
    near = (np.minimum(z0, z1) < high) & (np.maximum(z0, z1) > low)
    start, end, radius = pieces.start[near], pieces.end[near], pieces.radius[near]
    rise = end[:, 2] - start[:, 2]
    safe = np.where(np.abs(rise) < 1e-6, 1e-6, rise)
    bounds = np.sort(np.clip((np.array([[low], [high]]) - start[:, 2]) / safe, 0, 1), axis=0)
    along = end - start
    level = np.linalg.norm(along[:, :2], axis=1) / np.maximum(np.linalg.norm(along, axis=1), 1e-6)
    filled = np.clip(1.6 * radius / np.maximum(level, 0.05) / thickness_mm, 0.0, 1.0)
    ends = [start[:, :2] + bound[:, None] * along[:, :2] for bound in bounds]
    image = np.zeros((frame.size, frame.size), np.uint8)
    shapes = _fixed_point(_capsules(*(frame.to_pixels(e) for e in ends), radius / frame.pitch))
    for index in np.argsort(filled, kind="stable"):
        value = float(255 * filled[index])
        cv2.fillConvexPoly(image, shapes[index], value, cv2.LINE_AA, SUBPIXEL_BITS)
    return image


def _capsules(start: Points, end: Points, radius: Points) -> Points:
    """Octagons (n, 8, 2) around lines with round ends."""
    along = end - start
    length = np.linalg.norm(along, axis=1, keepdims=True)
    along = np.where(length > 1e-6, along / np.maximum(length, 1e-6), (1.0, 0.0))
    aside = np.stack([-along[:, 1], along[:, 0]], 1)
    radius = np.maximum(radius, 0.55)[:, None]
    far, near = radius, 0.41 * radius
    return np.stack(
        [
            end + far * along + near * aside, end + near * along + far * aside,
            start - near * along + far * aside, start - far * along + near * aside,
            start - far * along - near * aside, start - near * along - far * aside,
            end + near * along - far * aside, end + far * along - near * aside,
        ],
        axis=1,
    )  # fmt: skip


def _fixed_point(pixels: Points) -> NDArray[np.int32]:
    return np.round(pixels * (1 << SUBPIXEL_BITS)).astype(np.int32)


def _ribbon(path: Points, half_width: Points) -> Points:
    """Outline (2n, 2) of a band along a path (n, 2)."""
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    aside = np.stack([-along[:, 1], along[:, 0]], 1) * half_width[:, None]
    return np.concatenate([path + aside, (path - aside)[::-1]])


def _breast(patient: Patient, z: float, side: int) -> Points | None:
    center = (side * 72.0, 78.0 + 0.3 * patient.fat_mm, -40.0)
    return body.ellipsoid_at(z, center, (56.0, 24.0 + patient.breast_mm, 62.0))


def _frayed(outline: Points, z: float) -> Points:
    angle = np.linspace(0, 2 * np.pi, len(outline), endpoint=False)
    waves = 1 + 0.22 * np.cos(5 * angle + z / 9) + 0.15 * np.cos(9 * angle - z / 7)
    return outline.mean(0) + (outline - outline.mean(0)) * waves[:, None]


def _paint_muscle_gaps(canvas: Canvas, z: float) -> None:
    """Paint the seams of fat that part the muscles of back, side and breast."""
    for inset, begin, end in ((5.0, 20, 44), (5.0, 4, 28), (7.0, 52, 70), (7.0, 74, 92)):
        seam = body.trunk(z, -inset - 0.02 * abs(z), canvas.patient.wobble)[begin:end]
        canvas.fill(_ribbon(seam, 1.3 * np.sin(np.linspace(0, np.pi, len(seam)))), FAT)


def _paint_sternum(canvas: Canvas, z: float) -> None:
    if not -105 < z < 72:
        return
    width, depth, center_y = 17.0 + 9 * (z > 32), 5.5, body.cavity(z)[:, 1].max() + 7
    outline = body.superellipse(width, depth, float(center_y), 3.0)
    canvas.fill(outline, CORTEX - 150)
    canvas.fill(body.superellipse(width - 1.8, depth - 1.8, float(center_y), 3.0), MARROW - 60)
    if z < 32:
        for side in (1, -1):
            front = [(side * 20.0, center_y), (side * 34, center_y - 2), (side * 46, center_y - 6)]
            canvas.fill(_ribbon(np.array(front), np.full(3, 4.5)), CARTILAGE)


def _paint_shoulder(canvas: Canvas, z: float, side: int) -> None:
    """Paint one shoulder blade, collar bone and, high up, the head of the upper arm."""
    if -30 < z < 108:
        up = (z + 30) / 138
        inner, outer = (
            np.array([62 + 8 * up, -92 + 24 * up]),
            np.array([96 + 46 * up, -74 + 36 * up]),
        )
        blade = np.linspace(inner, outer, 12) * (side, 1)
        blade[:, 1] -= 5 * np.sin(np.linspace(0, np.pi, 12))
        width = np.interp(np.linspace(0, 1, 12), (0, 0.15, 0.8, 1), (2.5, 2.2, 3.2, 5.5))
        canvas.fill(_ribbon(blade, width + 6), MUSCLE)
        canvas.fill(_ribbon(blade, width), CORTEX)
        canvas.fill(_ribbon(blade[1:-1], np.maximum(width[1:-1] - 1.8, 0.4)), MARROW)
    along = np.linspace(0, 1, 40)
    collar = np.column_stack(
        [
            side * (16 + 130 * along),
            46 - 40 * along + 14 * np.sin(2 * np.pi * along),
            66 + 40 * along,
        ]
    )
    canvas.strip(collar, z, CORTEX, half_height_mm=7, half_width_mm=6)
    canvas.strip(collar, z, MARROW, half_height_mm=5, half_width_mm=4)
    head = body.ellipsoid_at(z, (side * 172.0, -26, 112), (24, 24, 26))
    canvas.fill(head, CORTEX)
    canvas.fill(body.ellipsoid_at(z, (side * 172.0, -26, 112), (21.5, 21.5, 23.5)), MARROW - 40)


def _paint_arch(canvas: Canvas, y: float, phase: float) -> None:
    for side in (1, -1):
        lamina = np.array([(side * 13.0, y - 12), (side * 15, y - 24), (side * 2, y - 32)])
        canvas.fill(_ribbon(lamina, np.full(3, 4.2)), CORTEX)
        canvas.fill(_ribbon(lamina, np.full(3, 2.2)), MARROW)
        if phase > 0.5:
            wing = np.array([(side * 14.0, y - 22), (side * 26, y - 28), (side * 36, y - 33)])
            canvas.fill(_ribbon(wing, np.full(3, 4.0)), CORTEX)
            canvas.fill(_ribbon(wing, np.full(3, 2.2)), MARROW)
