"""Batch normalization over the whole batch of a step, of which each rank has a share."""

import torch
import torch.distributed as dist
from torch import nn

from lungseg.training.process.ranks import sum_over_ranks

_PIXELS = (0, 2, 3)


class BatchNormOverRanks(nn.BatchNorm2d):
    """torch's, whose means are those of all ranks, on any device and for shares of any size.

    `torch.nn.SyncBatchNorm` does not run on processors. A rank alone runs torch's own.
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(b, c, h, w) -> (b, c, h, w); in training every rank must call it."""
        if self.training and dist.is_initialized() and dist.get_world_size() > 1:
            return self._over_ranks(features)
        return super().forward(features)

    def _over_ranks(self, features: torch.Tensor) -> torch.Tensor:
        wide = features.float()
        num_pixels = wide.new_tensor([wide.numel() // wide.shape[1]])
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
        if (
            self.running_mean is None
            or self.running_var is None
            or self.num_batches_tracked is None
        ):
            return
        self.num_batches_tracked += 1
        share = self.momentum if self.momentum is not None else 1 / int(self.num_batches_tracked)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


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
