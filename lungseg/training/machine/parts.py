"""A batch through a net in parts, with the memory of one and the gradient of the whole."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

Logits = torch.Tensor | Sequence[torch.Tensor]


def in_parts(net: nn.Module, image: torch.Tensor, *, num_parts: int) -> Logits:
    """What a net says of a batch, of which it keeps one part at a time for the way back.

    The other parts go through it once more when their gradient is wanted. As the logits are those
    of the whole batch, so is any loss of them, one of sums over the batch included; a net that
    mixes the slices of a batch, as batch normalization does, mixes those of a part.

    Args:
        net: Maps (b, channels, h, w) to (b, 1, h, w), or to a sequence of such.
        image: (b, channels, h, w).
        num_parts: Into how many the batch is cut, if it has as many slices.

    Returns:
        As the net for the whole batch.
    """
    *first, last = image.tensor_split(min(num_parts, len(image)))
    outputs = [checkpoint(net, part, use_reentrant=False) for part in first]
    outputs.append(net(last))
    if isinstance(outputs[0], torch.Tensor):
        return torch.cat(outputs)
    return [torch.cat(level) for level in zip(*outputs, strict=True)]
