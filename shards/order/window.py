"""The draws of an epoch, arranged so that only a window of shards is needed at a time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """Which shard each training slice lies in, and how many shards are mixed at a time.

    The shards of an epoch are dealt out into windows; the draws that fall into a window come one
    after the other, in the order in which they were drawn. So inside a window the order is that of
    an exact draw from its shards, each shard is needed during one window only, and the multiset of
    draws is the same. All windows get nearly the same share of slices with tumor.

    Attributes:
        shard: (n,) int32, shard of each training slice.
        size: Most shards of a window.
    """

    shard: npt.NDArray[np.int32]
    size: int

    def arrange(
        self,
        drawn: npt.NDArray[np.int64],
        tumor: npt.NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> npt.NDArray[np.int64]:
        """Order the draws by window.

        Args:
            drawn: (d,) int64, positions among the training slices in the order of the draws.
            tumor: (n,) bool, which training slices show tumor.
            rng: Source of randomness.

        Returns:
            (d,) int64, the same positions, window by window.
        """
        shard = self.shard[drawn]
        num_draws = np.bincount(shard)
        num_tumor = np.bincount(shard[tumor[drawn]], minlength=len(num_draws))
        used = np.flatnonzero(num_draws)
        share = num_tumor.sum() / max(len(drawn), 1)
        window = np.zeros(len(num_draws), np.uint16)  # 16 bits are sorted in linear time
        window[used] = deal(num_tumor[used] - share * num_draws[used], self.size, rng)
        return drawn[np.argsort(window[shard], kind="stable")]


def deal(
    excess: npt.NDArray[np.float64], size: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Deal shards out into as few windows as possible, which differ by one shard at most.

    The shards are sorted by how much tumor they have in excess, and each group of neighbors in that
    order is spread over all windows, so that the windows are alike.

    Args:
        excess: (s,) per shard, draws with tumor beyond the share of the whole epoch.
        size: Most shards of a window.
        rng: Source of randomness.

    Returns:
        (s,) int64, window of each shard, 0-based.
    """
    num_windows = max(1, -(-len(excess) // size))
    group = np.empty(len(excess), np.int64)
    group[np.argsort(excess, kind="stable")] = np.arange(len(excess)) // num_windows
    window = np.empty(len(excess), np.int64)
    window[np.lexsort((rng.random(len(excess)), group))] = np.arange(len(excess)) % num_windows
    return window
