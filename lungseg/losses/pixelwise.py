"""Losses that judge each pixel alone, from logits, averaged over all pixels."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from lungseg.losses.over_ranks import Reduce, mean, this_rank
from lungseg.losses.precision import at_least_32_bits


def bce(
    logits: torch.Tensor,
    target: torch.Tensor,
    *,
    pos_weight: float = 1.0,
    reduce: Reduce = this_rank,
) -> torch.Tensor:
    """Binary cross-entropy.

    Args:
        logits: (b, 1, h, w).
        target: (b, 1, h, w), 0 to 1.
        pos_weight: How many background pixels a tumor pixel counts for.
        reduce: Sums over ranks.

    Returns:
        A scalar.
    """
    logits, target = at_least_32_bits(logits, target)
    weight = logits.new_full((), pos_weight)
    total = binary_cross_entropy_with_logits(logits, target, pos_weight=weight, reduction="sum")
    return mean(total, logits.numel(), reduce=reduce)


def focal(
    logits: torch.Tensor,
    target: torch.Tensor,
    *,
    gamma: float = 2.0,
    pos_weight: float = 1.0,
    reduce: Reduce = this_rank,
) -> torch.Tensor:
    """Cross-entropy in which a pixel counts less the better it is known (arXiv 1708.02002, eq. 4).

    A pixel's cross-entropy is multiplied by the gamma-th power of the probability that the net
    gives to what the pixel is not. The power is taken of logarithms: of a saturated probability,
    for gamma below 1, it would have no gradient.

    Args:
        logits: (b, 1, h, w).
        target: (b, 1, h, w), 0 to 1.
        gamma: The power, at least 0; 0 leaves the cross-entropy.
        pos_weight: How many background pixels a tumor pixel counts for.
        reduce: Sums over ranks.

    Returns:
        A scalar.
    """
    logits, target = at_least_32_bits(logits, target)
    log_tumor, log_background = logsigmoid(logits), logsigmoid(-logits)
    if_tumor = -log_tumor * torch.exp(gamma * log_background)
    if_background = -log_background * torch.exp(gamma * log_tumor)
    total = (pos_weight * target * if_tumor + (1 - target) * if_background).sum()
    return mean(total, logits.numel(), reduce=reduce)
