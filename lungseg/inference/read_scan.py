"""A scan as a model reads it: the slices that its recipe keeps, or all where none would be left."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from ingest.case import Case
from ingest.findings.voxels import VoxelChecks
from ingest.recipe import Recipe
from ingest.slices.kept import NoSliceKeptError, kept_slices
from ingest.slices.opened import OpenCase, open_case
from ingest.slices.scan_slices import ScanSlices, load_views

logger = logging.getLogger(__name__)

_ADVICE_FOR_BUILDS = ", or say --any-values"


def read_views(case: Case, recipes: Sequence[Recipe]) -> list[ScanSlices]:
    """Read a scan once, and judge its values; a drop rule that leaves nothing is not followed.

    What is odd is said.

    Args:
        case: The scan; its label is not read.
        recipes: As in `load_views`.

    Raises:
        BadCaseError: If a file is damaged.
    """
    checks = VoxelChecks(case.name, any_values=recipes[0].any_values)
    try:
        views = load_views(case, recipes, watch=checks.see)
    except NoSliceKeptError as error:
        _say(case, error)
        keeping = [recipe.keeping_all() for recipe in recipes]
        views = load_views(case, keeping, watch=checks.see)
    say_values(checks)
    return views


def open_scan(case: Case, recipe: Recipe) -> tuple[OpenCase, range]:
    """Open a scan, and tell the canonical numbers of the slices to read; see `read_views`.

    Raises:
        BadCaseError: If a header is damaged.
    """
    opened = open_case(replace(case, label=None), recipe)
    try:
        return opened, kept_slices(opened, recipe)
    except NoSliceKeptError as error:
        _say(case, error)
        return opened, kept_slices(opened, recipe.keeping_all())


def say_values(checks: VoxelChecks) -> None:
    """Say of a scan that was read where its values are no HU, or those of no chest."""
    for finding in checks.findings():
        logger.warning("%s: %s", finding.case, finding.message.removesuffix(_ADVICE_FOR_BUILDS))


def _say(case: Case, error: NoSliceKeptError) -> None:
    """Say what was found, without the advice, which is for a build."""
    logger.warning("%s: all slices are read, because %s", case.name, str(error).rpartition(": ")[0])
