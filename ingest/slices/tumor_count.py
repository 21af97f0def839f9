"""What became of a case's tumor on its way into slices: kept, dropped, cut off or lost."""

from dataclasses import dataclass

VOXELS_LOST = "tumor_voxels_lost_in_resizing"
"""Name of the measure that a build sums up."""

VOXELS_CROPPED = "tumor_voxels_outside_the_crop"
"""The same, of those that lie beside what the slices show."""


@dataclass(kw_only=True)
class TumorCount:
    """Counts tumor voxels of the source as they are seen.

    Attributes:
        kept: In slices that the recipe keeps.
        dropped: In slices that it drops.
        cropped: Those of `kept` that lie beside what the slices show of their planes.
        lost: Those of `kept` that are shown, in slices whose mask is empty once it is resized.
        slices_lost: Such slices.
        airy: Those of all at which the scan shows air or healthy lung.
    """

    kept: int = 0
    dropped: int = 0
    cropped: int = 0
    lost: int = 0
    slices_lost: int = 0
    airy: int = 0

    def fit(self, voxels: int, *, outside: int, is_empty: bool) -> None:
        """Count what became of the tumor of a kept slice.

        Args:
            voxels: Of the tumor in its plane.
            outside: Those of them that the slice does not show.
            is_empty: Whether nothing of the tumor is in the slice's own mask.
        """
        self.cropped += outside
        if is_empty and voxels > outside:
            self.lost += voxels - outside
            self.slices_lost += 1

    def measures(self) -> dict[str, float]:
        """Numbers for the manifest; none where nothing was lost."""
        found = {
            "tumor_slices_lost_in_resizing": self.slices_lost,
            VOXELS_LOST: self.lost,
            VOXELS_CROPPED: self.cropped,
        }
        return {name: number for name, number in found.items() if number}
