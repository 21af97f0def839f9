"""What any definition of Dice needs of one case, gathered slice by slice on the model's grid."""

import zlib

import numpy as np
import numpy.typing as npt

from ingest.recipe import Recipe
from ingest.slices.field import Field
from ingest.slices.prepare import prepare_mask

Mask = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
_HALF = 0.5

Values = npt.NDArray[np.float64]


class CaseSums:
    """Sums over the pixels of each slice that the model sees.

    Args:
        truth: (x, y, z) label in canonical axes.
        recipe: The recipe that the probabilities were made with.
        field: What the slices show of their planes.
        threshold: Probability from which a pixel is tumor.

    Attributes:
        masks: Of each slice what is called tumor, and the label, packed.
        num_voxels: Of the scan.
        num_tumor: Labeled ones.
    """

    def __init__(self, truth: Mask, recipe: Recipe, field: Field, *, threshold: float) -> None:
        self._truth = truth
        self._recipe = recipe
        self._field = field
        self._threshold = threshold
        self._soft: list[tuple[float, float, float]] = []
        self._hard: list[tuple[float, float, float]] = []
        self.masks: list[tuple[bytes, bytes]] = []
        self._shown = np.zeros(2, np.int64)
        self.num_voxels = truth.size
        self.num_tumor = int(np.count_nonzero(truth))

    def add(self, z: int, probability: Plane) -> None:
        """Add the probabilities (size, size) of a slice."""
        plane = np.ascontiguousarray(self._truth[:, :, z].T)
        label = prepare_mask(plane, self._recipe, self._field)
        called = (probability >= self._threshold).astype(np.uint8)
        labeled = float(np.count_nonzero(label))
        overlap = float(probability[label != 0].sum(dtype=np.float64))
        self._soft.append((overlap, float(probability.sum(dtype=np.float64)), labeled))
        self._hard.append(_counts(called, label))
        self.masks.append((_packed(called), _packed(label)))
        if labeled:
            self._see_ceiling(plane, label)

    @property
    def soft(self) -> Values:
        """(n, 3) by slice: sums of probability times label, of probability, of label."""
        return np.array(self._soft, np.float64).reshape(-1, 3)

    @property
    def hard(self) -> Values:
        """(n, 3) by slice: the same of the pixels that are called tumor."""
        return np.array(self._hard, np.float64).reshape(-1, 3)

    @property
    def pooled_soft(self) -> tuple[float, float]:
        """Sum of probability times label, and sum of both, over all slices."""
        overlap, found, labeled = self.soft.sum(axis=0).tolist()
        return overlap, found + labeled

    @property
    def pixels(self) -> int:
        """Pixels of a slice."""
        return self._recipe.size**2

    @property
    def ceiling(self) -> float | None:
        """Dice on the scan's own grid of the label as the recipe shows it; None without tumor."""
        overlap, called = self._shown.tolist()
        return 2 * overlap / (called + self.num_tumor) if self.num_tumor else None

    @property
    def everything(self) -> float | None:
        """Dice on the scan's own grid where every voxel is called tumor; None without tumor."""
        return 2 * self.num_tumor / (self.num_voxels + self.num_tumor) if self.num_tumor else None

    def of_other(self, other: "CaseSums") -> Values:
        """As `hard`, of what was called tumor at the same height of another case."""
        places = np.arange(len(self.masks)) + 0.5
        there = (places / len(self.masks) * len(other.masks)).astype(int)
        pairs = [
            (_unpacked(other.masks[place][0]), _unpacked(label))
            for place, (_, label) in zip(there, self.masks, strict=True)
        ]
        rows = [_counts(called, label) for called, label in pairs]
        return np.array(rows, np.float64).reshape(-1, 3)

    def _see_ceiling(self, plane: Mask, label: Mask) -> None:
        """Count what comes back of the label of a slice, as probabilities 0 and 1 would."""
        back = self._field.back(label.astype(np.float32)) >= _HALF
        self._shown += np.count_nonzero(back & (plane != 0)), np.count_nonzero(back)


def _counts(called: Mask, label: Mask) -> tuple[float, float, float]:
    overlap = np.count_nonzero(called & label)
    return float(overlap), float(np.count_nonzero(called)), float(np.count_nonzero(label))


def _packed(mask: Mask) -> bytes:
    return zlib.compress(np.packbits(mask).tobytes(), 1)


def _unpacked(packed: bytes) -> Mask:
    return np.unpackbits(np.frombuffer(zlib.decompress(packed), np.uint8))
