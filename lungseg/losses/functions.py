"""Losses on logits, in 32-bit floats whatever the precision of the net."""

from collections.abc import Callable

import torch
from torch import nn

SMOOTH = 1.0
"""Added above and below the fraction, so that a batch without tumor has a loss and a gradient."""

LossFunction = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def bce(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy, averaged over all pixels.

    Args:
        logits: (b, 1, h, w).
        target: (b, 1, h, w), 0 to 1.

    Returns:
        A scalar.
    """
    return nn.functional.binary_cross_entropy_with_logits(logits.float(), target.float())


def dice(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Soft Dice loss, 1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1), over the whole batch.

    Milletari et al. 2016 (arXiv 1606.04797), without the squares. The sums run over all slices
    of the batch together: taken per slice, a slice without tumor has loss 1 and no gradient.

    Args:
        logits: (b, 1, h, w).
        target: (b, 1, h, w), 0 to 1.

    Returns:
        A scalar, 0 for a perfect prediction.
    """
    probability, target = logits.float().sigmoid(), target.float()
    overlap = (probability * target).sum()
    return 1 - (2 * overlap + SMOOTH) / (probability.sum() + target.sum() + SMOOTH)


def bce_dice(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The sum of `bce` and `dice`."""
    return bce(logits, target) + dice(logits, target)


LOSS_FUNCTIONS: dict[str, LossFunction] = {"bce": bce, "dice": dice, "bce_dice": bce_dice}
