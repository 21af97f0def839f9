"""A scan -> probability of tumor per slice -> a mask on the scan's own grid."""

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt
import torch

from ingest.case import BadCaseError
from ingest.scans.geometry import to_canonical
from ingest.slices.scan_slices import ScanSlices
from lungseg.inference.ensemble import Ensemble
from lungseg.inference.model_file import LoadedModel
from lungseg.postprocessing.finder import Finder
from shards.console.errors import KnownError

Image = npt.NDArray[np.int16]
Mask = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]


Model = LoadedModel | Ensemble


class DeviceError(KnownError):
    """The device asked for is not there."""


def predict_scan(
    model: Model,
    scan: ScanSlices,
    *,
    device: torch.device,
    threshold: float | None = None,
    batch_size: int = 16,
) -> Mask:
    """Find tumor in a scan whose slices lie in memory.

    Args:
        model: The model; its rules say which lesions are kept.
        scan: The slices that the model's recipe makes of the scan.
        device: Where the net lies and runs.
        threshold: Probability from which a voxel is tumor; by default the model's own.
        batch_size: Slices in one forward pass.

    Returns:
        uint8, 1 is tumor, of the shape of `scan.grid`, in its stored axes. Slices that the recipe
        drops are background.
    """
    threshold = model.threshold if threshold is None else threshold
    finder = Finder(scan.grid, model.recipe, threshold=threshold, rules=model.rules)
    return find(model, scan, finder, device=device, batch_size=batch_size)


def find(
    model: Model,
    scan: ScanSlices,
    finder: Finder,
    *,
    device: torch.device,
    batch_size: int,
    watch: Callable[[int, Plane, Plane], object] | None = None,
) -> Mask:
    """Find tumor as a finder does; probabilities pass through slice by slice, and are not kept.

    Args:
        model: The model.
        scan: The slices that the model's recipe makes of the scan.
        finder: A new one for the scan.
        device: Where the net lies and runs.
        batch_size: Slices in one forward pass.
        watch: Called for each slice with its canonical number and its probabilities: (size, size),
            and (height, width) of its axial plane.

    Returns:
        As `predict_scan`.
    """
    mask = np.zeros(scan.grid.shape[::-1], np.uint8).T
    planes = to_canonical(mask, scan.grid)
    found = probabilities(model, scan.images, device=device, batch_size=batch_size)
    for z, image, members in zip(scan.z, scan.images, found, strict=True):
        plane, wide = finder.see(z, image, members)
        planes[:, :, z] = plane.T
        if watch is not None:
            watch(z, members.mean(axis=0), wide)
    for z in scan.z if finder.rules else ():
        planes[:, :, z] = finder.kept(z, np.ascontiguousarray(planes[:, :, z].T)).T
    return mask


@torch.inference_mode()
def probabilities(
    model: Model,
    images: Iterable[Image],
    *,
    device: torch.device,
    batch_size: int,
    downwards: bool = False,
) -> Iterator[Plane]:
    """Run the net over the slices of one scan, some at a time.

    Args:
        model: The model.
        images: (size, size) HU of each slice, one after the other; at most a batch is held.
        device: Where the net lies and runs.
        batch_size: Slices in one forward pass.
        downwards: Whether they come from the head to the feet.

    Yields:
        Tumor probabilities of each slice, in the order of the images: (members, size, size), of
        each member of an ensemble.

    Raises:
        DeviceError: If a batch does not fit into the device's memory.
        BadCaseError: If the net gives no numbers.
    """
    stacks = windows(images, neighbors=model.neighbors)
    while batch := list(itertools.islice(stacks, batch_size)):
        pixels = torch.from_numpy(np.array(batch)).to(device)
        if downwards:
            pixels = pixels.flip(1)
        found = _run(model, pixels).transpose(0, 1).cpu().numpy()
        if np.isnan(found).any():
            raise BadCaseError(
                "the net gives no numbers (NaN) for slices of this scan, which would pass for no "
                "tumor: look at its layers, or try --precision 32"
            )
        yield from found


def _run(model: Model, pixels: torch.Tensor) -> torch.Tensor:
    try:
        return model.probabilities(pixels)
    except torch.OutOfMemoryError as error:
        raise DeviceError(
            f"{pixels.device} has not enough memory for {len(pixels)} slices at once: lower "
            "--batch-size, or use --device cpu"
        ) from error


def windows(images: Iterable[Image], *, neighbors: int) -> Iterator[list[Image]]:
    """Each slice with those before and behind it, which a net sees as channels.

    Args:
        images: The slices of a scan, in order.
        neighbors: Channels: 1, 3 or 5.

    Yields:
        `neighbors` slices, the one to segment in the middle; the scan's edges are repeated.
    """
    held: collections.deque[Image] = collections.deque(maxlen=neighbors)
    for image in _with_edges_repeated(images, neighbors // 2):
        held.append(image)
        if len(held) == neighbors:
            yield list(held)


def _with_edges_repeated(images: Iterable[Image], times: int) -> Iterator[Image]:
    last = None
    for image in images:
        if last is None:
            yield from itertools.repeat(image, times)
        yield image
        last = image
    if last is not None:
        yield from itertools.repeat(last, times)


def pick_device(name: str) -> torch.device:
    """The device of a `--device` flag.

    Args:
        name: `auto` (a GPU where there is one), or what torch calls it: `cpu`, `cuda:1`.

    Raises:
        DeviceError: If there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        what = str(error).splitlines()[0]
        raise DeviceError(f"--device {name} cannot be used ({what}): try --device cpu") from error
    return device
