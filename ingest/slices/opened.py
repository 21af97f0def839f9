"""A case with its files open: what is known of it before a voxel is read."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError, Case
from ingest.readers import open_image, open_label
from ingest.recipe import Recipe
from ingest.scans.geometry import Grid
from ingest.scans.planes import axial_planes, stored_downwards
from ingest.scans.volume import Scan, Volume


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenCase:
    """A scan and its mask, whose headers are sound each for itself.

    Attributes:
        case: The case.
        image: The scan.
        label: The mask; None when there is none.
    """

    case: Case
    image: Scan
    label: Volume | None

    @property
    def grid(self) -> Grid:
        """The scan's own grid."""
        return self.image.grid

    @property
    def downwards(self) -> bool:
        """Whether the file has the scan from head to feet."""
        return stored_downwards(self.grid)

    @property
    def numbers(self) -> range:
        """Canonical numbers of the axial planes, in the order in which the file has them."""
        upwards = range(self.grid.canonical().shape[2])
        return upwards[::-1] if self.downwards else upwards

    def planes(self) -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
        """Yield (number, (height, width) HU) of each axial plane, in the order of the file.

        Raises:
            BadCaseError: If the file turns out to be damaged.
        """
        yield from zip(
            self.numbers, axial_planes(self.image, downwards=self.downwards), strict=True
        )


def open_case(case: Case, recipe: Recipe) -> OpenCase:
    """Open the files of a case.

    Args:
        case: The case; without a label, masks are empty.
        recipe: Says which values are tumor, and what voxels without a number are given.

    Raises:
        BadCaseError: If the case has a problem, or a header is damaged.
    """
    if case.problem and case.label:
        raise BadCaseError(case.problem)
    image = image_of(case, recipe)
    return OpenCase(case=case, image=image, label=label_of(case, recipe, on=image.grid))


def image_of(case: Case, recipe: Recipe) -> Scan:
    """The scan of a case, as a recipe has it read.

    Raises:
        BadCaseError: If its header is damaged.
    """
    return open_image(case.image, case.files, fill_nan=recipe.fill_nan, form=recipe.nifti_form)


def label_of(case: Case, recipe: Recipe, *, on: Grid) -> Volume | None:
    """The mask of a case on the grid of its scan, as a recipe has it read; None without a label.

    Raises:
        BadCaseError: If its header is damaged.
    """
    if not case.label:
        return None
    return open_label(
        case.label,
        on=on,
        roi=case.roi,
        tumor_labels=recipe.tumor_labels,
        form=recipe.nifti_form,
    )
