"""What is read for one step of training or validation."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from lungseg.augment.crop import Crops
from lungseg.augment.draw import draw_slice
from lungseg.augment.on_device import BatchDraws, collate
from lungseg.augment.on_processor import Augmenter
from lungseg.augment.strength import STRENGTHS, Strength
from lungseg.augment.transplant import Donors
from lungseg.models.view import view_of
from lungseg.options.fit import FitOptions
from shards.console.groups import flat_values
from shards.index import ShardIndex
from shards.order.sampler import BatchRequest
from shards.reading.buffers import Buffers, is_pinned
from shards.reading.reader import SliceReader
from shards.reading.stream import SliceStream
from shards.storage.store import ShardSet

Batch = dict[str, Any]

STRETCH = 16
"""Slices that are scored together."""


class TrainingSlices(Dataset[Batch]):
    """Batches by request, augmented or with what shall be augmented on the device.

    A stream, where there is one, chooses the slices itself.

    Args:
        shards: The shard set.
        options: The options of the training.
        stream: Where the slices come from instead of the index.
        scale: Factor from HU to floats as slices are read; None leaves integers. Augmented slices
            are floats anyway, and a stream's are integers.
        on_device: Whether slices are augmented on the device.
        donors: The tumors that travel into other slices; None where none do.
        crops: The squares that are cut out of the slices; None for whole slices.
    """

    def __init__(
        self,
        shards: ShardSet,
        options: FitOptions,
        stream: SliceStream | None,
        *,
        scale: float | None = None,
        on_device: bool = False,
        donors: Donors | None = None,
        crops: Crops | None = None,
    ) -> None:
        self._source = stream or _reader(shards, options)
        self._view = view_of(flat_values(options.view), shards.manifest.recipe)
        self._seed = options.step.seed
        self._floats, self._squares = Buffers(), Buffers()
        name = options.augmentation.augment
        self._strength = STRENGTHS[name] if name != "none" and on_device else None
        self._augment = None
        if name != "none" and not on_device:
            clip = clip_of(shards.manifest.recipe)
            self._augment = Augmenter(name, clip=clip, seed=self._seed)
        self._donors, self._crops = donors, crops
        plain = name == "none" and donors is None and crops is None
        self._read_scale = scale if plain else None

    def __getitem__(self, request: BatchRequest) -> Batch:
        """Read and augment the slices of one step.

        Returns:
            `image` (b, channels, h, w) float32 as the net sees it, or int16 of HU, `mask`
            (b, 1, h, w) uint8, the training's `position` after the step, the `rows` of the index
            that were read (None for a stream), and `draws` where the device augments.
        """
        images, masks = self._read(request)
        if self._augment is not None:
            images = self._augmented(self._augment, request, images.numpy(), masks.numpy())
        position = {"epoch": request.epoch, "samples_consumed": request.samples_consumed}
        rows = request.rows if isinstance(self._source, SliceReader) else None
        batch: Batch = {"image": images, "mask": masks, "position": position, "rows": rows}
        if self._strength is not None:
            batch["draws"] = self._draws(self._strength, request, masks.shape[2:])
        return batch

    def _read(self, request: BatchRequest) -> tuple[torch.Tensor, torch.Tensor]:
        images, masks = self._whole(request)
        if self._crops is None:
            return images, masks
        return self._crops.cut(images, masks, request, buffers=self._squares)

    def _whole(self, request: BatchRequest) -> tuple[torch.Tensor, torch.Tensor]:
        if isinstance(self._source, SliceStream):
            images, masks = self._source.read(epoch=request.epoch, count=len(request.rows))
            return torch.from_numpy(images), torch.from_numpy(masks)
        read = self._source.read(request.rows, scale=self._read_scale)
        if self._donors is not None:
            self._donors.travel(*read, request, read=self._source.read)
        return read

    def _augmented(
        self,
        augment: Augmenter,
        request: BatchRequest,
        images: npt.NDArray[np.int16],
        masks: npt.NDArray[np.uint8],
    ) -> torch.Tensor:
        """The images changed, into memory of their own; the masks are changed in place."""
        changed = self._floats.take(images.shape, torch.float32)
        floats = changed.numpy()
        for b, position in enumerate(request.positions.tolist()):
            floats[b], masks[b, 0] = augment(
                images[b], masks[b, 0], epoch=request.epoch, position=position
            )
        factor = self._view.factor
        return self._view(changed) if factor is None else changed.mul_(factor)

    def _draws(self, strength: Strength, request: BatchRequest, shape: torch.Size) -> BatchDraws:
        """What the device shall change of each slice."""
        height, width = shape
        where = {"seed": self._seed, "epoch": request.epoch}
        draws = collate(
            [
                draw_slice(strength, position=position, shape=(height, width), **where)
                for position in request.positions.tolist()
            ]
        )
        return draws.pinned() if is_pinned() else draws


def clip_of(recipe: Mapping[str, Any]) -> tuple[int, int]:
    """Lowest and highest HU of a recipe, as the manifest has it."""
    low, high = recipe["clip"]
    return int(low), int(high)


class Stretch(NamedTuple):
    """Neighboring slices of one validation case, which are scored together.

    Attributes:
        number: Position among all stretches.
        case: Position of the case among the validation cases.
        slices: (b,) int64, positions among all validation slices.
        rows: (b,) int64, rows of the index.
    """

    number: int
    case: int
    slices: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


def stretches_of(index: ShardIndex, cases: tuple[int, ...]) -> list[Stretch]:
    """Cut the validation cases into stretches; they are the same on any number of ranks."""
    stretches: list[Stretch] = []
    before = 0
    for number, case in enumerate(cases):
        of_case = index.rows_of(case)
        shift = before - of_case.start
        for start in range(of_case.start, of_case.stop, STRETCH):
            rows = np.arange(start, min(start + STRETCH, of_case.stop))
            stretches.append(
                Stretch(number=len(stretches), case=number, slices=rows + shift, rows=rows)
            )
        before += of_case.stop - of_case.start
    return stretches


class ValidationSlices(Dataset[Batch]):
    """Whole stretches as batches; a rank without any has one empty batch, so that it takes part.

    Args:
        shards: The shard set.
        options: The options of the training.
        stretches: What this rank scores.
        scale: As that of `TrainingSlices`.
    """

    def __init__(
        self,
        shards: ShardSet,
        options: FitOptions,
        stretches: list[Stretch],
        *,
        scale: float | None = None,
    ) -> None:
        self._scale = scale
        self._reader = _reader(shards, options)
        nothing = np.zeros(0, np.int64)
        empty = Stretch(number=0, case=0, slices=nothing, rows=nothing)
        self._stretches = stretches or [empty]

    def __len__(self) -> int:
        return len(self._stretches)

    def __getitem__(self, position: int) -> Batch:
        """Read one stretch.

        Returns:
            `image` (b, channels, h, w) float32 as the net sees it, or int16 of HU, `mask`
            (b, 1, h, w) uint8, and the `stretch`.
        """
        stretch = self._stretches[position]
        images, masks = self._reader.read(stretch.rows, scale=self._scale)
        return {"image": images, "mask": masks, "stretch": stretch}


def _reader(shards: ShardSet, options: FitOptions) -> SliceReader:
    """A reader whose open shards the cache has room for: an evicted one takes it until closed."""
    max_open = None
    if options.draw.order == "windowed":
        max_open = options.draw.window_shards
    elif options.data.cache_gb is not None:
        largest = max(entry.bytes for entry in shards.manifest.cases.values())
        max_open = max(1, int(options.data.cache_gb * 1e9 // largest))
    return SliceReader(shards, neighbors=options.view.neighbors, max_open=max_open)
