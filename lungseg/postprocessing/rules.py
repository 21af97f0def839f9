"""Which lesions of a prediction are to be kept: by size, by rank, by the lung that they lie in."""

from dataclasses import asdict, dataclass
from typing import Any

from ingest.recipe import Recipe
from shards.console.errors import KnownError
from shards.console.words import counted

LUNG_HU = (-1000, -300)
"""HU that slices must keep for lung to be told from air and from tissue."""


class RulesError(KnownError):
    """Rules ask for what slices do not show."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a lesion must be to be kept; a lesion's voxels touch at least at a corner.

    Attributes:
        lung_hull: Whether it must touch the convex hull of a lung.
        smallest_mm3: Its smallest volume, in mm3.
        keep_largest: How many are kept of a scan, the largest first; 0 is all.
    """

    lung_hull: bool = False
    smallest_mm3: float = 0.0
    keep_largest: int = 0

    def __bool__(self) -> bool:
        """Whether they could drop anything."""
        return self != Rules()

    def hold_on(self, recipe: Recipe) -> None:
        """Refuse slices on which the rules cannot be held.

        Raises:
            RulesError: If they ask for the lungs, and the recipe clips their HU.
        """
        if self.lung_hull and not shows_lung(recipe):
            low, high = LUNG_HU
            raise RulesError(
                f"the hull of the lungs needs slices with HU from {low} to {high}, the model's are "
                f"clipped to {recipe.clip[0]} to {recipe.clip[1]}: say --lung-hull no"
            )

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for a checkpoint."""
        return asdict(self)

    def in_words(self) -> str:
        """What is dropped, as part of a sentence."""
        said = [
            "lesions outside the lungs' hulls are dropped" if self.lung_hull else "",
            f"lesions under {self.smallest_mm3:g} mm3 are dropped" if self.smallest_mm3 else "",
            f"only the {counted(self.keep_largest, 'largest lesion')} of a scan kept"
            if self.keep_largest
            else "",
        ]
        return ", ".join(filter(None, said)) or "all lesions are kept"


def shows_lung(recipe: Recipe) -> bool:
    """Whether lung can be told on a recipe's slices: they keep the HU of air, lung and tissue."""
    low, high = recipe.clip
    return low <= LUNG_HU[0] and high >= LUNG_HU[1]
