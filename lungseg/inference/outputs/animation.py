"""A predicted scan as an animation for people."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.scans.geometry import Grid
from lungseg.report.pictures import Picture, caption, outline_picture, picture_size, write_gif
from shards.console.whole import whole_or_nothing


class Animation:
    """The slices that the model saw, from the feet up, with the prediction outlined.

    Args:
        name: Name of the scan.
        grid: Its grid.
    """

    def __init__(self, name: str, grid: Grid) -> None:
        width, height, self._num_slices = grid.canonical().shape
        x_mm, y_mm, _ = grid.canonical().spacing_mm
        self._name = name
        self._size = picture_size((height * y_mm, width * x_mm), edge=384)
        self._pictures: dict[int, Picture] = {}

    def add(self, z: int, image: npt.NDArray[Any], mask: npt.NDArray[np.uint8]) -> None:
        """Draw a slice.

        Args:
            z: Its canonical number.
            image: (height, width) HU.
            mask: (height, width), on the same pixels.
        """
        text = f"{self._name}  slice {z} of {self._num_slices}"
        self._pictures[z] = caption(outline_picture(image, None, mask, size=self._size), text)

    def write(self, target: Path) -> None:
        """Write the animation whole, or not at all.

        Raises:
            OSError: If it cannot be written.
        """
        with whole_or_nothing(target) as unfinished:
            write_gif((self._pictures[z] for z in sorted(self._pictures)), unfinished)
