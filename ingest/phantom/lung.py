"""Say which points of the standard chest lie in its lungs; the painted organs agree with it."""

import numpy as np
from numpy.typing import NDArray

from ingest.phantom import anatomy as body

Points = NDArray[np.float64]
Inside = NDArray[np.bool_]
Knots = tuple[float, ...]

PLEURA_MM = 3.0
"""Fat and membranes around the heart and over the diaphragm."""
VERTEBRA_MM = (20.0, 18.0)
AORTA_MM = 14.0


def inside_lung(points: Points) -> Inside:
    """Say which (n, 3) standard points lie in one of the two lungs."""
    return np.asarray(
        _inside_cavity(points)
        & ~_inside_mediastinum(points)
        & ~_inside_spine_or_aorta(points)
        & ~_inside_heart(points)
        & ~_below_domes(points)
    )


def _inside_cavity(points: Points) -> Inside:
    width, depth, center_y = (_at(points, body.CAVITY_Z, values) for values in body.CAVITY)
    across = np.abs(points[:, 0] / width) ** body.CAVITY_POWER
    along = np.abs((points[:, 1] - center_y) / depth) ** body.CAVITY_POWER
    return np.asarray((across + along < 1) & (points[:, 2] < body.APEX_Z))


def _inside_mediastinum(points: Points) -> Inside:
    x, y, z = points.T
    height = np.minimum(z, body.MEDIASTINUM_TOP)
    half_depth = np.interp(height, body.CAVITY_Z, body.CAVITY_DEPTH)
    depth = ((y - np.interp(height, body.CAVITY_Z, body.CAVITY_Y)) / half_depth + 1.1) / 2.2
    position = np.interp(depth, body.MEDIASTINUM_DEPTHS, (0, 1, 2, 3))
    low = np.minimum(position.astype(int), 2)
    inside = np.zeros(len(points), bool)
    for table, sign in ((body.MEDIASTINUM_RIGHT, 1), (body.MEDIASTINUM_LEFT, -1)):
        columns = np.stack([_at(points, body.MEDIASTINUM_Z, column) for column in table.T])
        near = np.take_along_axis(columns, low[None], 0)[0]
        far = np.take_along_axis(columns, low[None] + 1, 0)[0]
        inside |= (sign * x >= 0) & (sign * x < near + (position - low) * (far - near))
    return inside


def _inside_spine_or_aorta(points: Points) -> Inside:
    x, y, z = points.T
    spine_y = _at(points, body.SPINE_Z, body.SPINE_Y)
    spine = (x / VERTEBRA_MM[0]) ** 2 + ((y - spine_y) / VERTEBRA_MM[1]) ** 2 < 1
    aorta_x, aorta_y = (_at(points, body.AORTA[:, 2], body.AORTA[:, axis]) for axis in (0, 1))
    aorta = ((x - aorta_x) ** 2 + (y - aorta_y) ** 2 < AORTA_MM**2) & (z < body.AORTA[-1, 2])
    return np.asarray(spine | aorta)


def _inside_heart(points: Points) -> Inside:
    inside = np.zeros(len(points), bool)
    for center, axes in body.HEART:
        inside |= (((points - center) / (np.array(axes) + PLEURA_MM)) ** 2).sum(1) < 1
    return inside


def _below_domes(points: Points) -> Inside:
    below = np.zeros(len(points), bool)
    for center, axes in body.DOMES.values():
        height = np.clip((points[:, 2] - center[2]) / (axes[2] + PLEURA_MM), 0, 1)
        size = (1 - height**body.DOME_POWER) ** (1 / body.DOME_POWER)
        flat = ((points[:, :2] - center[:2]) / (np.array(axes[:2]) + PLEURA_MM)) ** 2
        below |= flat.sum(1) < size**2
    return below


def _at(points: Points, heights: Points | Knots, values: Points | Knots) -> Points:
    """A quantity known at some heights, at the heights of the points."""
    return np.asarray(np.interp(points[:, 2], np.asarray(heights), np.asarray(values)))
