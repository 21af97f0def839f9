"""One scan from file to file: its mask, slice by slice, and on request an animation."""

import collections
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.slices.mask_file import mask_file
from ingest.slices.opened import OpenCase
from ingest.slices.prepare import prepare_image
from ingest.slices.source_grid import widened
from lungseg.inference.animation import Animation
from lungseg.inference.infer import Image, Mask, Model, Plane, probabilities
from lungseg.inference.lesion_table import LesionTable
from lungseg.inference.options import PredictOptions
from lungseg.inference.read_scan import open_scan
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
    planes = _planes(opened, kept, recipe, model, device, options.slices_at_once(device.type))
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


def _planes(
    opened: OpenCase,
    kept: range,
    recipe: Recipe,
    model: Model,
    device: torch.device,
    batch_size: int,
) -> Iterator[tuple[Image, Plane]]:
    """Yield each kept slice as the net sees it with its probabilities, in the order of the file."""
    waiting: collections.deque[Image] = collections.deque()

    def images() -> Iterator[Image]:
        for z, plane in opened.planes():
            if z in kept:
                waiting.append(prepare_image(plane, recipe).copy())
                yield waiting[-1]

    for probability in probabilities(
        model, images(), device=device, batch_size=batch_size, downwards=opened.downwards
    ):
        yield waiting.popleft(), probability
