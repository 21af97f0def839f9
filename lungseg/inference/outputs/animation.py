"""A predicted scan as pictures for people: an animation, or a sheet."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.scans.geometry import Grid
from lungseg.inference.outputs.movie import write_mp4
from lungseg.inference.outputs.sheet import write_sheet
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
        self._areas: dict[int, int] = {}

    def add(self, z: int, image: npt.NDArray[Any], mask: npt.NDArray[np.uint8]) -> None:
        """Draw a slice.

        Args:
            z: Its canonical number.
            image: (height, width) HU.
            mask: (height, width), on the same pixels.
        """
        text = f"{self._name}, slice {z} of {self._num_slices}"
        self._pictures[z] = caption(outline_picture(image, None, mask, size=self._size), text)
        self._areas[z] = int(np.count_nonzero(mask))

    def write(self, target: Path) -> None:
        """Write the pictures whole, or not at all.

        Args:
            target: `.gif`, `.mp4`, or `.png` for a sheet.

        Raises:
            OSError: If it cannot be written.
        """
        with whole_or_nothing(target) as unfinished:
            pictures = (self._pictures[z] for z in sorted(self._pictures))
            if target.suffix == ".gif":
                write_gif(pictures, unfinished)
            elif target.suffix == ".mp4":
                write_mp4(pictures, unfinished)
            else:
                write_sheet(self._pictures, self._areas, unfinished)
