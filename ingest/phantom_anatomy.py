"""Where the organs of a synthetic chest lie: outlines, tubes and ribs in standard millimetres.

Standard coordinates: x to the patient's right, y to the front, z upwards, in mm of a patient of
average build, origin at the height of the carina. A patient differs from it by `Patient.scale`,
by a turn and a shift within the scan, and by fat, breasts, blood and the wobble of the outlines.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

# Half width, half depth and centre y of the chest cavity, by height; none above the apex.
CAVITY_Z = (-260.0, -150, -90, -30, 20, 60, 88, 104, 112)
CAVITY_WIDTH = (124.0, 127, 127, 122, 110, 90, 64, 42, 4)
CAVITY_DEPTH = (78.0, 82, 84, 80, 73, 61, 43, 25, 3)
CAVITY_Y = (2.0, 2, 2, 0, -3, -10, -20, -28, -30)
APEX_Z = 111.0
CAVITY_POWER = 2.45

# Half width, half depth and centre y of the trunk without its fat.
TRUNK_Z = (-260.0, -150, -60, 0, 50, 85, 110, 135)
TRUNK_WIDTH = (137.0, 142, 143, 146, 155, 172, 188, 178)
TRUNK_DEPTH = (92.0, 98, 102, 102, 97, 87, 76, 66)
TRUNK_Y = (0.0, 0, 0, -1, -5, -12, -20, -24)
TRUNK_POWER = 2.35

# Half widths of the mediastinum at four depths (spine, behind, middle, sternum), by height.
MEDIASTINUM_Z = (-160.0, -80, -45, -15, 20, 45, 75, 104, 130)
MEDIASTINUM_RIGHT = np.array(
    [(18.0, 22, 26, 10), (18, 22, 30, 8), (18, 24, 34, 6), (18, 24, 32, 5), (18, 22, 28, 5),
     (19, 22, 26, 9), (22, 26, 28, 22), (24, 29, 31, 30), (30, 34, 34, 34)]
)  # fmt: skip
MEDIASTINUM_LEFT = np.array(
    [(24.0, 28, 30, 26), (30, 32, 34, 20), (32, 34, 38, 10), (34, 35, 36, 7), (34, 37, 30, 6),
     (24, 32, 28, 9), (22, 28, 28, 22), (24, 29, 31, 30), (30, 34, 34, 34)]
)  # fmt: skip

# Centre and half axes of the ellipsoids that make up the heart.
HEART = (
    ((-36.0, 20, -68), (46, 38, 42)),
    ((10.0, 24, -64), (40, 36, 42)),
    ((-10.0, 34, -52), (36, 30, 40)),
    ((0.0, -8, -48), (34, 22, 26)),
)
# Centre and half axes of the two domes of the diaphragm.
DOMES = {"right": ((66.0, 4, -162), (76, 96, 74)), "left": ((-64.0, 6, -168), (74, 94, 68))}
DOME_POWER = 2.3

ARCH = (
    (2.0, 22, -48, 15), (16, 30, -25, 15), (20, 30, 0, 15), (17, 24, 18, 14.5), (6, 10, 31, 14),
    (-9, -9, 34, 13.5), (-21, -27, 28, 13), (-26, -38, 12, 12.5), (-27, -42, -10, 12.5),
    (-25, -42, -60, 12), (-17, -42, -110, 11.5), (-9, -40, -170, 10.5), (-5, -38, -260, 9),
)  # fmt: skip
ARCH_BRANCHES = (
    ((8.0, 12, 34, 6.5), (14, 10, 60, 6.5), (22, 4, 80, 6), (40, 2, 105, 5), (60, 0, 118, 4)),
    ((-2.0, 2, 36, 4.5), (-10, 0, 65, 4.5), (-18, -2, 130, 4)),
    ((-14.0, -14, 36, 5), (-22, -14, 65, 5), (-32, -10, 95, 5), (-60, -8, 112, 4.5)),
)
VEINS = (
    ((20.0, 14, -50, 11), (24, 12, -20, 10), (24, 14, 30, 9), (22, 18, 55, 8), (30, 20, 85, 7)),
    ((20.0, 18, 55, 6), (0, 26, 62, 6), (-22, 24, 72, 6), (-38, 18, 92, 6)),
    ((18.0, 8, -80, 12), (20, 0, -110, 12), (22, -6, -150, 11), (20, -12, -260, 11)),
)
PULMONARY = (
    ((-14.0, 40, -42, 13), (-15, 34, -20, 13), (-18, 20, -8, 12), (-34, 0, -6, 10)),
    ((-17.0, 22, -12, 10), (-4, 8, -16, 10), (14, 2, -18, 10), (36, -6, -20, 9)),
    ((26.0, -12, -44, 7), (44, -16, -42, 6)),
    ((-26.0, -14, -44, 7), (-46, -18, -42, 6)),
)
AIRWAYS = (
    ((0.0, 2, 150, 7.5), (1, -6, 90, 8), (3, -14, 40, 8.5), (4, -20, 4, 9)),
    ((4.0, -20, 4, 7.5), (20, -22, -10, 7), (36, -22, -20, 6.5), (46, -24, -34, 5)),
    ((4.0, -20, 4, 7.5), (-18, -22, -12, 6), (-38, -24, -24, 5.5), (-46, -28, -40, 4.5)),
)
ESOPHAGUS = ((-4.0, -26, 150, 6), (-6, -36, 40, 6), (-6, -40, -60, 6.5), (-14, -26, -150, 8))
AZYGOS = ((12.0, -40, 30, 3.5), (9, -46, -60, 4), (6, -46, -200, 3.5))

HILA = {"right": (40.0, -10, -20), "left": (-40.0, -8, -14)}
ATRIUM = {"right": (32.0, -14, -46), "left": (-32.0, -15, -46)}


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
    wobble: tuple[float, ...]
    """Relative size of the slow irregularities of outlines."""

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """Standard (x, y) to mm in the scan: 2 x 3."""
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        turn = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag(self.scale[:2])
        return np.column_stack([turn, self.shift_mm])

    def to_scan(self, points: Points) -> Points:
        """Map (..., 3) standard points to mm in the scan."""
        flat = points[..., :2] @ self.matrix[:, :2].T + self.matrix[:, 2]
        return np.concatenate([flat, points[..., 2:] * self.scale[2]], axis=-1)

    def to_standard(self, points: Points) -> Points:
        """Map (..., 3) points in mm of the scan to standard points."""
        flat = (points[..., :2] - self.matrix[:, 2]) @ np.linalg.inv(self.matrix[:, :2]).T
        return np.concatenate([flat, points[..., 2:] / self.scale[2]], axis=-1)


def draw_patient(rng: np.random.Generator) -> Patient:
    """Draw a patient.

    Args:
        rng: Source of randomness.

    Returns:
        Build, position, fat, blood and lung density of one patient.
    """
    size = rng.uniform(0.92, 1.06)
    scale = size * rng.uniform(0.96, 1.05, 3)
    contrast = rng.random() < 0.35
    return Patient(
        scale=(float(scale[0]), float(scale[1]), float(scale[2])),
        turn=float(rng.normal(0, 0.025)),
        shift_mm=(float(rng.normal(0, 4)), float(rng.normal(6, 4))),
        fat_mm=float(rng.uniform(7, 24)),
        breast_mm=float(rng.uniform(18, 38) if rng.random() < 0.45 else 0.0),
        blood_hu=float(rng.uniform(90, 190) if contrast else rng.uniform(35, 48)),
        lung_hu=float(rng.uniform(-880, -830)),
        wobble=tuple(float(size) for size in rng.normal(0, 0.012, 6)),
    )


def superellipse(width: float, depth: float, center_y: float, power: float) -> Points:
    """Points (96, 2) of a superellipse about (0, center_y), from its right, counter-clockwise."""
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    cosine, sine = np.cos(angle), np.sin(angle)
    radius = (np.abs(cosine / width) ** power + np.abs(sine / depth) ** power) ** (-1 / power)
    return np.column_stack([radius * cosine, radius * sine + center_y])


def cavity(z: float, outward_mm: float = 0.0) -> Points:
    """Outline (96, 2) of the chest cavity at a height, moved outward by so many mm."""
    width, depth, center_y = _cavity_at(z)
    return superellipse(width + outward_mm, depth + outward_mm, center_y, CAVITY_POWER)


def trunk(z: float, outward_mm: float, wobble: tuple[float, ...]) -> Points:
    """Outline (96, 2) of the trunk's muscles at a height, moved outward by so many mm."""
    width, depth, center_y = (np.interp(z, TRUNK_Z, v) for v in (TRUNK_WIDTH, TRUNK_DEPTH, TRUNK_Y))
    outline = superellipse(width + outward_mm, depth + outward_mm, center_y, TRUNK_POWER)
    angle = np.linspace(0, 2 * np.pi, len(outline), endpoint=False)
    waves = sum(size * np.cos((k + 2) * angle + 5 * k) for k, size in enumerate(wobble))
    return outline * (1 + np.asarray(waves))[:, None]


