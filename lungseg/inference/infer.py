"""A scan -> probability of tumor per slice -> a mask on the scan's own grid."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch

from ingest.slices.source_grid import ScanSlices, to_source_grid
from lungseg.inference.model_file import LoadedModel
from shards.console.errors import KnownError

Mask = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]


class DeviceError(KnownError):
    """The device asked for is not there."""


def predict_scan(
    model: LoadedModel,
    scan: ScanSlices,
    *,
    device: torch.device,
    threshold: float | None = None,
    batch_size: int = 16,
    watch: Callable[[int, Plane], object] | None = None,
) -> Mask:
    """Find tumor in a scan; probabilities pass through slice by slice, and are not kept.

    Args:
        model: The model.
        scan: The slices that the model's recipe makes of the scan.
        device: Where the net lies and runs.
        threshold: Probability from which a voxel is tumor; by default the model's own.
        batch_size: Slices in one forward pass.
        watch: Called for each slice with its canonical number and its probabilities (size, size).

    Returns:
        uint8, 1 is tumor, of the shape of `scan.grid`, in its stored axes. Slices that the recipe
        drops are background.
    """

    def watched() -> Iterator[Plane]:
        planes = probabilities(model, scan.images, device=device, batch_size=batch_size)
        for z, plane in zip(scan.z, planes, strict=True):
            if watch is not None:
                watch(z, plane)
            yield plane

    threshold = model.threshold if threshold is None else threshold
    return to_source_grid(watched(), scan.z, scan.grid, threshold=threshold)


@torch.inference_mode()
def probabilities(
    model: LoadedModel,
    images: npt.NDArray[np.int16],
    *,
    device: torch.device,
    batch_size: int,
) -> Iterator[Plane]:
    """Run the net over the slices of one scan, some at a time.

    Args:
        model: The model.
        images: (n, size, size) HU, in z order.
        device: Where the net lies and runs.
        batch_size: Slices in one forward pass.

    Yields:
        Tumor probabilities (size, size) of each slice, in order.

    Raises:
        DeviceError: If a batch does not fit into the device's memory.
    """
    for start in range(0, len(images), batch_size):
        middle = np.arange(start, min(start + batch_size, len(images)))
        rows = neighbor_rows(middle, len(images), neighbors=model.neighbors)
        pixels = torch.from_numpy(images[rows]).to(device)
        logits = _run(model.net, model.view(pixels))
        yield from torch.sigmoid(logits[:, 0].float()).cpu().numpy()


def _run(net: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
    try:
        logits: torch.Tensor = net(batch)
    except torch.OutOfMemoryError as error:
        raise DeviceError(
            f"{batch.device} has not enough memory for {len(batch)} slices at once: lower "
            "--batch-size, or use --device cpu"
        ) from error
    return logits


def neighbor_rows(
    rows: npt.NDArray[np.int64], num_slices: int, *, neighbors: int
) -> npt.NDArray[np.int64]:
    """Positions of the slices that a net sees as channels; the edge slices are repeated.

    Args:
        rows: (b,) positions of the slices to segment.
        num_slices: Slices of the scan.
        neighbors: Channels: 1, 3 or 5.

    Returns:
        (b, neighbors), the slice itself in the middle.
    """
    offsets = np.arange(neighbors) - neighbors // 2
    return np.asarray(np.clip(rows[:, None] + offsets, 0, num_slices - 1))


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
