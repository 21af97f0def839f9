"""HU slice -> model-ready slice: what the recipe does to one slice."""

import cv2
import numpy as np
import numpy.typing as npt

from ingest.recipe import Recipe
from ingest.slices.field import Field

_TUMOR_SHARE = 0.5 - 1e-6  # of a pixel's area; float32 sums of halves may fall short


def prepare_image(
    plane: npt.NDArray[np.int16], recipe: Recipe, field: Field
) -> npt.NDArray[np.int16]:
    """Clip one axial plane, and resample what the field shows of it.

    Up to a shrink of 2 the pixels are interpolated bilinearly, as in the tutorial; beyond, they
    are area-weighted, because bilinear interpolation would skip source pixels. At 2 both agree.

    Args:
        plane: (height, width) HU; its memory may be overwritten.
        recipe: The recipe.
        field: What the slice shows of the plane.

    Returns:
        (size, size) HU; the lowest of the clip where there is no plane.
    """
    low, high = (np.int16(bound) for bound in recipe.clip)  # numpy examines plain int at length
    np.clip(plane, low, high, out=plane)
    rule = cv2.INTER_AREA if field.shrinks_beyond(2) else cv2.INTER_LINEAR
    return field.cut(plane, rule, beyond=int(low))


def prepare_mask(
    plane: npt.NDArray[np.uint8], recipe: Recipe, field: Field
) -> npt.NDArray[np.uint8]:
    """Make (size, size) of one axial plane (0, 1) of a mask, as the recipe says.

    By nearest neighbor it is that of a pixel's center, but that of its corner where whole planes
    are drawn to a size, as in the tutorial.
    """
    if recipe.mask == "nearest":
        corner = recipe.pixel_mm is None
        return field.cut(plane, cv2.INTER_NEAREST if corner else cv2.INTER_NEAREST_EXACT)
    share = plane.astype(np.float32)
    if field.shrinks_one_axis_alone:  # OpenCV weighs by area where no axis grows: one by one
        share = cv2.resize(share, (field.resampled[1], len(share)), interpolation=cv2.INTER_AREA)
    share = field.cut(share, cv2.INTER_AREA)
    return (share >= _TUMOR_SHARE).astype(np.uint8)
