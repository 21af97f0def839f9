"""One scan from file to file: its mask, slice by slice, and on request an animation."""

import collections
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from ingest.case import Case
from ingest.findings.voxels import VoxelChecks
from ingest.recipe import Recipe
from ingest.slices.mask_file import mask_file
from ingest.slices.opened import OpenCase
from ingest.slices.prepare import prepare_image
from ingest.slices.source_grid import widened
from lungseg.inference.animation import Animation
from lungseg.inference.infer import Image, Mask, Model, Plane, probabilities
from lungseg.inference.lesion_table import LesionTable
from lungseg.inference.options import PredictOptions
from lungseg.inference.read_scan import open_scan, say_values
from lungseg.inference.targets import targets_of


def predict_one(
    case: Case,
    model: Model,
    options: PredictOptions,
    *,
    device: torch.device,
    step: Callable[[], object],
) -> dict[str, Any]:
    """Predict a scan and write what was asked for; memory does not grow with the slices.

    A scan whose file does not hold axial slices one behind the other is read whole.

    Args:
        case: The scan.
        model: The model.
        options: Where to write, and how to run the model.
        device: Where the net lies and runs.
        step: Called for each slice that was read.

    Returns:
        Volume, lesions, slices, and the names of the files.

    Raises:
        BadCaseError: If the scan cannot be read.
        OSError: If a file cannot be written.
    """
    recipe = options.reading(model.recipe)
    threshold = model.threshold if options.threshold is None else options.threshold
    opened, kept = open_scan(case, recipe)
    mask_path, *gif_path = targets_of(case.name, options)
    animation = Animation(case.name, opened.grid) if gif_path else None
    checks = VoxelChecks(case.name, any_values=recipe.any_values)
    images = _images(opened, kept, recipe, checks)
    batch_size = options.slices_at_once(device.type)
    planes = _planes(images, model, device, batch_size, downwards=opened.downwards)
    width, height, num_slices = opened.grid.canonical().shape
    voxels, lesions = 0, LesionTable(opened.grid)
    with mask_file(opened, mask_path) as put:
        for z in opened.numbers:
            plane: Mask = np.zeros((height, width), np.uint8)
            if z in kept:
                image, probability = next(planes)
                wide = widened(probability, (width, height))
                plane = (wide >= threshold).astype(np.uint8)
                voxels += int(np.count_nonzero(plane))
                lesions.add(z, plane, wide)
                if animation:
                    animation.add(z, image, plane)
                step()
            put(plane)
        collections.deque(planes, maxlen=0)  # the file's end, too, must be sound
    say_values(checks)
    if animation:
        animation.write(gif_path[0])
    return {
        "tumor_voxels": voxels,
        "tumor_ml": round(voxels * float(np.prod(opened.grid.spacing_mm)) / 1000, 4),
        "lesions": lesions.rows(),
        "slices": num_slices,
        "slices_unread": num_slices - len(kept),
        "files": [target.name for target in (mask_path, *gif_path)],
    }


def _images(opened: OpenCase, kept: range, recipe: Recipe, checks: VoxelChecks) -> Iterator[Image]:
    """Yield each kept slice as the net sees it, in the order of the file; all planes are judged."""
    for z, plane in opened.planes():
        checks.see(z, plane)
        if z in kept:
            yield prepare_image(plane, recipe).copy()


def _planes(
    images: Iterator[Image],
    model: Model,
    device: torch.device,
    batch_size: int,
    *,
    downwards: bool,
) -> Iterator[tuple[Image, Plane]]:
    """Yield each slice with its probabilities."""
    waiting: collections.deque[Image] = collections.deque()

    def remembered() -> Iterator[Image]:
        for image in images:
            waiting.append(image)
            yield image

    for probability in probabilities(
        model, remembered(), device=device, batch_size=batch_size, downwards=downwards
    ):
        yield waiting.popleft(), probability
