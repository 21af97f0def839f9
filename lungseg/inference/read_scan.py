"""A scan as a model reads it: the slices that its recipe keeps, or all where none would be left."""

import logging
from collections.abc import Sequence

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.slices.kept import NoSliceKeptError
from ingest.slices.source_grid import ScanSlices, load_views

logger = logging.getLogger(__name__)


def read_views(case: Case, recipes: Sequence[Recipe]) -> list[ScanSlices]:
    """Read a scan once; a drop rule that leaves nothing of it is not followed, which is said.

    Args:
        case: The scan; its label is not read.
        recipes: As in `load_views`.

    Raises:
        BadCaseError: If a file is damaged.
    """
    try:
        return load_views(case, recipes)
    except NoSliceKeptError as error:
        logger.warning("%s: all slices are read, because %s", case.name, _reason(error))
        return load_views(case, [recipe.keeping_all() for recipe in recipes])


def _reason(error: NoSliceKeptError) -> str:
    """What was found, without the advice, which is for a build."""
    return str(error).rpartition(": ")[0]
