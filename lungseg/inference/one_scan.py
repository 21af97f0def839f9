"""One scan from file to file: its mask, slice by slice; on request probabilities and pictures."""

import collections
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import torch

from ingest.case import Case
from ingest.findings.voxels import VoxelChecks
from ingest.recipe import Recipe
from ingest.slices.field import Field
from ingest.slices.opened import OpenCase
from ingest.slices.prepare import prepare_image
from lungseg.inference.ahead import ahead
from lungseg.inference.infer import Image, Mask, Model, Plane, probabilities
from lungseg.inference.options import PredictOptions
from lungseg.inference.outputs.animation import Animation
from lungseg.inference.outputs.mask import mask_of
from lungseg.inference.outputs.probability import probability_of
from lungseg.inference.outputs.targets import targets_of
from lungseg.inference.read_scan import open_scan, say_values
from lungseg.postprocessing.finder import Finder
from lungseg.postprocessing.held import Held
from shards.console.whole import sweep

_READ_AHEAD = 32  # slices: the bytes of one of the scan's own


def predict_one(
    case: Case,
    model: Model,
    options: PredictOptions,
    *,
    device: torch.device,
    step: Callable[[int], object],
) -> dict[str, Any]:
    """Predict a scan and write what was asked for; memory does not grow with the slices.

    Reading, the net, and writing each have a thread of their own, a few slices apart.

    A scan whose file does not hold axial slices one behind the other is read whole.

    Args:
        case: The scan.
        model: The model.
        options: Where to write, and how to run the model.
        device: Where the net lies and runs.
        step: Called for each slice that was read, with how many of the scan there are to read.

    Returns:
        Volume, lesions, slices, and the names of the files.

    Raises:
        BadCaseError: If the scan cannot be read.
        OSError: If a file cannot be written.
    """
    recipe = options.reading(model.recipe)
    threshold = model.threshold if options.threshold is None else options.threshold
    opened, kept = open_scan(case, recipe)
    rules = options.rules(model.rules, recipe)
    finder = Finder(opened.grid, recipe, threshold=threshold, rules=rules)
    targets = targets_of(case.name, options)
    for path in targets.all:
        sweep(path)
    animation = Animation(case.name, opened.grid)
    checks = VoxelChecks(case.name, any_values=recipe.any_values)
    images = ahead(_images(opened, kept, recipe, checks), most=_READ_AHEAD)
    batch_size = options.slices_at_once(device.type)
    planes = ahead(
        _planes(images, model, device, batch_size, downwards=opened.downwards), most=batch_size
    )
    field, voxels, shows = Field.of(opened.grid, recipe), 0, bool(targets.pictures)
    decided_by = {
        "checkpoint sha256": model.sha256,
        "threshold": f"{threshold:g}",
        "post-processing": rules.in_words(),
    }
    with (
        closing(planes),
        mask_of(opened, targets.mask, decided_by) as put,
        probability_of(opened, kept, targets.probability) as put_probability,
        Held(options.out) as held,
    ):
        found = _found(planes, opened, kept, finder, put_probability, lambda: step(len(kept)))
        left = _judged(found, finder, held, shows=shows)
        for z in opened.numbers:
            plane: Mask = np.zeros(field.plane, np.uint8)
            if z in kept:
                image, plane = next(left)
                voxels += int(np.count_nonzero(plane))
                if shows:
                    animation.add(z, field.back(image, beyond=recipe.clip[0]), plane)
            put(plane)
        collections.deque(left, maxlen=0)  # the file's end, too, must be sound
    say_values(checks)
    for path in targets.pictures:
        animation.write(path)
    numbers = _numbers(opened, kept, finder, voxels)
    return numbers | {"files": [path.relative_to(options.out).as_posix() for path in targets.all]}


def _numbers(opened: OpenCase, kept: range, finder: Finder, voxels: int) -> dict[str, Any]:
    """What is to be told of a scan."""
    num_slices = len(opened.numbers)
    return {
        "tumor_voxels": voxels,
        "tumor_ml": round(voxels * opened.grid.voxel_mm3 / 1000, 4),
        **_interval(finder),
        "lesions": finder.lesions(),
        "lesions_dropped": finder.num_dropped,
        "slices": num_slices,
        "slices_unread": num_slices - len(kept),
    }


def _interval(finder: Finder) -> dict[str, float]:
    """The smallest and the largest volume by a member of an ensemble."""
    interval = finder.volume_interval_ml()
    if interval is None:
        return {}
    return {"tumor_ml_least": round(interval[0], 4), "tumor_ml_most": round(interval[1], 4)}


def _found(
    planes: Iterator[tuple[Image, Plane]],
    opened: OpenCase,
    kept: range,
    finder: Finder,
    put_probability: Callable[[Plane], object],
    step: Callable[[], object],
) -> Iterator[tuple[int, Image, Mask]]:
    """Yield each kept slice with its number and its mask, whatever the rules say."""
    numbers = (z for z in opened.numbers if z in kept)
    for (image, members), z in zip(planes, numbers, strict=True):
        mask, probability = finder.see(z, image, members)
        put_probability(probability)
        yield z, image, mask
        step()


def _judged(
    found: Iterator[tuple[int, Image, Mask]], finder: Finder, held: Held, *, shows: bool
) -> Iterator[tuple[Image, Mask]]:
    """Yield each slice with what is left of its mask; where rules judge, once all were seen.

    Images that nobody looks at are not held, and are empty then.
    """
    if not finder.rules:
        yield from ((image, mask) for _, image, mask in found)
        return
    numbers = []
    for z, image, mask in found:
        held.put(image if shows else image[:0], mask)
        numbers.append(z)
    for z, (image, mask) in zip(numbers, held, strict=True):
        yield image, finder.kept(z, mask)


def _images(opened: OpenCase, kept: range, recipe: Recipe, checks: VoxelChecks) -> Iterator[Image]:
    """Yield each kept slice as the net sees it, in the order of the file; all planes are judged."""
    field = Field.of(opened.grid, recipe)
    for z, plane in opened.planes():
        checks.see(z, plane)
        if z in kept:
            yield prepare_image(plane, recipe, field)


def _planes(
    images: Iterator[Image],
    model: Model,
    device: torch.device,
    batch_size: int,
    *,
    downwards: bool,
) -> Iterator[tuple[Image, Plane]]:
    """Yield each slice with its probabilities (members, size, size)."""
    waiting: collections.deque[Image] = collections.deque()

    def remembered() -> Iterator[Image]:
        for image in images:
            waiting.append(image)
            yield image

    for probability in probabilities(
        model, remembered(), device=device, batch_size=batch_size, downwards=downwards
    ):
        yield waiting.popleft(), probability
