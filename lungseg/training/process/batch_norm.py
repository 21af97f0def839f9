"""Batch normalization over the whole batch of a step, of which each rank has a share."""

from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.autograd.function import Function, once_differentiable

from lungseg.errors import TrainingError
from lungseg.training.process.ranks import sum_over_ranks

_PIXELS = (0, 2, 3)
_ONE_VALUE = (
    "--norm batch has a single value of each channel to normalize, where a batch of one slice is "
    "left one pixel: raise --batch-size, or give another --norm"
)


class BatchNormOverRanks(nn.BatchNorm2d):
    """torch's, whose means are those of all ranks, on any device and for shares of any size.

    GPUs run the kernels of `torch.nn.SyncBatchNorm`, which knows no processors, and a rank alone
    torch's own.
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(b, c, h, w) -> (b, c, h, w); in training every rank must call it.

        Raises:
            TrainingError: If in training there is a single value of each channel.
        """
        if not self.training or features.is_meta:
            return super().forward(features)
        num_ranks = dist.get_world_size() if dist.is_initialized() else 1
        if num_ranks * features[:, 0].numel() == 1:
            raise TrainingError(_ONE_VALUE)
        if num_ranks == 1:
            return super().forward(features)
        if not features.is_cuda:
            return self._over_ranks(features)
        normalized: torch.Tensor = self._on_gpus(features)
        return normalized

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _on_gpus(self, features: torch.Tensor) -> torch.Tensor:
        """By kernels that a compiler of nets does not know."""
        running = (self.running_mean, self.running_var)
        normalized: torch.Tensor = _OnGpus.apply(  # type: ignore[no-untyped-call]
            features, self.weight, self.bias, *running, self.eps, self._share_of_step()
        )
        return normalized

    def _over_ranks(self, features: torch.Tensor) -> torch.Tensor:
        wide = features.float()
        num_pixels = wide.new_full((1,), wide.numel() // wide.shape[1])
        sums = sum_over_ranks(torch.cat([wide.sum(_PIXELS), num_pixels]))
        count = sums[-1].detach()
        mean = sums[:-1] / count
        centered = wide - mean[:, None, None]
        variance = sum_over_ranks(centered.square().sum(_PIXELS)) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = torch.rsqrt(variance + self.eps)
        normalized = centered * scale[:, None, None]
        if self.affine:
            normalized = normalized * self.weight[:, None, None] + self.bias[:, None, None]
        return normalized.to(features.dtype)

    def _remember(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        share = self._share_of_step()
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)

    def _share_of_step(self) -> float:
        """What a step adds to the running means; it is counted."""
        if self.num_batches_tracked is None:
            return 0.0
        self.num_batches_tracked += 1
        return self.momentum if self.momentum is not None else 1 / int(self.num_batches_tracked)


class _OnGpus(Function):
    """One exchange each way, and the features kept as they are.

    As `SyncBatchNorm` of torch, but for ranks that all have slices: it looks for those that have
    none, and waits for the GPU to tell.
    """

    @staticmethod
    def forward(
        ctx: Any,
        features: torch.Tensor,
        weight: torch.Tensor | None,
        bias: torch.Tensor | None,
        running_mean: torch.Tensor | None,
        running_var: torch.Tensor | None,
        eps: float,
        share: float,
    ) -> torch.Tensor:
        features = _dense(features)
        num_channels = features.shape[1]
        here = torch.batch_norm_stats(features, eps)
        count = here[0].new_full((1,), features.numel() // num_channels)
        of_ranks = _gathered(torch.cat([*here, count]))
        means, scales, counts = torch.split(of_ranks, [num_channels, num_channels, 1], dim=1)
        mean, scale = torch.batch_norm_gather_stats_with_counts(
            *(features, means, scales, running_mean, running_var, share, eps),
            counts.reshape(-1),
        )
        ctx.save_for_backward(features, weight, mean, scale, counts.reshape(-1).to(torch.int32))
        return torch.batch_norm_elemt(features, weight, bias, mean, scale, eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        features, weight, mean, scale, counts = ctx.saved_tensors
        gradient = _dense(gradient)
        wanted = ctx.needs_input_grad[1:3]
        *sums, of_weight, of_bias = torch.batch_norm_backward_reduce(
            *(gradient, features, mean, scale, weight, True), *wanted
        )
        summed = torch.stack(sums)
        dist.all_reduce(summed)
        of_features = torch.batch_norm_backward_elemt(
            gradient, features, mean, scale, weight, summed[0], summed[1], counts
        )
        of_both = (of_weight if wanted[0] else None, of_bias if wanted[1] else None)
        return of_features, *of_both, None, None, None, None


def _dense(features: torch.Tensor) -> torch.Tensor:
    """As they are where channels lie first or last, else with channels first."""
    last = features.is_contiguous(memory_format=torch.channels_last)
    return features if last else features.contiguous()


def _gathered(values: torch.Tensor) -> torch.Tensor:
    """(n,) values of this rank -> (ranks, n) those of all."""
    of_ranks = [torch.empty_like(values) for _ in range(dist.get_world_size())]
    dist.all_gather(of_ranks, values)
    return torch.stack(of_ranks)


def over_ranks(net: nn.Module) -> nn.Module:
    """Have the batch normalizations of a net take their means over all ranks.

    Args:
        net: Any net; its `nn.BatchNorm2d` are replaced in place.

    Returns:
        The net, or what replaces it.
    """
    if type(net) is nn.BatchNorm2d:
        return _replaced(net)
    for name, child in net.named_children():
        setattr(net, name, over_ranks(child))
    return net


def _replaced(norm: nn.BatchNorm2d) -> BatchNormOverRanks:
    replaced = BatchNormOverRanks(
        norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats
    )
    replaced.load_state_dict(norm.state_dict())
    return replaced
