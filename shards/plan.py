"""Weights, seed and epoch -> the order of slices and the batches of a rank; arithmetic only."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

MAX_CATEGORIES = 2**24  # torch.multinomial refuses more


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """The order in which an epoch visits the training slices.

    Attributes:
        rows: (n,) int64, rows of the index that training may use.
        tumor: (n,) bool, whether each of them shows tumor.
        oversample: How many times as likely a slice with tumor is drawn as one without.
        seed: Seed of all orders.
    """

    rows: npt.NDArray[np.int64]
    tumor: npt.NDArray[np.bool_]
    oversample: float
    seed: int

    def __len__(self) -> int:
        return len(self.rows)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Draw the slices of one epoch, with replacement.

        Bit-equal to `torch.utils.data.WeightedRandomSampler(weights, n, generator=g)` for the
        weights of `sample_weights` and `g` seeded by `epoch_seed`.

        Args:
            epoch: 0-based epoch.

        Returns:
            (n,) int64, rows of the index in the order of the draws.
        """
        generator = torch.Generator().manual_seed(epoch_seed(self.seed, epoch))
        return self.rows[_draw(self.tumor, self.oversample, generator)]


def epoch_seed(seed: int, epoch: int) -> int:
    """The generator's seed of one epoch: (seed, epoch) hashed, so neighbours do not correlate."""
    return int(
        np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1)
    )


def oversample_ratio(oversample: float | Literal["auto"], tumor: npt.NDArray[np.bool_]) -> float:
    """How many times as likely a slice with tumor shall be drawn.

    Args:
        oversample: A ratio, or `auto` for n_without / n_with: half of the draws show tumor.
        tumor: (n,) bool.

    Returns:
        The ratio; 1 for `auto` where all slices are of one kind.
    """
    if oversample != "auto":
        return float(oversample)
    num_tumor = int(np.count_nonzero(tumor))
    return (len(tumor) - num_tumor) / num_tumor if 0 < num_tumor < len(tumor) else 1.0


def sample_weights(tumor: npt.NDArray[np.bool_], oversample: float) -> npt.NDArray[np.float64]:
    """(n,) weights of the draw: `oversample` for a slice with tumor, 1 for one without."""
    return np.where(tumor, float(oversample), 1.0)


def num_batches(num_samples: int, batch_size: int) -> int:
    """Global batches of an epoch: an incomplete last one is left out, unless it is the only one."""
    return max(1, num_samples // batch_size) if num_samples else 0


def batch_of_rank(
    k: int, *, batch_size: int, num_samples: int, rank: int, world_size: int
) -> slice:
    """Positions in an epoch's order that one rank trains on in global batch `k`.

    The batch is the k-th stretch of the order, and a rank takes every `world_size`-th position of
    it: together the ranks have each position once, and all the same number.

    Args:
        k: 0-based global batch of the epoch.
        batch_size: Slices of a global batch, over all ranks; a multiple of `world_size`.
        num_samples: Slices of an epoch.
        rank: 0-based rank.
        world_size: Number of ranks.

    Returns:
        The positions, as a slice with a step.
    """
    start = k * batch_size
    stop = min(start + batch_size, num_samples)
    stop -= (stop - start) % world_size
    return slice(start + rank, stop, world_size)


def _draw(
    tumor: npt.NDArray[np.bool_], oversample: float, generator: torch.Generator
) -> npt.NDArray[np.int64]:
    if len(tumor) <= MAX_CATEGORIES:
        weights = torch.as_tensor(sample_weights(tumor, oversample))
        return torch.multinomial(weights, len(tumor), True, generator=generator).numpy()
    return _draw_class_first(tumor, oversample, generator)


def _draw_class_first(
    tumor: npt.NDArray[np.bool_], oversample: float, generator: torch.Generator
) -> npt.NDArray[np.int64]:
    """The same distribution in two steps: which kind of slice, then which slice of that kind."""
    kinds = [np.flatnonzero(~tumor), np.flatnonzero(tumor)]
    weight_of_tumor = oversample * len(kinds[1])
    share = weight_of_tumor / (weight_of_tumor + len(kinds[0]))
    with_tumor = torch.rand(len(tumor), generator=generator, dtype=torch.float64).numpy() < share
    drawn = np.empty(len(tumor), np.int64)
    for kind, wanted in zip(kinds, (~with_tumor, with_tumor), strict=True):
        picks = torch.randint(max(len(kind), 1), (int(wanted.sum()),), generator=generator)
        drawn[wanted] = kind[picks.numpy()]
    return drawn
