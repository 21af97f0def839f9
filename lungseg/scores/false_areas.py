"""Slices without tumor where tumor was seen, and how often a training shall see them again."""

import numpy as np
import numpy.typing as npt

_ENOUGH_MM2 = 100.0
_MOST = 5.0


def false_areas(
    truth: npt.NDArray[np.uint8], prediction: npt.NDArray[np.uint8], *, pixel_mm2: float
) -> dict[int, float]:
    """Area falsely called tumor, by slice without any, where there is such area.

    Args:
        truth: (i, j, k) mask, slices from the feet along k.
        prediction: The same of a model.
        pixel_mm2: Area of a pixel.

    Returns:
        k -> mm2.
    """
    pixels = np.count_nonzero(prediction, axis=(0, 1))
    pixels[truth.any(axis=(0, 1))] = 0
    return {k: float(pixels[k] * pixel_mm2) for k in np.flatnonzero(pixels).tolist()}


def weight_of(mm2: float) -> float:
    """How many times as often to draw such a slice: 1 for no area, up to 5 for 1 cm2 or more."""
    return round(1 + (_MOST - 1) * min(1.0, mm2 / _ENOUGH_MM2), 3)
