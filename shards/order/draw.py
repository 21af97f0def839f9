"""Which slices an epoch draws, in which order: positions among the training slices."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

Draw = Literal["weighted", "balanced"]

Weights = npt.NDArray[np.float64]

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


def oversample_ratio(
    oversample: float | Literal["auto"],
    tumor: npt.NDArray[np.bool_],
    own: Weights | None = None,
) -> float:
    """How many times as likely a slice with tumor shall be drawn.

    Args:
        oversample: A ratio, or `auto` for n_without / n_with: half of the draws show tumor.
        tumor: (n,) bool.
        own: (n,) factors of the slices' own, which then are counted instead; None: 1 for all.

    Returns:
        The ratio; 1 for `auto` where all slices are of one kind.
    """
    if oversample != "auto":
        return float(oversample)
    without, with_tumor = _sums(tumor, own)
    return without / with_tumor if without and with_tumor else 1.0


def tumor_share(
    tumor: npt.NDArray[np.bool_], oversample: float, own: Weights | None = None
) -> float:
    """Expected share of the draws that show tumor."""
    without, with_tumor = _sums(tumor, own)
    total = oversample * with_tumor + without
    return oversample * with_tumor / total if total else 0.0


def sample_weights(
    tumor: npt.NDArray[np.bool_], oversample: float, own: Weights | None = None
) -> Weights:
    """(n,) weights of the draw: `oversample` with tumor, 1 without, times the slices' own."""
    weights = np.where(tumor, float(oversample), 1.0)
    return weights if own is None else weights * own


def _sums(tumor: npt.NDArray[np.bool_], own: Weights | None) -> tuple[float, float]:
    """What slices without tumor, and those with it, weigh together."""
    weights = np.ones(len(tumor)) if own is None else own
    return float(weights[~tumor].sum()), float(weights[tumor].sum())


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
