"""The hull of the lungs on a slice: where a lesion of the lung may lie."""

import cv2
import numpy as np
import numpy.typing as npt

from ingest.recipe import Recipe
from ingest.scans.geometry import Grid
from ingest.slices.field import Field, slice_spacing_mm
from ingest.slices.lung import lung_regions


class LungHull:
    """Finds it on the slices of a recipe, by classical means.

    Args:
        grid: The scan's grid.
        recipe: How its slices were made.
    """

    def __init__(self, grid: Grid, recipe: Recipe) -> None:
        self._field = Field.of(grid, recipe)
        self._pixel_mm = slice_spacing_mm(grid, recipe)[:2]

    def of(self, image: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
        """The convex hull of each region of lung on a slice.

        Args:
            image: (size, size) HU, clipped as the recipe does.

        Returns:
            (height, width) of the scan's axial planes, 1 within a hull.
        """
        shown = np.ascontiguousarray(image[self._field.inner])  # what is filled up is no air
        regions = lung_regions(shown, self._pixel_mm)
        hull = np.zeros(regions.shape, np.uint8)
        for number in np.unique(regions[regions > 0]):
            points = np.argwhere(regions == number)[:, ::-1].astype(np.int32)
            cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
        whole = np.zeros(image.shape, np.uint8)
        whole[self._field.inner] = cv2.resize(
            hull, shown.shape[::-1], interpolation=cv2.INTER_NEAREST
        )
        return np.asarray(self._field.back(whole), np.uint8)
