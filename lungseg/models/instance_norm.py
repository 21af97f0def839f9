"""Instance normalization that leaves features in the order in which they lie."""

from typing import Any

import torch
from torch import nn
from torch.autograd.function import Function, once_differentiable


class InstanceNorm(nn.InstanceNorm2d):
    """torch's, with its weights; of channels last on a processor faster.

    Instance normalization of one slice is batch normalization of a batch of one, for which torch
    has a kernel with channels last too. Its own puts channels first, and back, each time.
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(b, c, h, w) -> (b, c, h, w)."""
        if _lies_channels_last(features):
            normalized: torch.Tensor = _SliceBySlice.apply(  # type: ignore[no-untyped-call]
                features, self.weight, self.bias, self.eps
            )
            return normalized
        return super().forward(features)


def _lies_channels_last(features: torch.Tensor) -> bool:
    last = features.is_contiguous(memory_format=torch.channels_last)
    here = features.device.type == "cpu" and not torch.compiler.is_compiling()
    return last and here and not features.is_contiguous()


class _SliceBySlice(Function):
    @staticmethod
    def forward(
        ctx: Any, features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float
    ) -> torch.Tensor:
        result = torch.empty_like(features)
        statistics = weight.new_empty(2, len(features), len(weight))
        for number, one in enumerate(features.split(1)):  # type: ignore[no-untyped-call]
            torch.ops.aten.native_batch_norm.out(
                *(one, weight, bias, None, None, True, 0.0, eps),
                out=result[number : number + 1],
                save_mean=statistics[0, number],
                save_invstd=statistics[1, number],
            )
        ctx.save_for_backward(features, weight, statistics)
        ctx.eps = eps
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        features, weight, statistics = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        of_features = torch.empty_like(features)
        of_weights = weight.new_empty(2, len(features), len(weight))
        for number, one in enumerate(features.split(1)):
            mean, inverse = statistics[:, number]
            torch.ops.aten.native_batch_norm_backward.out(
                *(gradient[number : number + 1], one, weight, None, None, mean, inverse, True),
                *(ctx.eps, [True] * 3),
                out0=of_features[number : number + 1],
                out1=of_weights[0, number],
                out2=of_weights[1, number],
            )
        return of_features, *of_weights.sum(dim=1), None
