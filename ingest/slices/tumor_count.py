"""What became of a case's tumor on its way into slices: kept, dropped, or lost in resizing."""

from dataclasses import dataclass

VOXELS_LOST = "tumor_voxels_lost_in_resizing"
"""Name of the measure that a build sums up."""


@dataclass(kw_only=True)
class TumorCount:
    """Counts tumor voxels of the source as they are seen.

    Attributes:
        kept: In slices that the recipe keeps.
        dropped: In slices that it drops.
        lost: Those of `kept` in slices whose mask is empty once it is resized.
        slices_lost: Such slices.
        airy: Those of all at which the scan shows air or healthy lung.
    """

    kept: int = 0
    dropped: int = 0
    lost: int = 0
    slices_lost: int = 0
    airy: int = 0

    def lose(self, voxels: int) -> None:
        """Count a slice whose mask is empty once it is resized."""
        self.lost += voxels
        self.slices_lost += 1

    def measures(self) -> dict[str, float]:
        """Numbers for the manifest; none where nothing was lost."""
        if not self.lost:
            return {}
        return {
            "tumor_slices_lost_in_resizing": self.slices_lost,
            VOXELS_LOST: self.lost,
        }
