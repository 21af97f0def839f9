"""A labeled scan -> what a model's prediction of it is worth, in numbers and pictures."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from ingest.case import BadCaseError, Case
from ingest.findings.finding import refuse
from ingest.findings.headers import header_findings
from ingest.recipe import Recipe
from ingest.scans.geometry import Grid, from_canonical, to_canonical
from ingest.scans.open import open_label
from ingest.scans.volume import whole
from ingest.slices.prepare import prepare_mask
from ingest.slices.source_grid import ScanSlices, load_scan
from lungseg.evaluation.case_choice import role_of
from lungseg.inference.infer import Plane, predict_scan
from lungseg.inference.model_file import LoadedModel
from lungseg.report.evaluation import Chapter
from lungseg.report.filmstrip import EDGE, Filmstrip, film
from lungseg.scores.case_score import CaseScore, Role, count_voxels

Mask = npt.NDArray[np.uint8]


def examine(
    case: Case,
    model: LoadedModel,
    *,
    device: torch.device,
    threshold: float,
    batch_size: int,
    num_frames: int,
) -> Chapter:
    """Predict a scan, and hold the prediction against its label on the scan's own grid.

    Args:
        case: A case with a label.
        model: The model.
        device: Where its net lies and runs.
        threshold: Probability from which a voxel is tumor.
        batch_size: Slices in one forward pass.
        num_frames: The most slices to show.

    Returns:
        The counts and the pictures.

    Raises:
        BadCaseError: If a file is damaged, or the label lies on another grid.
    """
    scan = load_scan(case, model.recipe)
    truth = to_canonical(label_on(scan.grid, case, model.recipe), scan.grid)
    sums = SoftSums(truth, model.recipe)
    mask = predict_scan(
        model, scan, device=device, threshold=threshold, batch_size=batch_size, watch=sums.add
    )
    planes = truth, to_canonical(mask, scan.grid)
    return Chapter(
        score=_score(case, planes, scan, sums, role=role_of(case.name, model)),
        strip=_strip(case, planes, scan.z, model.recipe, num_frames=num_frames),
    )


class SoftSums:
    """Sums over the recipe's grid that the pooled soft Dice is made of.

    Args:
        truth: (x, y, z) label in canonical axes.
        recipe: The recipe that the probabilities were made with.
    """

    def __init__(self, truth: Mask, recipe: Recipe) -> None:
        self._truth = truth
        self._recipe = recipe
        self.overlap = 0.0
        self.total = 0.0

    def add(self, z: int, probability: Plane) -> None:
        """Add the probabilities (size, size) of a slice."""
        mask = prepare_mask(np.ascontiguousarray(self._truth[:, :, z].T), self._recipe)
        self.overlap += float(probability[mask != 0].sum(dtype=np.float64))
        self.total += float(probability.sum(dtype=np.float64)) + int(np.count_nonzero(mask))


def label_on(grid: Grid, case: Case, recipe: Recipe) -> Mask:
    """The label of a case along the stored axes of its scan, whatever its own are.

    Args:
        grid: The scan's own grid.
        case: A case with a label.
        recipe: Says which label values are tumor.

    Raises:
        BadCaseError: If the file is damaged, or its voxels are not those of the scan.
    """
    assert case.label is not None  # noqa: S101 (chosen so)
    label = open_label(case.label, on=grid, roi=case.roi, tumor_labels=recipe.tumor_labels)
    try:
        refuse(header_findings(case.name, grid, label.grid))
    except BadCaseError as error:
        raise BadCaseError(f"{case.label} does not fit {case.image}: {error}") from error
    canonical = to_canonical(whole(label, np.uint8), label.grid)
    return np.asarray(from_canonical(canonical, grid))


def _score(
    case: Case, planes: tuple[Mask, Mask], scan: ScanSlices, sums: SoftSums, *, role: Role
) -> CaseScore:
    truth, mask = planes
    tp, fp, fn = count_voxels(truth, mask)
    kept = int(np.count_nonzero(truth[:, :, scan.z]))
    return CaseScore(
        case=case.name,
        role=role,
        tp=tp,
        fp=fp,
        fn=fn,
        fn_dropped=tp + fn - kept,
        voxel_ml=float(np.prod(scan.grid.spacing_mm)) / 1000,
        slices=scan.num_slices,
        slices_dropped=scan.dropped,
        soft_overlap=sums.overlap,
        soft_total=sums.total,
    )


def _strip(
    case: Case, planes: tuple[Mask, Mask], kept: Sequence[int], recipe: Recipe, *, num_frames: int
) -> Filmstrip:
    """Pictures of any slice of the scan, those that the model never saw included."""
    for_people = replace(
        recipe,
        size=EDGE,
        clip=Recipe().clip,
        drop_slices=0,
        drop_mm=None,
        drop_outside_lungs=False,
    )
    shown = load_scan(case, for_people)
    return film(
        shown.images,
        *planes,
        spacing_mm=shown.grid.canonical().spacing_mm,
        dropped=tuple(sorted(set(shown.z) - set(kept))),
        num_frames=num_frames,
    )
