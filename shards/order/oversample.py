"""How likely slices with tumor are drawn, and what share of the draws they are."""

from typing import Literal

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float64]


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
