"""A labeled scan and a model -> the counts of a calibration."""

from collections.abc import Sequence

import numpy as np
import torch

from ingest.case import BadCaseError, Case
from lungseg.calibration.tally import Tally, Tallying
from lungseg.evaluation.labels import canonical_mask
from lungseg.inference.infer import Model, probabilities
from lungseg.inference.read_scan import read_views
from lungseg.postprocessing.hull import LungHull
from lungseg.postprocessing.rules import shows_lung


def tally_scan(
    case: Case,
    model: Model,
    thresholds: Sequence[float],
    *,
    device: torch.device,
    batch_size: int,
) -> Tally:
    """Run the net over a scan once, and count what each threshold would find.

    Args:
        case: A case with a label.
        model: The model.
        thresholds: The thresholds.
        device: Where the net lies and runs.
        batch_size: Slices in one forward pass.

    Raises:
        BadCaseError: If a file is damaged, or the label lies on another grid.
    """
    if case.problem:
        raise BadCaseError(case.problem)
    (scan,) = read_views(case, [model.recipe])
    assert case.label is not None  # noqa: S101 (chosen so)
    truth = canonical_mask(case.label, case, scan.grid, model.recipe)
    size = scan.grid.canonical().shape[:2]
    hulls = LungHull(scan.grid, model.recipe) if shows_lung(model.recipe) else None
    nowhere = np.zeros(size[::-1], np.uint8)
    counting = Tallying(thresholds)
    found = probabilities(model, scan.images, device=device, batch_size=batch_size)
    for z, image, members in zip(scan.z, scan.images, found, strict=True):
        counting.see(
            z,
            scan.field.back(members.mean(axis=0)),
            hulls.of(image) if hulls else nowhere,
            np.ascontiguousarray(truth[:, :, z].T),
        )
    tumor = int(np.count_nonzero(truth))
    return counting.tally(case.name, tumor=tumor, voxel_mm3=scan.grid.voxel_mm3)
