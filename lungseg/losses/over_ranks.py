"""Sums and means over the whole batch of a step, of which each rank has a share of any size."""

from collections.abc import Callable

import torch

Reduce = Callable[[torch.Tensor], torch.Tensor]
"""This rank's sums -> those of all ranks. Its gradient must be summed over ranks as well, as that
of `torch.distributed.nn.functional.all_reduce` is: what DDP then averages is that of one rank with
the whole batch."""


def this_rank(sums: torch.Tensor) -> torch.Tensor:
    """The `Reduce` of a training on one rank: the sums as they are."""
    return sums


def mean(total: torch.Tensor, count: int, *, reduce: Reduce) -> torch.Tensor:
    """The mean over all ranks, however many values each of them has.

    Args:
        total: The sum of this rank's values, a scalar.
        count: Their number.
        reduce: Sums over ranks.

    Returns:
        A scalar, the same on each rank.
    """
    sums = reduce(torch.stack([total, total.new_full((), count)]))
    return sums[0] / sums[1]
