"""How probabilities become a mask, as one choice of values, and what it scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lungseg.calibration.tally import Tally
from lungseg.postprocessing.rules import Rules

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A threshold and rules.

    Attributes:
        threshold: Probability from which a voxel is tumor.
        lung_hull: As in `Rules`.
        smallest_mm3: Likewise.
        keep_largest: Likewise.
    """

    threshold: float
    lung_hull: bool = False
    smallest_mm3: float = 0.0
    keep_largest: int = 0

    @property
    def rules(self) -> Rules:
        """Which lesions are kept."""
        return Rules(
            lung_hull=self.lung_hull,
            smallest_mm3=self.smallest_mm3,
            keep_largest=self.keep_largest,
        )

    def scores(self, tallies: Sequence[Tally]) -> Scores:
        """(n,) guarded Dice of each case."""
        return np.array([tally.score(self.threshold, self.rules) for tally in tallies])

    def missed(self, tallies: Sequence[Tally]) -> int:
        """Cases with tumor in which nothing is called so."""
        with_tumor = [tally for tally in tallies if tally.tumor]
        return sum(tally.found(self.threshold, self.rules)[0] == 0 for tally in with_tumor)
