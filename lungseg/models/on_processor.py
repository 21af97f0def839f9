"""Layers without gradients on a processor, channels first: faster ways to torch's own values."""

import torch
from torch import nn


def pays(features: torch.Tensor) -> bool:
    """Whether a faster way is one for these features, and not the beginning of a graph."""
    is_graph = torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()
    on_processor = features.device.type == "cpu" and features.is_contiguous()
    return on_processor and not torch.is_grad_enabled() and not is_graph


def halved(features: torch.Tensor) -> torch.Tensor:
    """The largest of each 2 x 2 pixels: `max_pool2d(features, 2)`, bit for bit.

    Where channels come first, torch's own goes from number to number on a processor.

    Args:
        features: (b, c, h, w), h and w even.

    Returns:
        (b, c, h / 2, w / 2).
    """
    if not pays(features):
        return nn.functional.max_pool2d(features, 2)
    rows = torch.maximum(features[..., ::2, :], features[..., 1::2, :])
    return torch.maximum(rows[..., ::2], rows[..., 1::2])


def normalized(
    features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float
) -> torch.Tensor:
    """Instance normalization as that of groups of one channel, by torch's kernel for these.

    Args:
        features: (b, c, h, w).
        weight: (c,).
        bias: (c,).
        eps: As in `torch.nn.InstanceNorm2d`.

    Returns:
        (b, c, h, w), to the last bits of rounding.
    """
    kind, channels = features.dtype, features.shape[1]
    return nn.functional.group_norm(features, channels, weight.to(kind), bias.to(kind), eps)
