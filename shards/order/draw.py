"""Which slices an epoch draws, in which order: positions among the training slices."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

Draw = Literal["weighted", "balanced"]

MAX_CATEGORIES = 2**24  # torch.multinomial refuses more


def weighted(
    tumor: npt.NDArray[np.bool_], oversample: float, generator: torch.Generator
) -> npt.NDArray[np.int64]:
    """Draw with replacement, as many slices as there are.

    Bit-equal to `torch.utils.data.WeightedRandomSampler(sample_weights(...), n, generator=...)`.
    Where torch cannot draw from that many slices: the same distribution, in two steps.

    Args:
        tumor: (n,) bool, which slices show tumor.
        oversample: How many times as likely a slice with tumor is drawn as one without.
        generator: Source of randomness.

    Returns:
        (n,) int64 positions.
    """
    if len(tumor) > MAX_CATEGORIES:
        return class_first(tumor, oversample, generator)
    weights = torch.as_tensor(sample_weights(tumor, oversample))
    return torch.multinomial(weights, len(tumor), True, generator=generator).numpy()


def class_first(
    tumor: npt.NDArray[np.bool_], oversample: float, generator: torch.Generator
) -> npt.NDArray[np.int64]:
    """Draw with replacement: first with tumor or without, then which slice of that kind."""
    share = tumor_share(tumor, oversample)
    with_tumor = torch.rand(len(tumor), generator=generator, dtype=torch.float64).numpy() < share
    drawn = np.empty(len(tumor), np.int64)
    for wanted, kind in ((~with_tumor, ~tumor), (with_tumor, tumor)):
        members = np.flatnonzero(kind)
        picks = torch.randint(max(len(members), 1), (int(wanted.sum()),), generator=generator)
        drawn[wanted] = members[picks.numpy()]
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


def oversample_ratio(oversample: float | Literal["auto"], tumor: npt.NDArray[np.bool_]) -> float:
    """How many times as likely a slice with tumor shall be drawn.

    Args:
        oversample: A ratio, or `auto` for n_without / n_with: half of the draws show tumor.
        tumor: (n,) bool.

    Returns:
        The ratio; 1 for `auto` where all slices are of one kind.
    """
    if oversample != "auto":
        return float(oversample)
    num_tumor = int(np.count_nonzero(tumor))
    return (len(tumor) - num_tumor) / num_tumor if 0 < num_tumor < len(tumor) else 1.0


def tumor_share(tumor: npt.NDArray[np.bool_], oversample: float) -> float:
    """Expected share of the draws that show tumor."""
    weight = oversample * np.count_nonzero(tumor)
    total = weight + np.count_nonzero(~tumor)
    return float(weight / total) if total else 0.0


def sample_weights(tumor: npt.NDArray[np.bool_], oversample: float) -> npt.NDArray[np.float64]:
    """(n,) weights of the draw: `oversample` for a slice with tumor, 1 for one without."""
    return np.where(tumor, float(oversample), 1.0)


def _stretch(
    members: npt.NDArray[np.int64], count: int, *, seed: int, epoch: int
) -> npt.NDArray[np.int64]:
    if not count:
        return members[:0]
    circle = np.random.default_rng(seed).permutation(members)
    begin = epoch * count % len(circle)
    return np.take(circle, np.arange(begin, begin + count), mode="wrap")
