"""What any threshold and any rules would find in a scan, counted in one run of the net."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungseg.postprocessing.components import Components
from lungseg.postprocessing.kept import kept
from lungseg.postprocessing.rules import Rules
from lungseg.scores.dice import guarded_of_case

Numbers = npt.NDArray[np.int64]
Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tally:
    """Counts of one case.

    Attributes:
        case: Its name.
        tumor: Labeled voxels of the whole scan.
        voxel_mm3: Volume of a voxel.
        lesions: By threshold (n, 3): voxels of each lesion, those in the hull of a lung, and those
            that are labeled tumor.
    """

    case: str
    tumor: int
    voxel_mm3: float
    lesions: Mapping[float, Numbers]

    def found(self, threshold: float, rules: Rules) -> tuple[int, int]:
        """Voxels called tumor, and those of them that are labeled so."""
        voxels, in_hull, true = self.lesions[threshold].T
        keeps = kept(rules, voxels, in_hull, voxel_mm3=self.voxel_mm3)
        return int(voxels[keeps].sum()), int(true[keeps].sum())

    def score(self, threshold: float, rules: Rules) -> float:
        """The guarded Dice of the case."""
        called, true = self.found(threshold, rules)
        counts = true, called - true, self.tumor - true
        return guarded_of_case(*counts, voxel_ml=self.voxel_mm3 / 1000)


class Tallying:
    """Gathers the counts slice by slice.

    Args:
        thresholds: Thresholds to count at.
    """

    def __init__(self, thresholds: Sequence[float]) -> None:
        self._components = {threshold: Components() for threshold in thresholds}

    def see(self, z: int, probability: Plane, hull: Mask, truth: Mask) -> None:
        """Look at a slice, a neighbor of the one before.

        Args:
            z: Its canonical number.
            probability: (height, width).
            hull: (height, width), 1 within the hull of a lung.
            truth: (height, width) label.
        """
        for threshold, components in self._components.items():
            mask = (probability >= threshold).astype(np.uint8)
            components.add(z, mask, [hull, truth])

    def tally(self, case: str, *, tumor: int, voxel_mm3: float) -> Tally:
        """What was counted."""
        lesions = {
            threshold: np.array([*components.counts().values()], np.int64).reshape(-1, 3)
            for threshold, components in self._components.items()
        }
        return Tally(case=case, tumor=tumor, voxel_mm3=voxel_mm3, lesions=lesions)
