"""A labeled scan -> what a prediction of it is worth, in numbers and pictures."""

from dataclasses import replace

import numpy as np

from ingest.case import BadCaseError, Case
from ingest.recipe import Recipe
from ingest.slices.scan_slices import ScanSlices
from lungseg.evaluation.labels import canonical_mask
from lungseg.evaluation.predictor import LabeledScan, Mask, Prediction, Predictor
from lungseg.inference.read_scan import read_views
from lungseg.report.evaluation import Chapter
from lungseg.report.filmstrip import EDGE, Filmstrip, film
from lungseg.scores.case_score import CaseScore, Role, count_voxels
from lungseg.scores.false_areas import false_areas
from lungseg.scores.lesions import lesions_of
from lungseg.scores.surface import surface_score


def examine(case: Case, predictor: Predictor, *, num_frames: int) -> Chapter:
    """Predict a scan, and hold the prediction against its label on the scan's own grid.

    Args:
        case: A case with a label.
        predictor: What predicts.
        num_frames: The most slices to show.

    Returns:
        The counts and the pictures.

    Raises:
        BadCaseError: If a file is damaged, or a mask lies on another grid.
    """
    if case.problem:
        raise BadCaseError(case.problem)
    recipes = (_for_people(predictor.reading), *predictor.views)
    shown, *views = read_views(case, recipes)
    assert case.label is not None  # noqa: S101 (chosen so)
    truth = canonical_mask(case.label, case, shown.grid, predictor.reading)
    prediction = predictor.predict(
        LabeledScan(case=case, grid=shown.grid, views=views, truth=truth)
    )
    return Chapter(
        score=_score(case, truth, prediction, shown, role=predictor.role_of(case.name)),
        strip=_strip(truth, prediction, shown, num_frames=num_frames),
    )


def _for_people(recipe: Recipe) -> Recipe:
    """Slices for pictures: all of them, those too that a model never sees."""
    return replace(recipe.keeping_all(), size=EDGE, pixel_mm=None, clip=Recipe().clip)


def _score(
    case: Case, truth: Mask, prediction: Prediction, scan: ScanSlices, *, role: Role
) -> CaseScore:
    tp, fp, fn = count_voxels(truth, prediction.mask)
    unread = list(prediction.unread)
    voxel_ml = scan.grid.voxel_mm3 / 1000
    canonical = scan.grid.canonical()
    x_mm, y_mm, _ = canonical.spacing_mm
    return CaseScore(
        case=case.name,
        role=role,
        tp=tp,
        fp=fp,
        fn=fn,
        fn_dropped=int(np.count_nonzero(truth[:, :, unread])),
        voxel_ml=voxel_ml,
        slices=scan.num_slices,
        slices_dropped=len(unread),
        soft=prediction.soft,
        surface=surface_score(truth, prediction.mask, axes_mm=canonical.axes_mm),
        wolf_mm2=false_areas(truth, prediction.mask, pixel_mm2=x_mm * y_mm),
        lesions=lesions_of(
            truth, prediction.mask, voxel_ml=voxel_ml, probability=prediction.probability
        ),
        volume_interval_ml=prediction.volume_interval_ml,
    )


def _strip(truth: Mask, prediction: Prediction, scan: ScanSlices, *, num_frames: int) -> Filmstrip:
    return film(
        scan.images,
        truth,
        prediction.mask,
        spacing_mm=scan.grid.canonical().spacing_mm,
        dropped=prediction.unread,
        num_frames=num_frames,
    )
