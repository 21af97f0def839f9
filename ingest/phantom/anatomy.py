"""Where the organs of a synthetic chest lie: outlines, tubes and ribs in standard millimetres.

Standard coordinates: x to the patient's right, y to the front, z upwards, in mm of a patient of
average build, origin at the height of the carina.
"""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

# Half width, half depth and centre y of the chest cavity, by height; none above the apex.
CAVITY_Z = (-260.0, -150, -90, -30, 20, 60, 88, 104, 112)
CAVITY_WIDTH = (124.0, 127, 127, 122, 110, 90, 64, 42, 4)
CAVITY_DEPTH = (78.0, 82, 85, 82, 75, 63, 45, 25, 3)
CAVITY_Y = (-1.0, -1, -2, -3, -6, -11, -20, -28, -30)
CAVITY = (CAVITY_WIDTH, CAVITY_DEPTH, CAVITY_Y)
APEX_Z = 111.0
CAVITY_POWER = 2.45

TURNS = np.linspace(0, 2 * np.pi, 96, endpoint=False)
CIRCLE = np.column_stack([np.cos(TURNS), np.sin(TURNS)])

# Centre y of the vertebral bodies, by height.
SPINE_Z = (-260.0, -60, 40, 110, 150)
SPINE_Y = (-56.0, -59, -58, -50, -43)

# Half width, half depth and centre y of the trunk without its fat.
TRUNK_Z = (-260.0, -150, -60, 0, 50, 85, 110, 135)
TRUNK_WIDTH = (137.0, 142, 143, 146, 155, 172, 188, 178)
TRUNK_DEPTH = (96.0, 99, 101, 101, 96, 86, 76, 66)
TRUNK_Y = (-8.0, -7, -6, -7, -11, -17, -22, -25)
TRUNK_POWER = 2.35

# Half widths of the mediastinum at four depths (spine, behind, middle, front), by height.
MEDIASTINUM_DEPTHS = (0.05, 0.36, 0.62, 0.84)
MEDIASTINUM_TOP = 100.0
MEDIASTINUM_Z = (-160.0, -80, -45, -15, 20, 45, 75, 104, 130)
MEDIASTINUM_RIGHT = np.array(
    [(16.0, 18, 24, 10), (16, 16, 28, 9), (16, 17, 31, 6), (16, 18, 31, 6), (16, 17, 27, 6),
     (18, 20, 25, 9), (22, 26, 28, 20), (24, 29, 31, 30), (30, 34, 34, 34)]
)  # fmt: skip
MEDIASTINUM_LEFT = np.array(
    [(18.0, 20, 30, 22), (20, 24, 33, 17), (22, 26, 35, 10), (24, 28, 34, 7), (26, 31, 27, 6),
     (22, 29, 27, 9), (22, 28, 28, 20), (24, 29, 31, 30), (30, 34, 34, 34)]
)  # fmt: skip

# Centre and half axes of the ellipsoids that make up the heart.
HEART = (
    ((-30.0, 10, -66), (38, 34, 40)),
    ((-48.0, 28, -76), (34, 30, 32)),
    ((-12.0, 40, -68), (42, 30, 38)),
    ((-14.0, 38, -44), (26, 24, 30)),
    ((22.0, 20, -60), (28, 34, 40)),
    ((0.0, -10, -46), (34, 20, 26)),
)
# Centre and half axes of the two domes of the diaphragm.
DOMES = {"right": ((66.0, 4, -162), (76, 96, 74)), "left": ((-64.0, 6, -168), (74, 94, 68))}
DOME_POWER = 2.3

ARCH = (
    (2.0, 22, -48, 15), (16, 30, -25, 15), (20, 30, 0, 15), (17, 24, 18, 14.5), (6, 10, 31, 14),
    (-9, -9, 34, 13.5), (-21, -27, 28, 13), (-26, -38, 12, 12.5), (-27, -42, -10, 12.5),
    (-25, -40, -60, 12), (-17, -36, -110, 11.5), (-9, -31, -170, 10.5), (-5, -29, -260, 9),
)  # fmt: skip
AORTA = np.array(ARCH[:-6:-1])
"""The descending part of the arch, from below."""
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
AZYGOS = ((12.0, -36, 30, 3.5), (9, -40, -60, 4), (6, -38, -200, 3.5))

NODES = (
    ((13.0, -6, 42, 5), (13, -6, 36, 5)), ((-12.0, 2, 12, 4.5), (-14, 2, 6, 4.5)),
    ((6.0, -30, -14, 6), (10, -30, -20, 5)), ((8.0, 26, 55, 4), (10, 26, 50, 4)),
    ((-8.0, 30, 40, 6), (-4, 34, 20, 7), (-6, 36, 5, 5)),
)  # fmt: skip

HILA = {"right": (40.0, -10, -20), "left": (-40.0, -8, -14)}
ATRIUM = {"right": (32.0, -14, -46), "left": (-32.0, -15, -46)}


