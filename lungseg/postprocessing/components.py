"""The parts of a mask that touch each other, found slice by slice, and found again later."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pixels:
    """The tumor pixels of one slice.

    Attributes:
        x: (n,) column of each.
        y: (n,) row.
        number: (n,) the part of the slice that it belongs to.
        first: The lowest number of a part of this slice.
        count: Parts of the slice; their numbers follow each other.
    """

    x: Numbers
    y: Numbers
    number: Numbers
    first: int
    count: int

    def sums(self, layer: npt.NDArray[np.generic]) -> Numbers:
        """For each part, on how many of its pixels a (height, width) layer is not 0."""
        filled = self.number[layer[self.y, self.x] != 0] - self.first
        return np.bincount(filled, minlength=self.count)


class Components:
    """Joins the voxels that touch at least at a corner, in one pass over neighboring slices.

    Memory grows with the parts of slices, not with voxels.
    """

    def __init__(self) -> None:
        self._first: dict[int, int] = {}
        self._counts: dict[int, Numbers] = {}
        self._joined: dict[int, int] = {}
        self._before: npt.NDArray[np.int64] | None = None
        self._next = 1

    def add(
        self, z: int, mask: Mask, layers: Sequence[npt.NDArray[np.generic]] = ()
    ) -> Pixels | None:
        """Add a slice, a neighbor of the one before.

        Args:
            z: Its number.
            mask: (height, width), 1 is tumor.
            layers: As many as were announced, (height, width) each.

        Returns:
            Its tumor pixels; None where it has none.
        """
        if not cv2.hasNonZero(mask):
            self._before = None
            return None
        y, x = np.nonzero(mask)
        labels, count = _labels(mask)
        pixels = Pixels(
            x=x,
            y=y,
            number=labels[y, x].astype(np.int64) - 1 + self._next,
            first=self._next,
            count=count,
        )
        counts = np.stack([pixels.sums(layer) for layer in (mask, *layers)], axis=1)
        self._counts |= dict(zip(range(self._next, self._next + count), counts, strict=True))
        self._first[z] = self._next
        self._next += count
        self._join(pixels)
        self._before = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.int64)
        self._before[y + 1, x + 1] = pixels.number
        return pixels

    def counts(self) -> dict[int, Numbers]:
        """For each component, its (1 + layers,) voxels: all, and those in each layer."""
        sums: dict[int, Numbers] = {}
        for number, counts in self._counts.items():
            component = self.of(number)
            sums[component] = sums.get(component, 0) + counts
        return sums

    def of(self, number: int) -> int:
        """The component that a part of a slice belongs to, by what was seen so far."""
        root = number
        while root in self._joined:
            root = self._joined[root]
        while number != root:
            self._joined[number], number = root, self._joined[number]
        return root

    def kept(self, z: int, mask: Mask, components: set[int]) -> Mask:
        """What is left of a slice that was added before, by the components to be kept.

        Args:
            z: Its number.
            mask: (height, width), as it was added.
            components: The ones to keep.
        """
        if z not in self._first:
            return mask
        labels, count = _labels(mask)
        first = self._first[z]
        keeps = [False] + [self.of(first + part) in components for part in range(count)]
        return np.array(keeps, np.uint8)[labels]

    def _join(self, pixels: Pixels) -> None:
        """Unite parts with those of the slice before that they touch, at a corner at least."""
        if self._before is None:
            return
        for dx, dy in np.ndindex(3, 3):
            before = self._before[pixels.y + dy, pixels.x + dx]
            pairs = np.stack((before, pixels.number), axis=1)[before > 0]
            repeated = (pairs[1:] == pairs[:-1]).all(axis=1)  # along a row most are
            for old, new in {*map(tuple, pairs[:1].tolist() + pairs[1:][~repeated].tolist())}:
                self._unite(old, new)

    def _unite(self, one: int, other: int) -> None:
        one, other = self.of(one), self.of(other)
        if one != other:
            self._joined[one] = other


def _labels(mask: Mask) -> tuple[npt.NDArray[np.int32], int]:
    """(height, width) 0 or the number of a part, from 1; and how many parts there are."""
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    return np.asarray(labels, np.int32), count - 1
