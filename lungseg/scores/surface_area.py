"""Area of the surface that passes between eight neighboring voxels, for each way to fill them.

The surface of marching cubes through the middles of edges (Lorensen and Cline, SIGGRAPH 1987), as
the Medical Segmentation Decathlon measures it: filled corners that touch in a diagonal only stay
apart, an outline is filled with the triangles of the largest area, and filled and empty may be
exchanged.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

Corner = tuple[int, int, int]
Edge = tuple[Corner, Corner]
Points = npt.NDArray[np.float64]

CORNERS: tuple[Corner, ...] = tuple((x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1))
"""Corner number n has the bit 2**n in a code."""


def areas_mm2(axes_mm: Points) -> npt.NDArray[np.float64]:
    """Area of the surface for each code.

    Args:
        axes_mm: (3, 3), its columns the steps from voxel to voxel along the three axes.

    Returns:
        (256,) mm²; 0 for the codes of eight equal corners.
    """
    x, y, z = axes_mm.T
    faces = np.stack((np.cross(y, z), np.cross(z, x), np.cross(x, y)))
    return np.array([_length(normals @ faces) for normals in _normals()])


def _length(vectors: Points) -> float:
    return float(np.linalg.norm(vectors, axis=1).sum())


@cache
def _normals() -> list[Points]:
    """(triangles, 3) of each code: normals as long as the triangle's area in a unit cube."""
    return [_normals_of(code if code.bit_count() <= 4 else 255 - code) for code in range(256)]


def _normals_of(code: int) -> Points:
    filled = {corner for number, corner in enumerate(CORNERS) if code >> number & 1}
    found = [_largest_filling(outline) for outline in _outlines(filled)]
    return np.concatenate(found) if found else np.zeros((0, 3))


def _outlines(filled: set[Corner]) -> Iterator[Points]:
    """Closed lines (k, 3) through the middles of edges, around each group of filled corners."""
    next_to: dict[Edge, list[Edge]] = {}
    for face in _faces():
        for one, other in _segments(face, filled):
            next_to.setdefault(one, []).append(other)
            next_to.setdefault(other, []).append(one)
    while next_to:
        line = [next(iter(next_to))]
        while line[-1] in next_to:
            ahead = [edge for edge in next_to.pop(line[-1]) if edge in next_to]
            line += ahead[:1]
        yield np.mean(line, axis=1)


def _faces() -> Iterator[list[Corner]]:
    """The corners of each face, in a circle."""
    for axis, side in product(range(3), (0, 1)):
        face = [corner for corner in CORNERS if corner[axis] == side]
        yield [face[number] for number in (0, 1, 3, 2)]


def _segments(face: list[Corner], filled: set[Corner]) -> Iterator[tuple[Edge, Edge]]:
    """Lines on a face between middles of its edges, that part filled corners from empty ones."""
    edges = [_edge(face[number], face[(number + 1) % 4]) for number in range(4)]
    cut = [edge for edge in edges if (edge[0] in filled) != (edge[1] in filled)]
    if len(cut) == 2:
        yield cut[0], cut[1]
    elif len(cut) == 4:
        for number, corner in enumerate(face):
            if corner in filled:
                yield edges[number - 1], edges[number]


def _edge(one: Corner, other: Corner) -> Edge:
    return min(one, other), max(one, other)


def _largest_filling(outline: Points) -> Points:
    """Normals (k - 2, 3) of the triangles that fill an outline with the most area."""
    ways = [_triangle_normals(outline, way) for way in _triangulations(tuple(range(len(outline))))]
    return max(ways, key=_length)


def _triangle_normals(points: Points, triangles: list[tuple[int, int, int]]) -> Points:
    a, b, c = points[np.array(triangles)].transpose(1, 0, 2)
    return np.asarray(np.cross(b - a, c - a) / 2)


def _triangulations(corners: tuple[int, ...]) -> Iterator[list[tuple[int, int, int]]]:
    """All ways to cut a polygon into triangles."""
    if len(corners) < 3:
        yield []
        return
    first, last = corners[0], corners[-1]
    for place in range(1, len(corners) - 1):
        left = _triangulations(corners[: place + 1])
        right = list(_triangulations(corners[place:]))
        for one, other in product(left, right):
            yield [*one, *other, (first, corners[place], last)]
