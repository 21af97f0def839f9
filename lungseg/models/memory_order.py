"""The order in which a net's features lie in memory: channel after channel, or channels last."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from lungseg.models.unet import UNet

_LEARN_FASTER = ("instance", "batch", "none")
"""Normalizations with which trainings with channels last were measured to be faster on a
processor; predictions are with every one."""


def order_memory(net: nn.Module, options: Mapping[str, Any], device: torch.device) -> None:
    """Lay out a net's weights; its features follow them. A checkpoint is the same either way.

    Args:
        net: The net of a training.
        options: The options of the training by their names.
        device: Where it trains.
    """
    wanted = options["channels_last"]
    pays = device.type == "cpu" and isinstance(net, UNet) and options["norm"] in _LEARN_FASTER
    if wanted == "yes" or (wanted == "auto" and pays):
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def order_for_prediction(net: nn.Module, device: torch.device) -> nn.Module:
    """Lay out a net's weights as they lie when it predicts, however it was trained.

    Scores in a training are of this order too, for the same bits as there.

    Args:
        net: Any net; one of the user's own is laid out plainly.
        device: Where it predicts.

    Returns:
        The net.
    """
    last = device.type == "cpu" and isinstance(net, UNet)
    order = torch.channels_last if last else torch.contiguous_format
    return net.to(memory_format=order)  # type: ignore[call-overload,no-any-return]
