"""Sums over the ranks of a training, with and without their gradient."""

from typing import Any

import torch
import torch.distributed as dist
from torch.autograd.function import Function


def sum_over_ranks(values: torch.Tensor) -> torch.Tensor:
    """Sum each rank's values; every rank must call it.

    The gradient is summed over ranks as well: what DDP then averages is the gradient that one rank
    with the whole batch would have.

    Args:
        values: Of this rank, the same shape on each.

    Returns:
        Their sums, the same on each rank; on one rank the values.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return values
    summed: torch.Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return summed


def mean_over_ranks(values: torch.Tensor) -> torch.Tensor:
    """The mean over ranks, without gradient; every rank must call it."""
    num_ranks = dist.get_world_size() if dist.is_initialized() else 1
    return sum_over_ranks(values.detach()) / num_ranks


class _Sum(Function):
    """An all-reduce whose gradient is an all-reduce."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return _summed(values)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return _summed(gradients[0])


def _summed(values: torch.Tensor) -> torch.Tensor:
    values = values.clone()
    dist.all_reduce(values)
    return values
