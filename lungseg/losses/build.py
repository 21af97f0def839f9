"""The options of a training -> the loss they describe."""

from collections.abc import Callable
from functools import partial

import torch

from lungseg.losses.deep_supervision import LossFunction
from lungseg.losses.over_ranks import Reduce, this_rank
from lungseg.losses.overlap import dice, focal_tversky, tversky
from lungseg.losses.pixelwise import bce, focal
from lungseg.options.loss import Loss, LossOptions


def build_loss(options: LossOptions, *, reduce: Reduce = this_rank) -> LossFunction:
    """The loss of a training.

    Args:
        options: Its name and parameters.
        reduce: Sums over ranks: whatever share of the batch each has, the loss is that of all.

    Returns:
        (logits (b, 1, h, w), target (b, 1, h, w)) -> a scalar.
    """
    terms = [_TERMS[name](options, reduce) for name in _SUMS.get(options.loss, (options.loss,))]

    def loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.stack([term(logits, target) for term in terms]).sum()

    return loss


_SUMS: dict[Loss, tuple[Loss, ...]] = {
    "bce_dice": ("bce", "dice"),
    "dice_focal": ("dice", "focal"),
}


_TERMS: dict[Loss, Callable[[LossOptions, Reduce], LossFunction]] = {
    "bce": lambda options, reduce: partial(bce, pos_weight=options.pos_weight, reduce=reduce),
    "focal": lambda options, reduce: partial(
        focal, gamma=options.focal_gamma, pos_weight=options.pos_weight, reduce=reduce
    ),
    "dice": lambda _, reduce: partial(dice, reduce=reduce),
    "tversky": lambda options, reduce: partial(
        tversky, fp_weight=options.tversky_fp, fn_weight=options.tversky_fn, reduce=reduce
    ),
    "focal_tversky": lambda options, reduce: partial(
        focal_tversky,
        gamma=options.tversky_gamma,
        fp_weight=options.tversky_fp,
        fn_weight=options.tversky_fn,
        reduce=reduce,
    ),
}
