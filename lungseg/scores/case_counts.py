"""What a validation counts of one case: the voxels, and what follows from them."""

from dataclasses import dataclass

from lungseg.scores.dice import dice


@dataclass(frozen=True, kw_only=True)
class CaseCounts:
    """The voxels of one case.

    Attributes:
        case: Its name.
        tp: Tumor voxels found.
        fp: Voxels falsely called tumor.
        fn: Tumor voxels missed.
        false_volume_ml: Volume of the `fp`, mL.
    """

    case: str
    tp: int
    fp: int
    fn: int
    false_volume_ml: float

    @property
    def dice(self) -> float | None:
        """Dice; None where neither the truth nor the prediction has tumor."""
        return dice(self.tp, self.fp, self.fn)

    @property
    def has_tumor(self) -> bool:
        """Whether there is tumor to find; Dice of other cases is in no mean."""
        return self.tp + self.fn > 0

    @property
    def missed(self) -> bool:
        """Whether there is tumor, and nothing at all was called tumor."""
        return self.has_tumor and self.tp + self.fp == 0
