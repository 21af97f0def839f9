"""A labeled scan -> what a model's prediction of it is worth, in numbers and pictures."""

import numpy as np
import numpy.typing as npt
import torch

from ingest.cases import BadCaseError, Case
from ingest.geometry import Grid, from_canonical, same_place_voxels, to_canonical
from ingest.recipe import Recipe, prepare_mask
from ingest.slices import ScanSlices, load_scan, read_label
from ingest.volume import open_image
from lungseg.case_choice import Role, role_of
from lungseg.case_scores import CaseScore, count_voxels
from lungseg.filmstrip import EDGE, Filmstrip, film
from lungseg.infer import Plane, predict_scan
from lungseg.model_file import LoadedModel
from lungseg.report import Chapter

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
    grid = open_image(case.image).grid
    truth = to_canonical(label_on(grid, case), grid)
    sums = SoftSums(truth, model.recipe)
    prediction = predict_scan(
        model,
        case.image,
        device=device,
        threshold=threshold,
        batch_size=batch_size,
        watch=sums.add,
    )
    planes = truth, to_canonical(prediction.mask, grid)
    score = _score(case, planes, prediction.scan, sums, role=role_of(case.name, model))
    return Chapter(score=score, strip=_strip(case, planes, prediction.scan, num_frames=num_frames))


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


def label_on(grid: Grid, case: Case) -> Mask:
    """The label of a case along the stored axes of its scan, whatever its own are.

    Raises:
        BadCaseError: If the file is damaged, or its voxels are not those of the scan.
    """
    assert case.label is not None  # noqa: S101 (chosen so)
    mask, own = read_label(case.label)
    canonical, wanted = own.canonical(), grid.canonical()
    if canonical.shape != wanted.shape:
        raise BadCaseError(
            f"image and label must have one shape, {case.image} has {grid.shape} and "
            f"{case.label} has {own.shape}: use the label that was drawn on this scan"
        )
    apart = same_place_voxels(wanted, canonical)
    if apart > 0.5:
        raise BadCaseError(
            f"image and label must lie in one place, {case.label} lies {apart:.1f} voxels from "
            f"{case.image}: use the label that was drawn on this scan"
        )
    return np.asarray(from_canonical(to_canonical(mask, own), grid))


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
    case: Case, planes: tuple[Mask, Mask], scan: ScanSlices, *, num_frames: int
) -> Filmstrip:
    """Pictures of any slice of the scan, those that the model never saw included."""
    shown = load_scan(case.image, Recipe(size=EDGE, drop_slices=0))
    kept = set(scan.z)
    return film(
        shown.images,
        *planes,
        spacing_mm=shown.grid.canonical().spacing_mm,
        dropped=tuple(z for z in range(shown.num_slices) if z not in kept),
        num_frames=num_frames,
    )
