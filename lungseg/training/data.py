"""Shards -> batches of training and validation slices, from any position of the training."""

import functools
import logging
import os
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from lungseg.augment.crop import Crops
from lungseg.augment.on_device import augment
from lungseg.augment.transplant import Donors
from lungseg.models.build import num_channels
from lungseg.models.view import view_of
from lungseg.options.fit import FitOptions
from lungseg.training.batches import Batch, TrainingSlices, ValidationSlices, clip_of, stretches_of
from lungseg.training.process.loader_workers import begin_worker, end_workers_at_exit
from lungseg.training.process.shared_memory import for_a_pipe, from_a_pipe, has_room
from lungseg.training.slice_weights import weights_of
from lungseg.training.split import split_cases
from shards.console.groups import flat_values
from shards.order.fetch import ShardFetcher
from shards.order.oversample import oversample_ratio
from shards.order.plan import Plan
from shards.order.sampler import PlanSampler
from shards.order.window import Windows
from shards.reading.loader import ThreadedLoader
from shards.reading.stream import SliceStream
from shards.storage.socket_folder import keep_sockets_short
from shards.storage.store import ShardSet

_log = logging.getLogger(__name__)

Loader = DataLoader[Batch] | ThreadedLoader[Any, Batch]

_NUM_READERS = 2
_PREFETCHED = 2  # batches of each loader process, as torch does it
_LOADER_TIMEOUT_S = 600.0
"""After which a loader process is taken to stand still; a server may be away for a minute."""


