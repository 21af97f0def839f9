"""Losses that judge a whole batch by the overlap of prediction and truth, from logits.

The sums run over all slices of the batch together, and over those of all ranks where a `reduce` is
given: taken per slice, a slice without tumor has loss 1 and no gradient.
"""

import torch

from lungseg.losses.over_ranks import Reduce, this_rank
from lungseg.losses.precision import at_least_32_bits

SMOOTH = 0.5
"""Pixels added above and below the fraction: a batch without tumor has a loss and a gradient."""
_NEAREST_TO_0 = 1e-6


def tversky(
    logits: torch.Tensor,
    target: torch.Tensor,
    *,
    fp_weight: float = 0.3,
    fn_weight: float = 0.7,
    reduce: Reduce = this_rank,
) -> torch.Tensor:
    """Tversky loss, 1 - (TP + s) / (TP + a FP + b FN + s), s is `SMOOTH` (arXiv 1706.05721, eq. 4).

    TP is the sum over pixels of p t, FP of p (1 - t), FN of (1 - p) t, with probability p and
    target t.

    Args:
        logits: (b, 1, h, w).
        target: (b, 1, h, w), 0 to 1.
        fp_weight: The weight a of what is taken for tumor and is none.
        fn_weight: The weight b of tumor that is not found.
        reduce: Sums over ranks.

    Returns:
        A scalar from 0 to 1, 0 for a perfect prediction.
    """
    logits, target = at_least_32_bits(logits, target)
    probability = logits.sigmoid()
    sums = (probability * target, probability * (1 - target), (1 - probability) * target)
    tp, fp, fn = reduce(torch.stack([part.sum() for part in sums]))
    index: torch.Tensor = (tp + SMOOTH) / (tp + fp_weight * fp + fn_weight * fn + SMOOTH)
    return 1 - index


def dice(logits: torch.Tensor, target: torch.Tensor, *, reduce: Reduce = this_rank) -> torch.Tensor:
    """Soft Dice loss, 1 - (2 TP + 1) / (2 TP + FP + FN + 1) (arXiv 1606.04797, without squares).

    Args:
        logits: (b, 1, h, w).
        target: (b, 1, h, w), 0 to 1.
        reduce: Sums over ranks.

    Returns:
        A scalar from 0 to 1, 0 for a perfect prediction.
    """
    return tversky(logits, target, fp_weight=0.5, fn_weight=0.5, reduce=reduce)


def focal_tversky(
    logits: torch.Tensor,
    target: torch.Tensor,
    *,
    gamma: float = 4 / 3,
    fp_weight: float = 0.3,
    fn_weight: float = 0.7,
    reduce: Reduce = this_rank,
) -> torch.Tensor:
    """The Tversky loss to the power 1 / gamma, steeper where little is left (arXiv 1810.07842).

    Args:
        logits: (b, 1, h, w).
        target: (b, 1, h, w), 0 to 1.
        gamma: Above 0; 1 leaves the Tversky loss.
        fp_weight: As in `tversky`.
        fn_weight: As in `tversky`.
        reduce: Sums over ranks.

    Returns:
        A scalar from 0 to 1.
    """
    loss = tversky(logits, target, fp_weight=fp_weight, fn_weight=fn_weight, reduce=reduce)
    return loss.clamp_min(_NEAREST_TO_0).pow(1 / gamma)  # at 0 the root has no gradient