def mediastinum(z: float) -> Points:
    """Outline (2n, 2) of everything between the lungs at a height, without the heart."""
    depth = np.linspace(0, 1, 16)
    right, left = (
        _smooth(depth, _row(table, z)) for table in (MEDIASTINUM_RIGHT, MEDIASTINUM_LEFT)
    )
    _, half_depth, center_y = _cavity_at(min(z, 100.0))
    y = center_y + half_depth * (2.2 * depth - 1.1)
    return np.concatenate([np.column_stack([right, y]), np.column_stack([-left, y])[::-1]])


def ellipsoid_at(z: float, center: tuple[float, ...], axes: tuple[float, ...]) -> Points | None:
    """Outline (64, 2) of an ellipsoid where a height cuts it; None where it does not."""
    height = 1 - ((z - center[2]) / axes[2]) ** 2
    if height <= 0:
        return None
    return ellipse(center[0], center[1], axes[0] * height**0.5, axes[1] * height**0.5)


def ellipse(x: float, y: float, half_x: float, half_y: float, turn: float = 0.0) -> Points:
    """Points (64, 2) of an ellipse; turn in radians, counter-clockwise."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    along, across = half_x * np.cos(angle), half_y * np.sin(angle)
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.column_stack([x + along * cosine - across * sine, y + along * sine + across * cosine])


def dome_at(z: float, side: str, outward_mm: float = 0.0) -> Points | None:
    """Outline (64, 2) of a dome of the diaphragm at a height, cut off at the chest wall."""
    center, axes = DOMES[side]
    height = (z - center[2]) / (axes[2] + outward_mm)
    if height >= 1:
        return None
    size = (1 - max(height, 0.0) ** DOME_POWER) ** (1 / DOME_POWER)
    outline = ellipse(
        center[0], center[1], axes[0] * size + outward_mm, axes[1] * size + outward_mm
    )
    return within_cavity(outline, z)


def within_cavity(outline: Points, z: float) -> Points:
    """Pull the points of an outline that lie beyond the chest wall back onto it."""
    width, depth, center_y = _cavity_at(z)
    centered = outline - (0, center_y)
    size = (np.abs(centered / (width, depth)) ** CAVITY_POWER).sum(1) ** (1 / CAVITY_POWER)
    return centered / np.maximum(size, 1)[:, None] + (0, center_y)


def spine_y(z: float) -> float:
    """Centre y of the vertebral bodies at a height."""
    return float(np.interp(z, (-260, -60, 40, 110, 150), (-62, -64, -62, -52, -44)))


def inside_lung(points: Points) -> NDArray[np.bool_]:
    """Say which (n, 3) standard points lie in one of the two lungs."""
    x, y, z = points.T
    width, depth, center_y = (
        np.interp(z, CAVITY_Z, v) for v in (CAVITY_WIDTH, CAVITY_DEPTH, CAVITY_Y)
    )
    size = np.abs(x / width) ** CAVITY_POWER + np.abs((y - center_y) / depth) ** CAVITY_POWER
    inside = (size < 1) & (z < APEX_Z) & ~_inside_mediastinum(x, y, z)
    inside &= (
        (x / 20) ** 2 + ((y - np.interp(z, (-260, -60, 40, 110), (-62, -64, -62, -52))) / 18) ** 2
    ) > 1
    for center, axes in HEART:
        inside &= (((points - center) / (np.array(axes) + 3)) ** 2).sum(1) > 1
    for center, axes in DOMES.values():
        height = np.clip((z - center[2]) / (axes[2] + 3), 0, 1)
        size = (1 - height**DOME_POWER) ** (1 / DOME_POWER)
        flat = ((points[:, :2] - center[:2]) / (np.array(axes[:2]) + 3)) ** 2
        inside &= flat.sum(1) > size**2
    return inside


def curve(knots: tuple[tuple[float, ...], ...], step_mm: float = 2.0) -> Points:
    """Run smoothly through knots (x, y, z, radius); (n, 4) points about `step_mm` apart."""
    table = np.array(knots, float)
    lengths = np.r_[0, np.cumsum(np.linalg.norm(np.diff(table[:, :3], axis=0), axis=1))]
    along = np.linspace(0, lengths[-1], max(2, int(lengths[-1] / step_mm)))
    linear = np.column_stack([np.interp(along, lengths, column) for column in table.T])
    if len(linear) < 9:
        return linear
    padded = np.pad(linear, ((4, 4), (0, 0)), mode="reflect", reflect_type="odd")
    return np.column_stack([np.convolve(column, np.ones(9) / 9, "valid") for column in padded.T])


def ribs() -> list[Points]:
    """Axes (n, 3) of the ribs, from the spine round the side to the front, right ones first."""
    return [_rib(number, side) for side in (1, -1) for number in range(12)]


def _rib(number: int, side: int) -> Points:
    along = np.linspace(0, 1 if number < 8 else 1 - 0.13 * (number - 7), 70)
    angle = -np.pi / 2 + np.pi * (0.055 + 0.87 * along)
    fall = np.interp(number, (0, 3, 7, 11), (34, 74, 100, 70))
    z = 104 - 23.5 * number - fall * (1.25 * along - 0.35 * along**3)
    axis = np.empty((len(along), 3))
    for k, (direction, height) in enumerate(zip(angle, z, strict=True)):
        width, depth, center_y = _cavity_at(min(float(height), 95.0))
        axis[k] = _polar(width + 5.5, depth + 5.5, direction, side, center_y) + (height,)
    return axis


def _polar(
    width: float, depth: float, angle: float, side: int, center_y: float
) -> tuple[float, float]:
    cosine, sine = np.cos(angle), np.sin(angle)
    shape = np.abs(cosine / width) ** CAVITY_POWER + np.abs(sine / depth) ** CAVITY_POWER
    radius = shape ** (-1 / CAVITY_POWER)
    return float(side * radius * cosine), float(radius * sine + center_y)


def _cavity_at(z: float) -> tuple[float, float, float]:
    return (
        float(np.interp(z, CAVITY_Z, CAVITY_WIDTH)),
        float(np.interp(z, CAVITY_Z, CAVITY_DEPTH)),
        float(np.interp(z, CAVITY_Z, CAVITY_Y)),
    )


def _row(table: Points, z: float) -> Points:
    return np.array([np.interp(z, MEDIASTINUM_Z, column) for column in table.T])


def _smooth(depth: Points, widths: Points) -> Points:
    linear: Points = np.interp(depth, (0.05, 0.38, 0.68, 0.95), widths)
    return linear


def _inside_mediastinum(x: Points, y: Points, z: Points) -> NDArray[np.bool_]:
    height = np.minimum(z, 100.0)
    half_depth = np.interp(height, CAVITY_Z, CAVITY_DEPTH)
    depth = ((y - np.interp(height, CAVITY_Z, CAVITY_Y)) / half_depth + 1.1) / 2.2
    position = np.interp(depth, (0.05, 0.38, 0.68, 0.95), (0, 1, 2, 3))
    low = np.minimum(position.astype(int), 2)
    part = position - low
    inside = np.zeros(len(x), bool)
    for table, sign in ((MEDIASTINUM_RIGHT, 1), (MEDIASTINUM_LEFT, -1)):
        columns = np.stack([np.interp(z, MEDIASTINUM_Z, column) for column in table.T])
        pick = np.arange(len(x))
        width = columns[low, pick] * (1 - part) + columns[low + 1, pick] * part
        inside |= (sign * x >= 0) & (sign * x < width)
    return inside
