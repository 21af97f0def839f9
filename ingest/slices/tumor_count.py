"""What became of a case's tumor on its way into slices: kept, dropped, or lost in resizing."""

from dataclasses import dataclass

from ingest.findings.rules import Finding, Level
from ingest.recipe import Recipe

VOXELS_LOST = "tumor_voxels_lost_in_resizing"
"""Name of the measure that a build sums up."""


@dataclass(kw_only=True)
class TumorCount:
    """Counts tumor voxels of the source as they are seen, and judges at the end.

    Attributes:
        kept: In slices that the recipe keeps.
        dropped: In slices that it drops.
        lost: Those of `kept` in slices whose mask is empty once it is resized.
        slices_lost: Such slices.
    """

    kept: int = 0
    dropped: int = 0
    lost: int = 0
    slices_lost: int = 0

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

    def findings(self, case: str, recipe: Recipe) -> list[Finding]:
        """Judge the mask.

        Args:
            case: Name of the case.
            recipe: What it was read by.

        Returns:
            At most one finding.
        """
        level: Level = "warning"
        if not self.kept and not self.dropped:
            level, message = "note", "the label marks no tumor"
        else:
            ways = [self._dropped()] * bool(self.dropped) + [self._lost(recipe)] * bool(self.lost)
            if not ways:
                return []
            message = "ALL TUMOR LOST: " * (self.lost == self.kept) + "; ".join(ways)
        return [Finding(case=case, level=level, rule="tumor", message=message)]

    def _dropped(self) -> str:
        if self.kept:
            total = self.dropped + self.kept
            return f"{self.dropped} of {total} tumor voxels lie in slices that are dropped"
        return (
            f"all {self.dropped} tumor voxels lie in slices that are dropped: drop fewer with "
            "--drop-slices, or by --drop-mm or --drop-outside-lungs"
        )

    def _lost(self, recipe: Recipe) -> str:
        """Thin masks vanish by the area rule more often than by nearest neighbor."""
        other = " or --mask nearest" if recipe.mask == "area" else ""
        return (
            f"the mask is empty at --size {recipe.size} in {self.slices_lost} slices with "
            f"{self.lost} of {self.dropped + self.kept} tumor voxels: use a larger --size{other}"
        )
