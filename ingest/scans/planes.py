"""A volume in stored axes -> its axial planes in canonical axes, in either direction."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ingest.scans.geometry import Grid, to_canonical
from ingest.scans.volume import Volume, whole


def stored_downwards(grid: Grid) -> bool:
    """Whether the axial planes lie from head to feet in the file."""
    return grid.streams and grid.axes[2][1]


def axial_planes(volume: Volume, *, downwards: bool) -> Iterator[npt.NDArray[np.int16]]:
    """Yield the axial planes of a scan.

    Planes come straight from the stream where the file has them in the order asked for; otherwise
    the volume is first read whole.

    Args:
        volume: The scan.
        downwards: From the head to the feet instead of from the feet up.

    Yields:
        (height, width) planes, rows posterior to anterior, columns left to right, C-contiguous;
        the memory may be reused for the next plane.
    """
    if volume.grid.streams and stored_downwards(volume.grid) == downwards:
        for slab in volume.slabs():
            yield _oriented(slab, volume.grid)
    else:
        yield from _planes_of_whole(volume, np.int16, downwards)


def mask_planes(volume: Volume, *, downwards: bool) -> Iterator[npt.NDArray[np.uint8] | None]:
    """Yield the axial planes of a mask like `axial_planes`; None for a plane without tumor."""
    if volume.grid.streams and stored_downwards(volume.grid) == downwards:
        for slab in volume.slabs():
            yield _oriented(slab, volume.grid) if cv2.hasNonZero(slab) else None
    else:
        for plane in _planes_of_whole(volume, np.uint8, downwards):
            yield plane if cv2.hasNonZero(plane) else None


def _planes_of_whole(
    volume: Volume, dtype: npt.DTypeLike, downwards: bool
) -> Iterator[npt.NDArray[Any]]:
    array = to_canonical(whole(volume, dtype), volume.grid)
    for plane in np.moveaxis(array, 2, 0)[:: -1 if downwards else 1]:
        yield np.ascontiguousarray(plane.T)


def _oriented(slab: npt.NDArray[Any], grid: Grid) -> npt.NDArray[Any]:
    """Turn a stored (j, i) slab into a canonical (y, x) plane."""
    (axis_i, flip_i), (_, flip_j), _ = grid.axes
    if axis_i == 1:
        slab, flip_i, flip_j = cv2.transpose(slab), flip_j, flip_i
    if flip_i or flip_j:
        slab = cv2.flip(slab, -1 if flip_i and flip_j else int(flip_i))
    return slab


def stored_slab(plane: npt.NDArray[Any], grid: Grid) -> npt.NDArray[Any]:
    """Turn a canonical (y, x) plane into a slab (j, i) as `Volume.slabs` has it: C-contiguous."""
    (axis_i, flip_i), (_, flip_j), _ = grid.axes
    if axis_i == 1:
        flip_i, flip_j = flip_j, flip_i
    if flip_i or flip_j:
        plane = cv2.flip(plane, -1 if flip_i and flip_j else int(flip_i))
    return np.ascontiguousarray(plane.T if axis_i == 1 else plane)
