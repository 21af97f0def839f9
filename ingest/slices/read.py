"""One pass over an open case: its slices by the recipe, from the feet up, in constant memory."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from typing import IO

import cv2
import numpy as np
import numpy.typing as npt

from ingest.recipe import Recipe
from ingest.scans.planes import mask_planes
from ingest.slices.field import Field, slice_spacing_mm
from ingest.slices.opened import OpenCase
from ingest.slices.prepare import prepare_image, prepare_mask
from ingest.slices.tumor_count import TumorCount
from shards.errors import StoreError
from shards.record import Slice

Image = npt.NDArray[np.int16]
Mask = npt.NDArray[np.uint8]
LUNG_HU = -700
"""Healthy lung lies below, and every kind of tumor above, at least for the most part."""

Watch = Callable[[int, Image], object]


def read_slices(
    opened: OpenCase, recipe: Recipe, kept: range, take: Callable[[Slice], object], *, watch: Watch
) -> TumorCount:
    """Read a case once.

    Args:
        opened: The case.
        recipe: The recipe.
        kept: Canonical numbers of the slices that are kept.
        take: Called with each of them, in their order.
        watch: Called with the canonical number and the unclipped (height, width) HU of every plane,
            dropped ones too, in the order of the file.

    Returns:
        What became of the tumor.

    Raises:
        BadCaseError: If a file turns out to be damaged.
    """
    count = TumorCount()
    prepared = _prepared(opened, recipe, kept, count, watch)
    if opened.downwards:
        prepared = _reversed(prepared, recipe.size)
    spacing_mm = slice_spacing_mm(opened.grid, recipe)
    for z, image, mask in prepared:
        take(Slice(case=opened.case.name, z=z, image=image, mask=mask, spacing_mm=spacing_mm))
    return count


def _prepared(
    opened: OpenCase, recipe: Recipe, kept: range, count: TumorCount, watch: Watch
) -> Iterator[tuple[int, Image, Mask]]:
    """Yield (z, image, mask) of the kept slices, in the order of the file."""
    nothing = np.zeros((recipe.size, recipe.size), np.uint8)
    field = Field.of(opened.grid, recipe)
    for z, plane, mask in _planes(opened):
        watch(z, plane)
        voxels = 0 if mask is None else cv2.countNonZero(mask)
        count.airy += 0 if mask is None else int(np.count_nonzero(plane[mask != 0] < LUNG_HU))
        if z not in kept:
            count.dropped += voxels
            continue
        count.kept += voxels
        small = nothing if mask is None else prepare_mask(mask, recipe, field)
        if mask is not None:
            count.fit(voxels, outside=field.outside(mask), is_empty=not cv2.hasNonZero(small))
        yield z, prepare_image(plane, recipe, field), small


def _planes(opened: OpenCase) -> Iterator[tuple[int, Image, Mask | None]]:
    """Yield (z, HU, mask or None for an empty one) of every axial plane."""
    if opened.label is None:
        for z, plane in opened.planes():
            yield z, plane, None
    else:
        masks = mask_planes(opened.label, downwards=opened.downwards)
        for mask, (z, plane) in zip(masks, opened.planes(), strict=True):  # the plane is hot last
            yield z, plane, mask


def _reversed(
    slices: Iterator[tuple[int, Image, Mask]], size: int
) -> Iterator[tuple[int, Image, Mask]]:
    """Yield slices last to first, by way of a file, so that memory stays constant."""
    numbers: list[int] = []
    pixels = size * size
    with _spool() as spool:
        for z, image, mask in slices:
            numbers.append(z)
            spool.write(image.tobytes() + mask.tobytes())
        for place in range(len(numbers) - 1, -1, -1):
            spool.seek(place * 3 * pixels)
            data = spool.read(3 * pixels)
            image = np.frombuffer(data, np.int16, pixels).reshape(size, size)
            mask = np.frombuffer(data, np.uint8, pixels, 2 * pixels).reshape(size, size)
            yield numbers[place], image, mask


@contextlib.contextmanager
def _spool() -> Iterator[IO[bytes]]:
    try:
        with tempfile.TemporaryFile() as file:
            yield file
    except OSError as error:  # readers turn theirs into BadCaseError
        raise StoreError(
            f"the temporary folder {tempfile.gettempdir()} cannot be used ({error.strerror}): make "
            "room there, or set TMPDIR to another one"
        ) from error
