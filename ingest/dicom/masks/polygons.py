"""Polygons -> the pixels whose centers they enclose, their areas and lengths."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Polygon = npt.NDArray[np.float64]

_DECIMALS = 6  # of a pixel: arithmetic's noise decides about no pixel


def fill_even_odd(polygons: Sequence[Polygon], shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Rasterize polygons by the even-odd rule, exactly.

    A pixel is inside when a ray from its center to the left crosses the outlines an odd number of
    times: a polygon within another cuts a hole, a channel of no width joins a hole to the rim. A
    center on an outline belongs to the left and lower edges, so that polygons that share an edge
    share no pixel. (Scan conversion after Foley et al., Computer Graphics, section 3.6.)

    Args:
        polygons: (n, 2) vertices each, (column, row) in pixels, pixel centers at whole numbers;
            closed by themselves, fewer than 3 vertices enclose nothing.
        shape: (rows, columns) of the mask.

    Returns:
        (rows, columns) uint8, 1 inside.
    """
    rows, columns = shape
    flips = np.zeros((rows, columns + 1), np.uint8)
    for polygon in polygons:
        row, column = _crossings(np.round(polygon, _DECIMALS), rows)
        np.bitwise_xor.at(flips, (row, np.clip(column, 0, columns)), 1)
    return np.ascontiguousarray(np.bitwise_xor.accumulate(flips, axis=1)[:, :columns])


def area_of(polygon: Polygon) -> float:
    """Area within an (n, 2) outline that does not cross itself, in pixels."""
    x, y = polygon[:, 0], polygon[:, 1]
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def length_of(polygon: Polygon) -> float:
    """Length of an (n, 2) outline with the edge that closes it, in pixels."""
    return float(np.linalg.norm(polygon - np.roll(polygon, -1, axis=0), axis=1).sum())


def _crossings(polygon: Polygon, rows: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each row's line crosses which edges: rows, and the first columns at or after the crossing."""
    start, end = polygon, np.roll(polygon, -1, axis=0)
    upwards = start[:, 1] > end[:, 1]
    low, high = np.where(upwards[:, None], end, start), np.where(upwards[:, None], start, end)
    first = np.clip(np.ceil(low[:, 1]), 0, rows).astype(np.int64)
    counts = np.clip(np.ceil(high[:, 1]), 0, rows).astype(np.int64) - first
    edge = np.repeat(np.arange(len(polygon)), counts)
    row = np.arange(len(edge)) + np.repeat(first - np.cumsum(counts) + counts, counts)
    part = (row - low[edge, 1]) / (high[edge, 1] - low[edge, 1])
    column = low[edge, 0] + part * (high[edge, 0] - low[edge, 0])
    return row, np.ceil(np.round(column, _DECIMALS)).astype(np.int64)