class SliceData(pl.LightningDataModule):
    """Training batches in the order of the plan, validation batches case by case.

    Its state in a checkpoint is the position of the training, (epoch, samples consumed): a training
    goes on at the very next batch, on any number of ranks.

    Args:
        shards: The shard set.
        options: The options of the training.
    """

    def __init__(self, shards: ShardSet, options: FitOptions) -> None:
        super().__init__()
        self.shards = shards
        self.split = split_cases(shards, options.validation)
        self._options = options
        index = shards.index
        rows = np.flatnonzero(np.isin(index.case, self.split.training))
        tumor = index.tumor[rows]
        self.weights = weights_of(shards.index, options.draw.slice_weights)
        own = None if self.weights is None else self.weights[rows]
        self.plan = Plan(
            rows=rows,
            tumor=tumor,
            oversample=oversample_ratio(options.draw.oversample, tumor, own),
            seed=options.step.seed,
            draw=options.draw.draw,
            own_weights=own,
            windows=Windows(shard=index.case[rows], size=options.draw.window_shards)
            if options.draw.order == "windowed"
            else None,
        )
        self.view = view_of(flat_values(options.view), shards.manifest.recipe)
        self._position = {"epoch": 0, "samples_consumed": 0}

    @property
    def training_shape(self) -> tuple[int, int]:
        """Height and width of what the net is trained on, in pixels."""
        size = self._options.crop.crop_px
        return self.shards.manifest.slice_shape if size is None else (size, size)

    @property
    def transplant(self) -> float:
        """Share of the drawn slices that are to get a tumor of another one."""
        return self._options.transplant

    @functools.cached_property
    def donors(self) -> Donors | None:
        """The tumors that travel into other slices; None where none do."""
        if not self.transplant:
            return None
        index, rows = self.shards.index, self.plan.rows
        given = {"share": self.transplant, "seed": self._options.step.seed}
        donors = Donors.among(rows, index.case[rows], index.tumor_pixels[rows], **given)
        return donors if donors.rows else None

    def train_dataloader(self) -> Loader:
        """This rank's part of the global batches, from the current position."""
        world_size, rank = self._world()
        workers = self._num_workers(self.trainer.num_devices if self.trainer else 1)
        sampler = PlanSampler(
            self.plan,
            batch_size=self._options.step.batch_size,
            rank=rank,
            world_size=world_size,
            fetcher=self._fetcher(),
            ahead=2 * workers or _NUM_READERS + 1,
        )
        sampler.start_at(**self._position)
        stream = self._stream(rank, world_size)
        slices = TrainingSlices(
            self.shards,
            self._options,
            stream,
            scale=self._scale_of_reading(),
            on_device=self._augments_on_device(),
            donors=self.donors,
            crops=self._crops(),
        )
        return self._loader(slices, sampler, workers)

    def val_dataloader(self) -> Loader:
        """Every `world_size`-th stretch of the validation cases."""
        world_size, rank = self._world()
        mine = stretches_of(self.shards.index, self.split.validation)[rank::world_size]
        slices = ValidationSlices(self.shards, self._options, mine, scale=self._scale_of_reading())
        return ThreadedLoader(slices.__getitem__, range(len(slices)), num_threads=_NUM_READERS)

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Note the position as a batch goes to the device: those prefetched do not count.

        What chance decides inside the net (dropout) begins from the position too, so that a
        training that goes on is the one that was cut off.

        Raises:
            shards.errors.ChangedSetError: If a new epoch begins and the shards are others by now.
        """
        del dataloader_idx
        batch = from_a_pipe(batch)
        if "position" in batch:
            position = batch.pop("position")
            if position["epoch"] != self._position["epoch"]:
                self.shards.check_unchanged()
            self._position = position
            torch.manual_seed(self._seed_of_chance(position))
        return batch

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Augment, and turn HU into what the net sees, on the device, unless it is done before."""
        del dataloader_idx
        draws = batch.pop("draws", None)
        if draws is not None:
            clip = clip_of(self.shards.manifest.recipe)
            changed = augment(batch["image"], batch["mask"], draws, clip=clip)
            batch["image"], batch["mask"] = self.view(changed[0]), changed[1]
        if not batch["image"].is_floating_point():
            batch["image"] = self.view(batch["image"])
        return batch

    def names(self, rows: list[int]) -> list[str]:
        """What slices are called in their shards, `<case>-<zzzz>`, by rows of the index."""
        index = self.shards.index
        return [f"{index.cases[index.case[row]]}-{index.z[row]:04d}" for row in rows]

    def state_dict(self) -> dict[str, Any]:
        """The position behind the last batch that was trained on."""
        epoch, consumed = self._position["epoch"], self._position["samples_consumed"]
        if consumed + self._options.step.batch_size > len(self.plan):
            epoch, consumed = epoch + 1, 0
        return {"epoch": epoch, "samples_consumed": consumed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on at a position that `state_dict` gave."""
        self._position = state_dict

    def _fetcher(self) -> ShardFetcher | None:
        """What makes a URL's shards local ahead; a limited cache serves windows only."""
        options, windowed = self._options, self._options.draw.order == "windowed"
        if self.shards.remote is None or options.data.loader != "index":
            return None
        if options.data.cache_gb is not None and not windowed:
            return None
        room = 2 * options.draw.window_shards if windowed else None
        fetcher = ShardFetcher(self.shards, self.plan, num_epochs=options.step.epochs, room=room)
        if options.data.cache_gb is not None and fetcher.num_bytes > options.data.cache_gb * 1e9:
            _log.warning(
                "--cache-gb %g is less than two windows (%.3g GB): shards are fetched more than "
                "once an epoch, allow more or lower --window-shards",
                *(options.data.cache_gb, fetcher.num_bytes / 1e9),
            )
        return fetcher

    def _stream(self, rank: int, world_size: int) -> SliceStream | None:
        if self._options.data.loader == "index":
            return None
        return SliceStream(
            self.shards,
            cases=[self.shards.index.cases[case] for case in self.split.training],
            oversample=self.plan.oversample,
            seed=self._options.step.seed,
            rank=rank,
            world_size=world_size,
            neighbors=self._options.view.neighbors,
        )

    def _crops(self) -> Crops | None:
        crop = self._options.crop
        if crop.crop_px is None:
            return None
        return Crops(size=crop.crop_px, on_tumor=crop.crop_tumor, seed=self._options.step.seed)

    def _seed_of_chance(self, position: dict[str, int]) -> int:
        where = (position["epoch"], position["samples_consumed"], self._world()[1])
        return int(np.random.SeedSequence([self._options.step.seed, *where]).generate_state(1)[0])

    def _augments_on_device(self) -> bool:
        """Whether slices are changed in whole batches, where the net is."""
        on = self._options.augmentation.augment_on
        return on == "device" or (on == "auto" and not self._on_processor())

    def _augments_in_loader(self) -> bool:
        return self._options.augmentation.augment != "none" and not self._augments_on_device()

    def _on_processor(self) -> bool:
        return self.trainer is None or self.trainer.strategy.root_device.type == "cpu"

    def _scale_of_reading(self) -> float | None:
        """The factor for slices that stay on the processor; to a GPU integers travel faster."""
        return self.view.factor if self.trainer is not None and self._on_processor() else None

    def _world(self) -> tuple[int, int]:
        if self.trainer is None:
            return 1, 0
        return self.trainer.world_size, self.trainer.global_rank

    def _num_workers(self, num_here: int) -> int:
        """Processes where slices are changed one by one; threads are better where they are read.

        Beside a net on the processor tumors travel in threads: a GPU takes more than they bring.
        """
        one_by_one = self._augments_in_loader()
        travel = not self._on_processor() and self.donors is not None
        if not (one_by_one or travel):
            return 0
        return num_workers(self._options.data.num_workers, num_here)

    def _loader(self, slices: TrainingSlices, sampler: PlanSampler, workers: int) -> Loader:
        if not workers:
            one_by_one = self._augments_in_loader() or self._options.data.loader != "index"
            threads = 1 if one_by_one else _NUM_READERS
            return ThreadedLoader(slices.__getitem__, sampler, num_threads=threads)
        end_workers_at_exit()
        keep_sockets_short()
        shared = has_room(self._bytes_under_way(workers))
        if not shared:
            _log.info("shared memory is small here: slices come from their processes by pipes")
        return DataLoader(
            slices,
            batch_size=None,
            sampler=sampler,
            num_workers=workers,
            worker_init_fn=begin_worker,
            collate_fn=None if shared else for_a_pipe,
            pin_memory=shared and torch.cuda.is_available(),
            timeout=_LOADER_TIMEOUT_S,
        )

    def _bytes_under_way(self, workers: int) -> int:
        """Of the batches that the loader processes of all ranks hold at a time, with a margin."""
        height, width = self.training_shape
        of_pixel = 4 * num_channels(flat_values(self._options)) + 1
        num_slices = self._options.step.batch_size * (_PREFETCHED * workers + 2)
        return 2 * num_slices * height * width * of_pixel


def num_workers(wanted: int | Literal["auto"], shares: int) -> int:
    """Loader processes of one device; `auto` leaves one of its cores to the training itself."""
    if wanted != "auto":
        return wanted
    return max(0, min(8, len(os.sched_getaffinity(0)) // shares - 1))
