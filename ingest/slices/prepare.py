"""HU slice -> model-ready slice: what the recipe does to one slice."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ingest.recipe import Recipe

_TUMOR_SHARE = 0.5 - 1e-6  # of a pixel's area; float32 sums of halves may fall short


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
    low, high = (np.int16(bound) for bound in recipe.clip)  # numpy examines plain int at length
    np.clip(plane, low, high, out=plane)
    shrinks_far = max(plane.shape) > 2 * recipe.size
    return _resized(plane, recipe, cv2.INTER_AREA if shrinks_far else cv2.INTER_LINEAR)


def prepare_mask(plane: npt.NDArray[np.uint8], recipe: Recipe) -> npt.NDArray[np.uint8]:
    """Resize one axial plane (0, 1) of a mask to (size, size), as the recipe says."""
    if recipe.mask == "nearest":
        return _resized(plane, recipe, cv2.INTER_NEAREST)
    share = _resized(plane.astype(np.float32), recipe, cv2.INTER_AREA)
    return (share >= _TUMOR_SHARE).astype(np.uint8)


def _resized(plane: npt.NDArray[Any], recipe: Recipe, interpolation: int) -> npt.NDArray[Any]:
    if plane.shape == (recipe.size, recipe.size):
        return plane.copy()
    resized: npt.NDArray[Any] = cv2.resize(
        plane, (recipe.size, recipe.size), interpolation=interpolation
    )
    return resized
