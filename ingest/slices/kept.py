"""Which slices of a scan a recipe keeps."""

from ingest.case import BadCaseError
from ingest.recipe import Recipe
from ingest.slices.lung import LungExtent
from ingest.slices.opened import OpenCase
from shards.console.words import counted


class NoSliceKeptError(BadCaseError):
    """The drop rule of a recipe leaves nothing of a scan."""


def kept_slices(opened: OpenCase, recipe: Recipe) -> range:
    """Canonical numbers of the slices that the drop rule leaves; one by the lungs reads the scan.

    Raises:
        NoSliceKeptError: If none is left.
        BadCaseError: If the scan turns out to be damaged.
    """
    if recipe.drop_outside_lungs:
        return _lungs(opened)
    canonical = opened.grid.canonical()
    num_slices, step_mm = canonical.shape[2], canonical.spacing_mm[2]
    dropped = recipe.num_dropped(step_mm)
    if dropped >= num_slices:
        raise NoSliceKeptError(
            f"the recipe drops {recipe.drop_rule}, {opened.case.image} has "
            f"{counted(num_slices, 'slice')} of "
            f"{step_mm:g} mm: lower --drop-slices or --drop-mm"
        )
    return range(dropped, num_slices)


def _lungs(opened: OpenCase) -> range:
    lungs = LungExtent(opened.grid.canonical().spacing_mm)
    for z, plane in opened.planes():
        lungs.see(z, plane)
    extent = lungs.extent()
    if extent is None:
        raise NoSliceKeptError(
            f"the recipe drops slices outside the lungs, {opened.case.image} shows no lung: "
            "take the case out, or drop by --drop-slices"
        )
    return range(extent[0], extent[1] + 1)
