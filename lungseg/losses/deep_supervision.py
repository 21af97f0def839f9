"""One loss of logits at several resolutions."""

from collections.abc import Callable, Sequence

import torch
from torch.nn.functional import avg_pool2d

LossFunction = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def level_weights(num_levels: int) -> list[float]:
    """Weights of the levels, finest first: each half of the one before, 1 together."""
    halved = [0.5**level for level in range(num_levels)]
    return [weight / sum(halved) for weight in halved]


def at_all_levels(
    loss: LossFunction, logits: torch.Tensor | Sequence[torch.Tensor], target: torch.Tensor
) -> torch.Tensor:
    """The weighted mean of a loss over what a net says at one or several resolutions.

    Targets are averaged over the pixels that a coarse one covers, so that small tumors fade
    instead of vanishing.

    Args:
        loss: The loss of one level.
        logits: (b, 1, h, w), or a sequence of which each has half the height and width of the one
            before, rounded up.
        target: (b, 1, h, w), 0 to 1, for the first of them.

    Returns:
        A scalar.
    """
    if isinstance(logits, torch.Tensor):
        return loss(logits, target)
    total = logits[0].new_zeros((), dtype=torch.float32)
    for level, weight in enumerate(level_weights(len(logits))):
        covered = target if level == 0 else avg_pool2d(target.float(), 2**level, ceil_mode=True)
        total = total + weight * loss(logits[level], covered)
    return total
