"""Grow the branching vessels and airways of a synthetic lung.

A tree is a set of short straight pieces: start (n, 3), end (n, 3) and radius (n,), in mm. It is
grown towards points spread through the lung: half of them, split along their longest extent, feed
each branch, and a branch's radius follows from the number of points that it feeds (Murray 1926).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Counts = NDArray[np.int64]

MURRAY_POWER = 2.5
NUM_DIRECTIONS = 8
"""Random directions, of which the one with the longest extent splits a branch's targets."""
FLATNESS = 1.35
"""Targets are split by height first, so that the finer branches lie rather level."""
PIECES_PER_BRANCH = 4


@dataclass(frozen=True)
class Pieces:
    """Short straight tubes: start and end (n, 3) in mm, radius (n,) in mm."""

    start: Points
    end: Points
    radius: NDArray[np.float64]

    @classmethod
    def joined(cls, sets: list["Pieces"]) -> "Pieces":
        """Several sets as one."""
        return cls(
            np.concatenate([each.start for each in sets]),
            np.concatenate([each.end for each in sets]),
            np.concatenate([each.radius for each in sets]),
        )

    def moved(self, offset: Points) -> "Pieces":
        """The same tubes, shifted by (n, 3) mm."""
        return Pieces(self.start + offset, self.end + offset, self.radius)

    def scaled(self, factor: float, extra_mm: float = 0.0) -> "Pieces":
        """The same tubes, with another radius."""
        return Pieces(self.start, self.end, self.radius * factor + extra_mm)

    def thicker_than(self, radius_mm: float) -> "Pieces":
        """The tubes whose radius is larger than so many mm."""
        keep = self.radius > radius_mm
        return Pieces(self.start[keep], self.end[keep], self.radius[keep])


def grow(
    origin: tuple[float, ...], targets: Points, *, radius_mm: float, rng: np.random.Generator
) -> Pieces:
    """Grow a tree from one point to many.

    Args:
        origin: Where the trunk starts, in mm.
        targets: (n, 3) points to reach, in mm.
        radius_mm: Radius of the trunk.
        rng: Source of randomness.

    Returns:
        The tree's pieces.
    """
    nodes, headings, sizes = np.array([origin], float), np.zeros((1, 3)), np.array([len(targets)])
    aims, branches = targets, []
    while len(aims):
        centers = np.add.reduceat(aims, np.cumsum(sizes) - sizes) / sizes[:, None]
        forks = sizes > 1
        ends = np.where(forks[:, None], _forks(nodes, centers, rng), centers)
        lengths = np.linalg.norm(ends - nodes, axis=1, keepdims=True)
        controls = nodes + 0.45 * lengths * headings
        branches.append((nodes, controls, ends, sizes / len(targets)))
        headings = (ends - controls) / np.maximum(
            np.linalg.norm(ends - controls, axis=1, keepdims=True), 1e-6
        )
        nodes, headings = (np.repeat(each[forks], 2, axis=0) for each in (ends, headings))
        aims, sizes = _halved(aims[np.repeat(forks, sizes)], sizes[forks], rng)
    start, control, end, share = (np.concatenate(column) for column in zip(*branches, strict=True))
    return _pieces(start, control, end, radius_mm * share ** (1 / MURRAY_POWER))


def spread(
    inside: Callable[[Points], NDArray[np.bool_]],
    box: tuple[tuple[float, float], ...],
    count: int,
    rng: np.random.Generator,
) -> Points:
    """Draw (count, 3) points of a box that satisfy `inside`.

    Args:
        inside: Says which (n, 3) points may be taken.
        box: Lowest and highest x, y and z.
        count: How many points to draw.
        rng: Source of randomness.
    """
    low, high = np.array(box, float).T
    chosen = np.empty((0, 3))
    while len(chosen) < count:
        points = rng.uniform(low, high, (4 * count, 3))
        chosen = np.concatenate([chosen, points[inside(points)]])
    return chosen[:count]


def _forks(nodes: Points, centers: Points, rng: np.random.Generator) -> Points:
    """Where branches fork: on the way to the middle of what they feed, a little aside."""
    reach = centers - nodes
    aside = 0.035 * np.linalg.norm(reach, axis=1, keepdims=True) * rng.normal(size=reach.shape)
    forks: Points = nodes + rng.uniform(0.3, 0.5, (len(nodes), 1)) * reach + aside
    return forks


def _halved(aims: Points, sizes: Counts, rng: np.random.Generator) -> tuple[Points, Counts]:
    """Split groups of points in two, each across one of a few random directions.

    Args:
        aims: (n, 3) points, group after group.
        sizes: (m,) points in each group; at least 2.
        rng: Source of randomness.

    Returns:
        The points in a new order, and the sizes (2m,) of the parts.
    """
    if not len(sizes):
        return aims, sizes
    group, first = np.repeat(np.arange(len(sizes)), sizes), np.cumsum(sizes) - sizes
    toward = rng.normal(size=(3, NUM_DIRECTIONS))
    along = (aims * (1, 1, FLATNESS)) @ (toward / np.sqrt((toward**2).sum(0)))
    along -= (np.add.reduceat(along, first) / sizes[:, None])[group]
    longest = np.argmax(np.add.reduceat(along**2, first) / sizes[:, None], axis=1)
    order = np.lexsort((along[np.arange(len(aims)), longest[group]], group))
    share = rng.uniform(0.18, 0.82, len(sizes))
    cut = np.clip(np.round(sizes * share).astype(int), 1, sizes - 1)
    return aims[order], np.column_stack([cut, sizes - cut]).ravel()


def _pieces(start: Points, control: Points, end: Points, radius_mm: Points) -> Pieces:
    """Sample each branch's quadratic curve; the radius falls along it by a fifth."""
    step = np.linspace(0, 1, PIECES_PER_BRANCH + 1)[:, None, None]
    path = (1 - step) ** 2 * start + 2 * step * (1 - step) * control + step**2 * end
    taper = 1.1 - 0.2 * step[1:, :, 0]
    return Pieces(path[:-1].reshape(-1, 3), path[1:].reshape(-1, 3), (taper * radius_mm).ravel())
