"""Which part of an axial plane a slice of the recipe shows, and on which pixels; there and back."""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from ingest.recipe import Recipe
from ingest.scans.geometry import Grid


@dataclass(frozen=True, kw_only=True)
class Field:
    """A square of pixels over the middle of an axial plane.

    Attributes:
        plane: (height, width) of the scan's axial planes.
        resampled: (height, width) of the same planes on pixels of the recipe's pitch.
        size: Height and width of a slice, in those pixels.
    """

    plane: tuple[int, int]
    resampled: tuple[int, int]
    size: int

    @classmethod
    def of(cls, grid: Grid, recipe: Recipe) -> Self:
        """The field of a scan: the whole plane, or `--pixel-mm` times `--size` of its middle."""
        canonical = grid.canonical()
        width, height, _ = canonical.shape
        if recipe.pixel_mm is None:
            return cls.whole((height, width), recipe.size)
        x_mm, y_mm, _ = canonical.spacing_mm
        wide, high = (
            max(1, round(count * pitch / recipe.pixel_mm))
            for count, pitch in ((width, x_mm), (height, y_mm))
        )
        return cls(plane=(height, width), resampled=(high, wide), size=recipe.size)

    @classmethod
    def whole(cls, plane: tuple[int, int], size: int) -> Self:
        """All of a plane, drawn to a square whatever its shape."""
        return cls(plane=plane, resampled=(size, size), size=size)

    @property
    def inner(self) -> tuple[slice, ...]:
        """Rows and columns of a slice that lie on the plane; the others are filled up."""
        return self._overlap()[0]

    def shrinks_beyond(self, factor: float) -> bool:
        """Whether resampling makes fewer pixels by more than a factor, along either axis."""
        return any(n > factor * m for n, m in zip(self.plane, self.resampled, strict=True))

    @property
    def shrinks_one_axis_alone(self) -> bool:
        """Whether resampling makes fewer pixels along one axis, and more along the other."""
        (height, width), (high, wide) = self.plane, self.resampled
        return (height - high) * (width - wide) < 0

    def cut(
        self, plane: npt.NDArray[Any], interpolation: int, *, beyond: float = 0
    ) -> npt.NDArray[Any]:
        """Resample a plane and cut the slice out of it.

        Args:
            plane: (height, width), of a type that OpenCV resizes.
            interpolation: How, as OpenCV numbers it.
            beyond: What a slice shows beyond the plane's border.

        Returns:
            (size, size), of memory of its own.
        """
        resized = plane.shape != self.resampled
        if resized:
            plane = cv2.resize(plane, self.resampled[::-1], interpolation=interpolation)
        if self.resampled == (self.size, self.size):
            return plane if resized else plane.copy()
        ours, theirs = self._overlap()
        piece = np.full((self.size, self.size), beyond, plane.dtype)
        piece[ours] = plane[theirs]
        return piece

    def back(self, piece: npt.NDArray[Any], *, beyond: float = 0) -> npt.NDArray[Any]:
        """Put a slice back on its plane.

        Args:
            piece: (size, size): uint8 labels, by the nearest center, or other values, such as
                probabilities, interpolated bilinearly.
            beyond: What the plane is given where the slice does not show it.

        Returns:
            (height, width), uint8 or float32.
        """
        is_mask = piece.dtype == np.uint8
        if not is_mask:
            piece = piece.astype(np.float32)
        ours, theirs = self._overlap()
        high, wide = self.resampled
        resampled = np.full((high, wide), beyond, piece.dtype)
        resampled[theirs] = piece[ours]
        rule = cv2.INTER_NEAREST_EXACT if is_mask else cv2.INTER_LINEAR
        plane: npt.NDArray[Any] = cv2.resize(resampled, self.plane[::-1], interpolation=rule)
        return plane

    def outside(self, mask: npt.NDArray[np.uint8]) -> int:
        """Pixels of a plane's mask whose centers the slice does not show."""
        _, theirs = self._overlap()
        shown = tuple(
            slice(*(round(end * n / m) for end in (part.start, part.stop)))
            for part, n, m in zip(theirs, self.plane, self.resampled, strict=True)
        )
        return int(np.count_nonzero(mask)) - int(np.count_nonzero(mask[shown]))

    def _overlap(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Where slice and resampled plane meet: in the slice, and in the plane."""
        ours, theirs = [], []
        for count in self.resampled:
            start = (count - self.size) // 2
            low, high = max(0, start), min(count, start + self.size)
            theirs.append(slice(low, high))
            ours.append(slice(low - start, high - start))
        return tuple(ours), tuple(theirs)


def slice_spacing_mm(grid: Grid, recipe: Recipe) -> tuple[float, float, float]:
    """Pitch of a scan's slices along (x, y, z), in mm: the nearest to `--pixel-mm` that fits.

    Args:
        grid: The scan's grid.
        recipe: The recipe.
    """
    field = Field.of(grid, recipe)
    (height, width), (high, wide) = field.plane, field.resampled
    x_mm, y_mm, z_mm = grid.canonical().spacing_mm
    return x_mm * width / wide, y_mm * height / high, z_mm
