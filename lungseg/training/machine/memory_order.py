"""The order in which a net's features lie in memory: channel after channel, or channels last."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from lungseg.models.unet import UNet

_FASTER = ("instance", "batch", "none")
"""Normalizations with which channels last were measured to be faster on a processor."""


def order_memory(net: nn.Module, options: Mapping[str, Any], device: torch.device) -> None:
    """Lay out a net's weights; its features follow them. A checkpoint is the same either way.

    Args:
        net: The net of a training.
        options: The options of the training by their names.
        device: Where it trains.
    """
    wanted = options["channels_last"]
    pays = device.type == "cpu" and isinstance(net, UNet) and options["norm"] in _FASTER
    if wanted == "yes" or (wanted == "auto" and pays):
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def plain_copy(net: nn.Module) -> nn.Module:
    """A copy in the order that prediction uses, for the same bits as there."""
    plain: nn.Module = copy.deepcopy(net).to(
        memory_format=torch.contiguous_format  # type: ignore[call-overload]
    )
    return plain
