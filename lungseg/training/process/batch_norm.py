"""Batch normalization over the whole batch of a step, of which each rank has a share."""

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.modules._functions import SyncBatchNorm

from lungseg.errors import TrainingError
from lungseg.training.process.ranks import sum_over_ranks

_PIXELS = (0, 2, 3)
_ONE_VALUE = (
    "--norm batch has a single value of each channel to normalize, where a batch of one slice is "
    "left one pixel: raise --batch-size, or give another --norm"
)


class BatchNormOverRanks(nn.BatchNorm2d):
    """torch's, whose means are those of all ranks, on any device and for shares of any size.

    GPUs run what `torch.nn.SyncBatchNorm` runs, which knows no processors, and a rank alone torch's
    own.
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
        return self._on_gpus(features) if features.is_cuda else self._over_ranks(features)

    def _on_gpus(self, features: torch.Tensor) -> torch.Tensor:
        """One exchange each way, and the features kept as they are."""
        running = (self.running_mean, self.running_var)
        group, num_ranks = dist.group.WORLD, dist.get_world_size()
        normalized: torch.Tensor = SyncBatchNorm.apply(  # type: ignore[no-untyped-call]
            *(features, self.weight, self.bias, *running, self.eps, self._share_of_step()),
            *(group, num_ranks),
        )
        return normalized

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
