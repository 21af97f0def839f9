"""From probabilities of slices to the lesions of a scan that are kept."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.recipe import Recipe
from ingest.scans.geometry import Grid
from ingest.slices.field import Field
from lungseg.postprocessing.hull import LungHull
from lungseg.postprocessing.lesion_table import LesionTable
from lungseg.postprocessing.rules import Rules
from lungseg.postprocessing.volumes import MemberVolumes

Mask = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]


class Finder:
    """Sees the slices of one scan once, each a neighbor of the one before, and then judges.

    Args:
        grid: The scan's grid.
        recipe: How its slices were made.
        threshold: Probability from which a voxel is tumor.
        rules: Which lesions are kept.
    """

    def __init__(self, grid: Grid, recipe: Recipe, *, threshold: float, rules: Rules) -> None:
        self._field = Field.of(grid, recipe)
        self.rules = rules
        self._threshold = threshold
        self._hull = LungHull(grid, recipe) if rules.lung_hull else None
        self._lesions = LesionTable(grid)
        self._volumes = MemberVolumes(rules, threshold=threshold, voxel_mm3=grid.voxel_mm3)

    def see(
        self, z: int, image: npt.NDArray[np.int16], members: npt.NDArray[np.float32]
    ) -> tuple[Mask, Plane]:
        """Look at a slice.

        Args:
            z: Its canonical number.
            image: (size, size) HU.
            members: (members, size, size), the probabilities of each member of an ensemble.

        Returns:
            (height, width) of the axial plane: 1 where the mean of the members reaches the
            threshold, whatever the rules say, and that mean.
        """
        hull = self._hull.of(image) if self._hull else None
        wide = self._field.back(members.mean(axis=0))
        mask = (wide >= self._threshold).astype(np.uint8)
        self._lesions.add(z, mask, wide, hull)
        if len(members) > 1:
            self._volumes.add(z, [self._field.back(member) for member in members], hull)
        return mask, wide

    def kept(self, z: int, mask: Mask) -> Mask:
        """What the rules leave of the mask of a slice, once all slices were seen."""
        if not self.rules:
            return mask
        return self._lesions.components.kept(z, mask, self._kept)

    def lesions(self) -> list[dict[str, Any]]:
        """Rows of `lesions.csv` of the lesions that are kept."""
        return self._lesions.rows(self._kept)

    @property
    def num_dropped(self) -> int:
        """Lesions that the rules drop."""
        return len(self._lesions.components.counts()) - len(self._kept)

    @cached_property
    def _kept(self) -> set[int]:
        return self._lesions.kept(self.rules)

    def volume_interval_ml(self) -> tuple[float, float] | None:
        """Smallest and largest volume by member, in mL; None of one member alone."""
        return self._volumes.interval_ml()