def superellipse(axes: Points, *, center_y: float, power: float) -> Points:
    """Points (96, 2) of a superellipse about (0, center_y), from its right, counter-clockwise.

    Args:
        axes: Half width and half depth: (2,), or (96, 2) for one that is uneven.
        center_y: Its centre.
        power: 2 for an ellipse; larger for one with fuller corners.
    """
    size = np.abs(CIRCLE / axes) ** power
    outline: Points = CIRCLE * (size.sum(1) ** (-1 / power))[:, None] + (0, center_y)
    return outline


def cavity(z: float, outward_mm: float = 0.0) -> Points:
    """Outline (96, 2) of the chest cavity at a height, moved outward by so many mm."""
    width, depth, center_y = _cavity_at(z)
    axes = np.array([width, depth]) + outward_mm
    return superellipse(axes, center_y=center_y, power=CAVITY_POWER)


def trunk(z: float, outward_mm: float, *, uneven: float = 0.0) -> Points:
    """Outline (96, 2) of the trunk's muscles at a height, moved outward by so many mm.

    Args:
        z: The height.
        outward_mm: How far to move it; negative for inward.
        uneven: How much farther at the sides and at the back, relative to `outward_mm`.
    """
    width, depth, center_y = (np.interp(z, TRUNK_Z, v) for v in (TRUNK_WIDTH, TRUNK_DEPTH, TRUNK_Y))
    away = outward_mm * (1 + uneven * (np.cos(2 * TURNS) - 0.6 * np.sin(TURNS)))
    axes = np.column_stack([width + away, depth + away])
    return superellipse(axes, center_y=float(center_y), power=TRUNK_POWER)


def mediastinum(z: float) -> Points:
    """Outline (2n, 2) of everything between the lungs at a height, without the heart."""
    depth = np.linspace(0, 1, 16)
    right, left = (
        np.interp(depth, MEDIASTINUM_DEPTHS, _row(table, z))
        for table in (MEDIASTINUM_RIGHT, MEDIASTINUM_LEFT)
    )
    _, half_depth, center_y = _cavity_at(min(z, MEDIASTINUM_TOP))
    y = center_y + half_depth * (2.2 * depth - 1.1)
    return np.concatenate([np.column_stack([right, y]), np.column_stack([-left, y])[::-1]])


def ellipsoid_at(
    z: float, center: tuple[float, ...], axes: tuple[float, ...], outward_mm: float = 0.0
) -> Points | None:
    """Outline (96, 2) of an ellipsoid where a height cuts it; None where it does not."""
    half_x, half_y, half_z = (axis + outward_mm for axis in axes)
    height = 1 - ((z - center[2]) / half_z) ** 2
    if height <= 0:
        return None
    return ellipse(center[0], center[1], half_x * height**0.5, half_y * height**0.5)


def ellipse(x: float, y: float, half_x: float, half_y: float) -> Points:
    """Points (96, 2) of an ellipse."""
    outline: Points = CIRCLE * (half_x, half_y) + (x, y)
    return outline


def dome_at(z: float, side: str) -> Points | None:
    """Outline (96, 2) of a dome of the diaphragm at a height, cut off at the chest wall."""
    center, axes = DOMES[side]
    height = (z - center[2]) / axes[2]
    if height >= 1:
        return None
    size = (1 - max(height, 0.0) ** DOME_POWER) ** (1 / DOME_POWER)
    return within_cavity(ellipse(center[0], center[1], axes[0] * size, axes[1] * size), z)


def within_cavity(outline: Points, z: float) -> Points:
    """Pull the points of an outline that lie beyond the chest wall back onto it."""
    width, depth, center_y = _cavity_at(z)
    centered = outline - (0, center_y)
    size = (np.abs(centered / (width, depth)) ** CAVITY_POWER).sum(1) ** (1 / CAVITY_POWER)
    inside: Points = centered / np.maximum(size, 1)[:, None] + (0, center_y)
    return inside


def spine_y(z: float) -> float:
    """Centre y of the vertebral bodies at a height."""
    return float(np.interp(z, SPINE_Z, SPINE_Y))


def curve(knots: tuple[tuple[float, ...], ...]) -> Points:
    """Run smoothly through knots (x, y, z, radius); (n, 4) points about 2 mm apart."""
    table = np.array(knots, float)
    lengths = np.r_[0, np.cumsum(np.linalg.norm(np.diff(table[:, :3], axis=0), axis=1))]
    along = np.linspace(0, lengths[-1], max(2, int(lengths[-1] / 2.0)))
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
    fall = np.interp(number, (0, 3, 7, 11), (50, 95, 118, 85))
    z = 104 - 23.5 * number - fall * (1.25 * along - 0.35 * along**3)
    path = np.empty((len(along), 3))
    for k, height in enumerate(z):
        outline = cavity(min(float(height), 95.0), 5.5)
        place = np.interp(angle[k], TURNS - np.pi / 2, np.arange(len(TURNS)))
        x, y = (np.interp(place, np.arange(len(TURNS)), np.roll(c, 24)) for c in outline.T)
        path[k] = side * x, y, height
    return path


def _cavity_at(z: float) -> tuple[float, float, float]:
    width, depth, center_y = (float(np.interp(z, CAVITY_Z, values)) for values in CAVITY)
    return width, depth, center_y


def _row(table: Points, z: float) -> Points:
    return np.array([np.interp(z, MEDIASTINUM_Z, column) for column in table.T])
