"""Shards -> batches of training and validation slices, from any position of the training."""

import dataclasses
import os
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from lungseg.augment import Augmenter
from lungseg.config import FitOptions
from lungseg.errors import TrainingError
from shards.index import ShardIndex
from shards.plan import Plan, oversample_ratio
from shards.reader import SliceReader
from shards.sampler import BatchRequest, PlanSampler
from shards.store import ShardSet
from shards.stream import SliceStream

Batch = dict[str, Any]

STRETCH = 16
"""Slices that are scored together."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split:
    """Which cases train and which validate.

    Attributes:
        training: Positions of the training cases in the index's `cases`.
        validation: Those of the validation cases.
    """

    training: tuple[int, ...]
    validation: tuple[int, ...]


def split_by_fold(shards: ShardSet, fold: int) -> Split:
    """Validation on the cases of one fold, training on all others.

    Args:
        shards: The shard set.
        fold: The fold, 0-based.

    Returns:
        The split.

    Raises:
        TrainingError: If there is no such fold, nothing to train on, or no tumor to find in it.
    """
    folds = [shards.manifest.folds[case] for case in shards.index.cases]
    validation = tuple(i for i, of_case in enumerate(folds) if of_case == fold)
    training = tuple(i for i, of_case in enumerate(folds) if of_case != fold)
    if not validation or not training:
        raise TrainingError(
            f"--fold {fold} leaves {len(training)} cases to train on and {len(validation)} to "
            f"validate on; {shards.url} has the folds {sorted(set(folds))}"
        )
    if not shards.index.tumor[np.isin(shards.index.case, validation)].any():
        raise TrainingError(
            f"no slice of fold {fold} shows tumor, so Dice per case cannot be told: choose another "
            f"--fold of {sorted(set(folds))}"
        )
    return Split(training=training, validation=validation)


class SliceData(pl.LightningDataModule):
    """Training batches in the order of the plan, validation batches case by case.

    Its state in a checkpoint is the position of the training, (epoch, samples consumed), and the
    hash of the manifest: a training goes on at the very next batch, on any number of ranks, and
    refuses shards that changed.

    Args:
        shards: The shard set.
        options: The options of the training.
    """

    def __init__(self, shards: ShardSet, options: FitOptions) -> None:
        super().__init__()
        self.shards = shards
        self.split = split_by_fold(shards, options.fold)
        self._options = options
        index = shards.index
        rows = np.flatnonzero(np.isin(index.case, self.split.training))
        tumor = index.tumor[rows]
        ratio = oversample_ratio(options.oversample, tumor)
        self.plan = Plan(rows=rows, tumor=tumor, oversample=ratio, seed=options.seed)
        self._position = {"epoch": 0, "samples_consumed": 0}

    @property
    def scale(self) -> float:
        """Factor from HU to the model's input."""
        return float(self.shards.manifest.recipe["scale"])

    def train_dataloader(self) -> DataLoader[Batch]:
        """This rank's part of the global batches, from the current position."""
        world_size, rank = self._world()
        sampler = PlanSampler(
            self.plan, batch_size=self._options.batch_size, rank=rank, world_size=world_size
        )
        sampler.start_at(**self._position)
        slices = TrainingSlices(self.shards, self._options, self._stream(rank, world_size))
        return self._loader(slices, sampler, shares=world_size)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Every `world_size`-th stretch of the validation cases."""
        world_size, rank = self._world()
        mine = stretches_of(self.shards.index, self.split.validation)[rank::world_size]
        slices = ValidationSlices(self.shards, mine, self._options.neighbors)
        return self._loader(slices, None, shares=world_size)

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Note the position as a batch goes to the device: those prefetched do not count.

        Raises:
            shards.errors.ChangedSetError: If a new epoch begins and the shards are others by now.
        """
        del dataloader_idx
        if "position" in batch:
            position = batch.pop("position")
            if position["epoch"] != self._position["epoch"]:
                self.shards.check_unchanged()
            self._position = position
        return batch

    def state_dict(self) -> dict[str, Any]:
        """The position behind the last batch that was trained on."""
        epoch, consumed = self._position["epoch"], self._position["samples_consumed"]
        if consumed + self._options.batch_size > len(self.plan):
            epoch, consumed = epoch + 1, 0
        return {
            "epoch": epoch,
            "samples_consumed": consumed,
            "manifest_sha256": self.shards.manifest_sha256,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on at a position that `state_dict` gave.

        Raises:
            TrainingError: If the shards are not those that the training began with.
        """
        if state_dict["manifest_sha256"] != self.shards.manifest_sha256:
            raise TrainingError(
                f"{self.shards.url} has changed since the training began (manifest "
                f"{self.shards.manifest_sha256[:12]}, then {state_dict['manifest_sha256'][:12]}): "
                "go on with the old shards, or start a new training in another --out"
            )
        self._position = {name: state_dict[name] for name in ("epoch", "samples_consumed")}

    def _stream(self, rank: int, world_size: int) -> SliceStream | None:
        if self._options.loader == "index":
            return None
        return SliceStream(
            self.shards,
            cases=[self.shards.index.cases[case] for case in self.split.training],
            oversample=self.plan.oversample,
            seed=self._options.seed,
            rank=rank,
            world_size=world_size,
            neighbors=self._options.neighbors,
        )

    def _world(self) -> tuple[int, int]:
        if self.trainer is None:
            return 1, 0
        return self.trainer.world_size, self.trainer.global_rank

    def _loader(
        self, slices: Dataset[Batch], sampler: PlanSampler | None, *, shares: int
    ) -> DataLoader[Batch]:
        return DataLoader(
            slices,
            batch_size=None,
            sampler=sampler,
            num_workers=num_workers(self._options.num_workers, shares),
            worker_init_fn=_one_thread,
        )


class TrainingSlices(Dataset[Batch]):
    """Augmented batches by request; a stream, where there is one, chooses the slices itself."""

    def __init__(self, shards: ShardSet, options: FitOptions, stream: SliceStream | None) -> None:
        self._stream = stream
        recipe = shards.manifest.recipe
        self._scale = np.float32(recipe["scale"])
        self._reader = SliceReader(shards, neighbors=options.neighbors)
        clip = (int(recipe["clip"][0]), int(recipe["clip"][1]))
        self._augment = Augmenter(options.augment, clip=clip, seed=options.seed)

    def __getitem__(self, request: BatchRequest) -> Batch:
        """Read and augment the slices of one step.

        Returns:
            `image` (b, neighbors, h, w) float32 of HU times scale, `mask` (b, 1, h, w) uint8, and
            the training's `position` after the step.
        """
        images, masks = self._read(request)
        changed = _aligned(images.shape)
        for b, position in enumerate(request.positions):
            changed[b], masks[b, 0] = self._augment(
                images[b], masks[b, 0], epoch=request.epoch, position=int(position)
            )
        changed *= self._scale
        position = {"epoch": request.epoch, "samples_consumed": request.samples_consumed}
        return {"image": changed, "mask": masks, "position": position}

    def _read(self, request: BatchRequest) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
        if self._stream is None:
            return self._reader.read(request.rows)
        return self._stream.read(epoch=request.epoch, count=len(request.rows))


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
    all_rows = np.flatnonzero(np.isin(index.case, cases))
    stretches: list[Stretch] = []
    for number, case in enumerate(cases):
        of_case = np.flatnonzero(index.case[all_rows] == case)
        for start in range(0, len(of_case), STRETCH):
            slices = of_case[start : start + STRETCH]
            stretches.append(
                Stretch(number=len(stretches), case=number, slices=slices, rows=all_rows[slices])
            )
    return stretches


class ValidationSlices(Dataset[Batch]):
    """Whole stretches as batches; a rank without any has one empty batch, so that it takes part."""

    def __init__(self, shards: ShardSet, stretches: list[Stretch], neighbors: int) -> None:
        self._scale = np.float32(shards.manifest.recipe["scale"])
        self._reader = SliceReader(shards, neighbors=neighbors)
        nothing = np.zeros(0, np.int64)
        empty = Stretch(number=0, case=0, slices=nothing, rows=nothing)
        self._stretches = stretches or [empty]

    def __len__(self) -> int:
        return len(self._stretches)

    def __getitem__(self, position: int) -> Batch:
        """Read one stretch.

        Returns:
            `image` and `mask` as in training, and the `stretch` it is.
        """
        stretch = self._stretches[position]
        images, masks = self._reader.read(stretch.rows)
        image = _aligned(images.shape)
        np.multiply(images, self._scale, out=image)
        return {"image": image, "mask": masks, "stretch": stretch}


def _aligned(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Uninitialized floats where torch would put them: a convolution's last bit depends on it."""
    return torch.empty(shape).numpy()


def num_workers(wanted: int | Literal["auto"], shares: int) -> int:
    """Loader processes of one device; `auto` leaves one of its cores to the training itself."""
    if wanted != "auto":
        return wanted
    return max(0, min(8, len(os.sched_getaffinity(0)) // shares - 1))


def _one_thread(worker: int) -> None:
    del worker
    cv2.setNumThreads(0)
