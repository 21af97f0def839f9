"""HU slice -> model-ready slice: what the recipe is and what it does to one slice."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How scans become slices. The defaults are the tutorial's."""

    size: int = 256
    """Height and width of a slice, in pixels."""
    clip: tuple[int, int] = (-1000, 3071)
    """Lowest and highest value kept, in HU; what lies outside is set to the nearer one."""
    scale: float = 1 / 3071
    """Factor from HU to the model's input."""
    drop_slices: int = 30
    """Slices left out at the lower end of the scan, counted from the feet."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"--size must be at least 1 pixel, got {self.size}")
        low, high = self.clip
        if not -32768 <= low < high <= 32767:
            raise ValueError(f"--clip needs LOW < HIGH within int16, got {low} {high}")
        if self.drop_slices < 0:
            raise ValueError(f"--drop-slices must be at least 0, got {self.drop_slices}")

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data, for the manifest and the checkpoint."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The recipe that `to_dict` wrote down."""
        return cls(**{**values, "clip": tuple(values["clip"])})


def prepare_image(plane: npt.NDArray[np.int16], recipe: Recipe) -> npt.NDArray[np.int16]:
    """Clip and resize one axial plane.

    Up to a shrink of 2 the pixels are interpolated bilinearly, as in the tutorial; beyond, they
    are area-weighted, because bilinear interpolation would skip source pixels. At 2 both agree.

    Args:
        plane: (height, width) HU; its memory may be overwritten.
        recipe: The recipe.

    Returns:
        (size, size) HU.
    """
    import cv2

    low, high = (np.int16(bound) for bound in recipe.clip)  # numpy examines plain int at length
    np.clip(plane, low, high, out=plane)
    shrinks_far = max(plane.shape) > 2 * recipe.size
    return _resized(plane, recipe, cv2.INTER_AREA if shrinks_far else cv2.INTER_LINEAR)


def prepare_mask(plane: npt.NDArray[np.uint8], recipe: Recipe) -> npt.NDArray[np.uint8]:
    """Resize one axial plane of a mask to (size, size) by nearest neighbor."""
    import cv2

    return _resized(plane, recipe, cv2.INTER_NEAREST)


def _resized(plane: npt.NDArray[Any], recipe: Recipe, interpolation: int) -> npt.NDArray[Any]:
    if plane.shape == (recipe.size, recipe.size):
        return plane.copy()
    import cv2

    resized: npt.NDArray[Any] = cv2.resize(
        plane, (recipe.size, recipe.size), interpolation=interpolation
    )
    return resized
