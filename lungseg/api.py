"""What a notebook needs: train, load a model, predict an array, score two masks."""

from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ingest.case import BadCaseError, Case
from ingest.scans.array import ArrayScan
from ingest.scans.geometry import Grid, as_affine
from ingest.slices.opened import OpenCase
from ingest.slices.scan_slices import load_scan
from lungseg.crossval.run import cross_validate
from lungseg.inference import model_file
from lungseg.inference.infer import predict_scan
from lungseg.inference.model_file import LoadedModel
from lungseg.models.bf16 import has_bf16
from lungseg.options.fit import FitOptions
from lungseg.scores.case_score import count_voxels
from lungseg.scores.dice import dice
from lungseg.scores.lesions import lesions_of
from lungseg.scores.surface import surface_score
from lungseg.training.run import fit


def fit_model(
    shards: str | PathLike[str], out: str | PathLike[str], **options: Any
) -> dict[str, Any]:
    """Train a model, as `python -m lungseg.fit` does.

    Args:
        shards: Folder or URL of the shards.
        out: Folder for what the training leaves; it must not hold a run yet.
        options: Any option of `python -m lungseg.fit --help` by its name, `epochs=10`.

    Returns:
        What `result.json` holds, and the path of the best `checkpoint`, or with `folds=["all"]` of
        that of each of the `folds`.

    Raises:
        TypeError: If there is no option of a name.
        ValueError: If a value is refused.
        shards.console.errors.KnownError: If the training cannot start or go on.
    """
    told = FitOptions.of(shards=str(shards), out=Path(out), **options)
    return cross_validate(told) if told.run.folds else fit(told) or {}


def load_model(path: str | PathLike[str], *, device: str = "cpu") -> LoadedModel:
    """Load a checkpoint, to run as `python -m lungseg.predict` does; no code in the file is run.

    Args:
        path: `best.ckpt` of a training.
        device: Where the net shall lie, as torch calls it.

    Raises:
        lungseg.inference.model_file.ModelFileError: If it is no checkpoint of this program.
    """
    model = model_file.load_model(Path(path), device=torch.device(device))
    return replace(model, bf16=has_bf16(torch.device(device).type))


def predict_volume(
    model: LoadedModel,
    hu: npt.NDArray[Any],
    affine: npt.NDArray[Any],
    *,
    threshold: float | None = None,
) -> npt.NDArray[np.uint8]:
    """Find tumor in a scan that lies in memory.

    Args:
        model: The model.
        hu: (i, j, k) HU, along any axes.
        affine: (4, 4), from voxel index to world, RAS+ mm: `nibabel.load(file).affine`.
        threshold: Probability from which a voxel is tumor; by default the model's own.

    Returns:
        (i, j, k) uint8, 1 is tumor. Slices that the model's recipe drops are 0.

    Raises:
        ingest.case.BadCaseError: If the array is no scan, or the recipe drops all of it.
    """
    case = Case(name="array", image=Path("array"), label=None, patient="array")
    opened = OpenCase(case=case, image=ArrayScan(hu, affine), label=None)
    device = next(model.net.parameters(), torch.empty(0)).device
    scan = load_scan(opened, model.recipe)
    return predict_scan(model, scan, device=device, threshold=threshold)


def score_masks(
    truth: npt.NDArray[Any], prediction: npt.NDArray[Any], affine: npt.NDArray[Any]
) -> dict[str, float | None]:
    """Score one prediction on its scan's own grid.

    Args:
        truth: (i, j, k), nonzero is tumor.
        prediction: The same for what was found.
        affine: (4, 4), from voxel index to world, mm.

    Returns:
        `dice` (None where neither mask has tumor); `nsd`, `hd95_mm` and `assd_mm` of the surfaces
        (None without tumor; where nothing is found there is no distance, and the scan's diagonal
        in mm stands in for `hd95_mm` and `assd_mm`), `truth_ml`, `predicted_ml` and
        `false_positive_ml` in mL, and the numbers of `lesions_found`, `lesions_missed` and
        `lesions_false`.

    Raises:
        ingest.case.BadCaseError: If the masks do not have one shape of three axes.
    """
    if truth.shape != prediction.shape or truth.ndim != 3:
        raise BadCaseError(
            f"masks of one grid have one shape (i, j, k), got {truth.shape}, {prediction.shape}"
        )
    masks = (truth != 0).astype(np.uint8), (prediction != 0).astype(np.uint8)
    tp, fp, fn = count_voxels(*masks)
    i, j, k = truth.shape
    grid = Grid(shape=(i, j, k), affine=as_affine(affine))
    voxel_ml = grid.voxel_mm3 / 1000
    surface = surface_score(*masks, axes_mm=grid.axes_mm)
    kinds = [lesion.kind for lesion in lesions_of(*masks, voxel_ml=voxel_ml)]
    return {
        "dice": dice(tp, fp, fn),
        **(asdict(surface) if surface else dict.fromkeys(("nsd", "hd95_mm", "assd_mm"))),
        "truth_ml": (tp + fn) * voxel_ml,
        "predicted_ml": (tp + fp) * voxel_ml,
        "false_positive_ml": fp * voxel_ml,
        "lesions_found": kinds.count("found"),
        "lesions_missed": kinds.count("missed"),
        "lesions_false": kinds.count("false"),
    }
