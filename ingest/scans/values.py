"""Numbers of any type, as a file holds them -> HU, or the 0 and 1 of a mask."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError

_LABEL_TOLERANCE = 1e-3

Values = npt.NDArray[Any]


def to_hu(values: Values, *, path: Path, fill_nan: int | None) -> tuple[npt.NDArray[np.int16], int]:
    """Round to the nearest integer and hold within int16.

    Args:
        values: Of one slab.
        path: The file, for messages.
        fill_nan: HU for voxels that are NaN or infinite; None refuses them.

    Returns:
        HU in a new array, and how many voxels were given `fill_nan`.

    Raises:
        BadCaseError: If voxels are NaN or infinite and have no HU to be given.
    """
    filled = 0
    if values.dtype.kind == "f":
        values, filled = _filled(values, path, fill_nan)
        values = np.rint(values)
    return _narrow(values), filled


def to_mask(values: Values, *, path: Path, tumor_labels: Sequence[int]) -> npt.NDArray[np.uint8]:
    """Say what is tumor.

    Args:
        values: Of one slab.
        path: The file, for messages.
        tumor_labels: Values that are tumor, all other whole numbers are background; empty accepts
            only 0 and 1. All to within 0.001.

    Returns:
        0 background, 1 tumor, in a new array.

    Raises:
        BadCaseError: If there are other values.
    """
    labels = _whole(values, path) if values.dtype.kind == "f" else values
    if tumor_labels:
        return np.isin(labels, tuple(tumor_labels)).astype(np.uint8)
    odd = values[~np.isin(labels, (0, 1))]
    _refuse(odd, path, "0 and 1 only", "say which values are tumor with --tumor-labels")
    return labels.astype(np.uint8)


def _filled(values: Values, path: Path, fill_nan: int | None) -> tuple[Values, int]:
    finite = np.isfinite(values)
    if finite.all():
        return values, 0
    count = int(np.count_nonzero(~finite))
    if fill_nan is None:
        raise BadCaseError(
            f"{path}: HU must be finite, found {count} NaN or infinite voxels in one slice: repair "
            "the scan, or give them a value with --fill-nan"
        )
    return np.where(finite, values, fill_nan), count


def _narrow(values: Values) -> npt.NDArray[np.int16]:
    """As int16; what is beyond it becomes the nearest int16."""
    if np.can_cast(values.dtype, np.int16):
        return values.astype(np.int16)
    limits = np.iinfo(np.int16)
    low = 0 if values.dtype.kind == "u" else limits.min
    narrow: npt.NDArray[np.int16] = np.clip(values, low, limits.max).astype(np.int16)
    return narrow


def _whole(values: Values, path: Path) -> Values:
    labels: Values = np.rint(values)
    with np.errstate(invalid="ignore"):  # infinite values
        are_whole = np.abs(values - labels) <= _LABEL_TOLERANCE
    _refuse(values[~are_whole], path, "whole numbers, to within 0.001", "draw the mask anew")
    return labels


def _refuse(odd: Values, path: Path, rule: str, advice: str) -> None:
    if odd.size:
        found = ", ".join(f"{value:g}" for value in np.unique(odd)[:5])
        raise BadCaseError(f"{path}: a mask holds {rule}, found {found}: {advice}")
