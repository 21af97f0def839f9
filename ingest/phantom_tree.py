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

MURRAY_POWER = 2.5
PIECES_PER_BRANCH = 4


@dataclass(frozen=True)
class Pieces:
    """Short straight tubes: start and end (n, 3) in mm, radius (n,) in mm."""

    start: Points
    end: Points
    radius: NDArray[np.float64]

    def __add__(self, other: "Pieces") -> "Pieces":
        """Both sets together."""
        return Pieces(
            np.concatenate([self.start, other.start]),
            np.concatenate([self.end, other.end]),
            np.concatenate([self.radius, other.radius]),
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
        The tree's pieces, thick ones first.
    """
    todo = [(np.array(origin, float), np.zeros(3), targets)]
    nodes, controls, ends, shares = [], [], [], []
    while todo:
        node, heading, aims = todo.pop()
        center = aims.mean(0)
        end = aims[0] if len(aims) == 1 else _fork(node, center, rng)
        nodes.append(node)
        ends.append(end)
        controls.append(node + 0.4 * float(np.linalg.norm(end - node)) * heading)
        shares.append(len(aims))
        if len(aims) > 1:
            heading = (end - controls[-1]) / max(float(np.linalg.norm(end - controls[-1])), 1e-6)
            todo += [(end, heading, half) for half in _halves(aims, rng)]
    share = np.array(shares) / len(targets)
    return _pieces(np.array(nodes), np.array(controls), np.array(ends), radius_mm, share)


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


def _fork(node: Points, center: Points, rng: np.random.Generator) -> Points:
    reach = center - node
    aside = rng.normal(0, 0.06 * float(np.linalg.norm(reach)), 3)
    return node + rng.uniform(0.32, 0.5) * reach + aside


def _halves(aims: Points, rng: np.random.Generator) -> tuple[Points, Points]:
    if len(aims) == 2:
        return aims[:1], aims[1:]
    centered = aims - aims.mean(0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    order = np.argsort(centered @ axes[:, 2])
    cut = int(np.clip(round(len(aims) * rng.uniform(0.3, 0.7)), 1, len(aims) - 1))
    return aims[order[:cut]], aims[order[cut:]]


def _pieces(
    nodes: Points, controls: Points, ends: Points, radius_mm: float, share: NDArray[np.float64]
) -> Pieces:
    """Sample each branch's quadratic curve; the radius falls along it by a fifth."""
    step = np.linspace(0, 1, PIECES_PER_BRANCH + 1)[:, None, None]
    path = (1 - step) ** 2 * nodes + 2 * step * (1 - step) * controls + step**2 * ends
    radius = radius_mm * share ** (1 / MURRAY_POWER)
    taper = 1.1 - 0.2 * step[1:, :, 0]
    radii = (taper * radius).reshape(-1)
    order = np.argsort(-radii, kind="stable")
    return Pieces(path[:-1].reshape(-1, 3)[order], path[1:].reshape(-1, 3)[order], radii[order])
