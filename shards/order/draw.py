"""Which slices an epoch draws, in which order: positions among the training slices."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from shards.order.oversample import Weights, sample_weights, tumor_share

Draw = Literal["weighted", "balanced"]

MAX_CATEGORIES = 2**24  # torch.multinomial refuses more


def weighted(
    tumor: npt.NDArray[np.bool_],
    oversample: float,
    generator: torch.Generator,
    own: Weights | None = None,
) -> npt.NDArray[np.int64]:
    """Draw with replacement, as many slices as there are.

    Bit-equal to `torch.utils.data.WeightedRandomSampler(sample_weights(...), n, generator=...)`.
    Where torch cannot draw from that many slices: the same distribution, in two steps.

    Args:
        tumor: (n,) bool, which slices show tumor.
        oversample: How many times as likely a slice with tumor is drawn as one without.
        generator: Source of randomness.
        own: (n,) factors of the slices' own; None: 1 for all.

    Returns:
        (n,) int64 positions.
    """
    if len(tumor) > MAX_CATEGORIES:
        return class_first(tumor, oversample, generator, own)
    weights = torch.as_tensor(sample_weights(tumor, oversample, own))
    return torch.multinomial(weights, len(tumor), True, generator=generator).numpy()


def class_first(
    tumor: npt.NDArray[np.bool_],
    oversample: float,
    generator: torch.Generator,
    own: Weights | None = None,
) -> npt.NDArray[np.int64]:
    """Draw with replacement: first with tumor or without, then which slice of that kind."""
    share = tumor_share(tumor, oversample, own)
    with_tumor = torch.rand(len(tumor), generator=generator, dtype=torch.float64).numpy() < share
    drawn = np.empty(len(tumor), np.int64)
    for wanted, kind in ((~with_tumor, ~tumor), (with_tumor, tumor)):
        members = np.flatnonzero(kind)
        weights = None if own is None else own[members]
        drawn[wanted] = members[_picks(int(wanted.sum()), len(members), generator, weights)]
    return drawn


def balanced(
    tumor: npt.NDArray[np.bool_], oversample: float, *, seed: int, epoch: int
) -> npt.NDArray[np.int64]:
    """Draw without replacement: the same number of slices with tumor in every epoch.

    Each kind of slice lies on a circle, in an order shuffled once, and an epoch takes the next
    stretch of it. So in one epoch, and in all epochs up to it, any two slices of a kind were drawn
    equally often or once more.

    Args:
        tumor: (n,) bool, which slices show tumor.
        oversample: How many times as likely a slice with tumor is drawn as one without.
        seed: Seed of all orders.
        epoch: 0-based epoch.

    Returns:
        (n,) int64 positions, shuffled.
    """
    num_tumor = round(len(tumor) * tumor_share(tumor, oversample))
    drawn = np.concatenate(
        [
            _stretch(np.flatnonzero(~tumor), len(tumor) - num_tumor, seed=seed, epoch=epoch),
            _stretch(np.flatnonzero(tumor), num_tumor, seed=seed, epoch=epoch),
        ]
    )
    np.random.default_rng([seed, epoch]).shuffle(drawn)
    return drawn


def _picks(
    count: int, size: int, generator: torch.Generator, weights: Weights | None
) -> npt.NDArray[np.int64]:
    """So many positions below a size, with replacement, by their weights."""
    if weights is None:
        return torch.randint(max(size, 1), (count,), generator=generator).numpy()
    ends = np.cumsum(weights)
    places = torch.rand(count, generator=generator, dtype=torch.float64).numpy()
    found: npt.NDArray[np.int64] = np.searchsorted(ends, places * ends[-1:].sum(), side="right")
    return found


def _stretch(
    members: npt.NDArray[np.int64], count: int, *, seed: int, epoch: int
) -> npt.NDArray[np.int64]:
    if not count:
        return members[:0]
    circle = np.random.default_rng(seed).permutation(members)
    begin = epoch * count % len(circle)
    return np.take(circle, np.arange(begin, begin + count), mode="wrap")
