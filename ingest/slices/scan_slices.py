"""A scan -> the slices a model sees."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.scans.geometry import Grid
from ingest.slices.field import Field
from ingest.slices.kept import kept_slices
from ingest.slices.opened import OpenCase, open_case
from ingest.slices.prepare import prepare_image

Image = npt.NDArray[np.int16]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ScanSlices:
    """A scan as the model sees it.

    Attributes:
        grid: The scan's own grid, as stored.
        z: Canonical numbers of the kept slices, from the feet.
        images: (n, size, size) int16 HU, clipped.
        field: What they show of the scan's axial planes.
        num_slices: Axial slices of the scan.
    """

    grid: Grid
    z: list[int]
    images: Image
    field: Field
    num_slices: int


def load_scan(scan: Path | Case | OpenCase, recipe: Recipe) -> ScanSlices:
    """Read a scan for prediction, exactly as a build reads it for training.

    Args:
        scan: A file, a folder with one DICOM series, a case, or one that is open; its label is
            not read.
        recipe: The recipe.

    Raises:
        BadCaseError: If a file is damaged, or the recipe drops every slice.
    """
    return load_views(scan, [recipe])[0]


def load_views(
    scan: Path | Case | OpenCase,
    recipes: Sequence[Recipe],
    *,
    watch: Callable[[int, Image], object] | None = None,
) -> list[ScanSlices]:
    """Read a scan once, and prepare it by several recipes.

    A recipe that drops by the lungs reads the scan once more, to find them.

    Args:
        scan: As in `load_scan`.
        recipes: The recipes, at least one; voxels without a number are given what the first says.
        watch: Called with the canonical number and the unclipped (height, width) HU of each plane.

    Returns:
        What each recipe makes of the scan, in their order.

    Raises:
        BadCaseError: If a file is damaged, or a recipe drops every slice.
    """
    if isinstance(scan, Path):
        scan = Case(name="scan", image=scan, label=None, patient="scan")
    if isinstance(scan, Case):
        scan = open_case(dataclasses.replace(scan, label=None), recipes[0])
    kept = [kept_slices(scan, recipe) for recipe in recipes]
    fields = [Field.of(scan.grid, recipe) for recipe in recipes]
    stacks = [
        np.empty((len(numbers), recipe.size, recipe.size), np.int16)
        for recipe, numbers in zip(recipes, kept, strict=True)
    ]
    for z, plane in scan.planes():
        if watch:
            watch(z, plane)
        for recipe, field, numbers, images in zip(recipes, fields, kept, stacks, strict=True):
            if z in numbers:  # preparing writes into the plane
                own = plane.copy() if len(recipes) > 1 else plane
                images[numbers.index(z)] = prepare_image(own, recipe, field)
    num_slices = len(scan.numbers)
    return [
        ScanSlices(
            grid=scan.grid, z=list(numbers), images=images, field=field, num_slices=num_slices
        )
        for field, numbers, images in zip(fields, kept, stacks, strict=True)
    ]
