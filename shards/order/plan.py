"""Weights, seed and epoch -> the order of slices and the batches of a rank; arithmetic only."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from shards.order.draw import Draw, balanced, weighted
from shards.order.window import Windows


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """The order in which an epoch visits the training slices.

    Attributes:
        rows: (n,) int64, rows of the index that training may use.
        tumor: (n,) bool, whether each of them shows tumor.
        oversample: How many times as likely a slice with tumor is drawn as one without.
        seed: Seed of all orders.
        draw: `weighted` draws with replacement, as the tutorial does; `balanced` without.
        own_weights: (n,) factors by which each of them is drawn more or less often, for `weighted`;
            None: 1 for all.
        windows: Arrangement of the draws for shards that do not all fit on the local disk; None
            leaves them in the order of the draws.
    """

    rows: npt.NDArray[np.int64]
    tumor: npt.NDArray[np.bool_]
    oversample: float
    seed: int
    draw: Draw = "weighted"
    own_weights: npt.NDArray[np.float64] | None = None
    windows: Windows | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Draw the slices of one epoch.

        Weighted and without windows it is bit-equal to
        `torch.utils.data.WeightedRandomSampler(weights, n, generator=g)` for the weights of
        `sample_weights` and `g` seeded by `epoch_seed`.

        Args:
            epoch: 0-based epoch.

        Returns:
            (n,) int64, rows of the index in the order of the draws.
        """
        drawn = self._drawn(epoch)
        if self.windows is not None:
            rng = np.random.default_rng([self.seed, epoch, 1])  # another one than the draw's
            drawn = self.windows.arrange(drawn, self.tumor, rng)
        return self.rows[drawn]

    def _drawn(self, epoch: int) -> npt.NDArray[np.int64]:
        if self.draw == "balanced":
            return balanced(self.tumor, self.oversample, seed=self.seed, epoch=epoch)
        generator = torch.Generator().manual_seed(epoch_seed(self.seed, epoch))
        return weighted(self.tumor, self.oversample, generator, self.own_weights)


def epoch_seed(seed: int, epoch: int) -> int:
    """The generator's seed of one epoch: (seed, epoch) hashed, so neighbours do not correlate."""
    return int(
        np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1)
    )


def num_batches(num_samples: int, batch_size: int) -> int:
    """Global batches of an epoch: an incomplete last one is left out, unless it is the only one."""
    return max(1, num_samples // batch_size) if num_samples else 0


def batches_of_rank(
    num_samples: int, *, batch_size: int, rank: int, world_size: int, start: int = 0
) -> Iterator[range]:
    """Positions in an epoch's order that one rank trains on, global batch by global batch.

    A global batch is the next stretch of the order, and a rank takes every `world_size`-th
    position of it: together the ranks have each position once, and the first of them one more than
    the others where the batch is no multiple of their number.

    Args:
        num_samples: Slices of an epoch.
        batch_size: Slices of a global batch, over all ranks; one for each of them at least.
        rank: 0-based rank.
        world_size: Number of ranks.
        start: Positions that were used before, of any batch size.

    Yields:
        The positions, a range with a step.
    """
    for begin in range(start, max(num_samples - batch_size, 0) + 1, batch_size):
        yield range(begin + rank, min(begin + batch_size, num_samples), world_size)
