"""The probability of each voxel of a scan, as a file on the scan's own grid."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.slices.mask_file import mask_file
from ingest.slices.opened import OpenCase

Plane = npt.NDArray[np.float32]
_STEPS = 200  # of which 32 bits hold no more than the whole


@contextlib.contextmanager
def probability_of(
    opened: OpenCase, kept: range, target: Path | None
) -> Iterator[Callable[[Plane], object]]:
    """Open the file of a scan's probabilities for writing; memory does not grow with the slices.

    Args:
        opened: The scan.
        kept: Canonical numbers of the slices that are read; all others are 0.
        target: `.nii.gz`, or None where nobody asks for it.

    Yields:
        A function that takes the (height, width) probabilities of each slice that is read, in the
        order of `opened.numbers`.

    Raises:
        OSError: If it cannot be written.
    """
    if target is None:
        yield lambda _: None
        return
    width, height, _ = opened.grid.canonical().shape
    unread = np.zeros((height, width), np.uint8)
    numbers = iter(opened.numbers)
    with mask_file(opened, target, unit=1 / _STEPS) as put:

        def add(plane: Plane) -> None:
            while next(numbers) not in kept:
                put(unread)
            put(np.rint(plane * _STEPS).astype(np.uint8))

        yield add
        for _ in numbers:
            put(unread)
