"""One training from options to scores: checks, Lightning's trainer, and what it leaves behind."""

import logging
import pickle
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger

from lungseg.errors import TrainingError
from lungseg.options.fit import FitOptions
from lungseg.training.callbacks.best_checkpoint import BestCheckpoint
from lungseg.training.callbacks.best_score import BestScore
from lungseg.training.callbacks.epoch_loss import EpochLoss
from lungseg.training.callbacks.epoch_table import EpochTable
from lungseg.training.callbacks.last_checkpoint import (
    LAST,
    LastCheckpoint,
    LastCheckpointInsideEpoch,
)
from lungseg.training.callbacks.progress import Throughput, progress_bar
from lungseg.training.callbacks.slice_pictures import SlicePictures
from lungseg.training.data import SliceData
from lungseg.training.module import LungSegmenter
from lungseg.training.resume import checkpoint_to_resume
from shards.console.command import save_config
from shards.console.groups import replaced
from shards.console.whole import write_json
from shards.storage.store import ShardSet, open_shards

logger = logging.getLogger(__name__)


def fit(options: FitOptions, *, callbacks: Sequence[Callback] = ()) -> dict[str, Any] | None:
    """Train as the options say.

    Args:
        options: The options.
        callbacks: Further Lightning callbacks, for example a search's report.

    Returns:
        The scores of the best epoch with their definition, grid, threshold and n, and the
        checkpoint's path; None on ranks other than 0.

    Raises:
        TrainingError: If the training cannot start or go on.
        shards.errors.ShardError: If the shards cannot be read.
    """
    _quiet_lightning()
    shards, options = _open(options)
    checkpoint = checkpoint_to_resume(options, shards)
    data = SliceData(shards, options)
    pl.seed_everything(options.step.seed, verbose=False)
    module = LungSegmenter(options, data)
    best = BestScore(options.run.out / "result.json", _passport(options, data))
    trainer = _trainer(options, [*_callbacks(options, data), best, *callbacks])
    _check_batch_size(options, trainer.world_size)
    if trainer.is_global_zero:
        options.run.out.mkdir(parents=True, exist_ok=True)
        save_config(replaced(options, resume=False), options.run.out / "config.yaml")
    try:
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    except SystemExit as leaving:
        if isinstance(leaving.__context__, KeyboardInterrupt):  # Lightning's way with a Ctrl-C
            last = options.run.out / LAST
            if last.exists():
                logger.info("the same command with --resume goes on from %s", last)
            raise KeyboardInterrupt from None
        raise
    if not trainer.is_global_zero or best.best is None:
        return None
    return best.best | {"checkpoint": str(options.run.out / "best.ckpt")}


def validate(options: FitOptions, checkpoint: Path) -> dict[str, Any] | None:
    """Score a checkpoint on the validation cases; the number of devices does not change a bit.

    Args:
        options: The options of the training that made the checkpoint.
        checkpoint: The checkpoint.

    Returns:
        As `fit`; None on ranks other than 0.

    Raises:
        TrainingError: If the checkpoint is none of such a training.
    """
    _quiet_lightning()
    shards, options = _open(options)
    data = SliceData(shards, options)
    module = LungSegmenter(options, data)
    trainer = _trainer(options, [])
    _load_weights(module, checkpoint)
    trainer.validate(module, data, verbose=False)
    if not trainer.is_global_zero:
        return None
    scores = module.scores | _passport(options, data) | {"checkpoint": str(checkpoint)}
    options.run.out.mkdir(parents=True, exist_ok=True)
    write_json(options.run.out / "validation.json", scores)
    return scores


def _open(options: FitOptions) -> tuple[ShardSet, FitOptions]:
    """The shards, and the options without a secret of their URL: files of the run keep those."""
    limit = None if options.data.cache_gb is None else int(options.data.cache_gb * 1e9)
    shards = open_shards(options.data.shards, cache=options.data.cache, cache_bytes=limit)
    return shards, replaced(options, shards=shards.url)


def _load_weights(module: LungSegmenter, checkpoint: Path) -> None:
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        module.load_state_dict(content["state_dict"])
    except (OSError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as error:
        what = str(error).splitlines()[0]
        raise TrainingError(
            f"--validate {checkpoint} is no checkpoint of a training with these options ({what}): "
            "give its best.ckpt, and its config.yaml as --config"
        ) from error


def _passport(options: FitOptions, data: SliceData) -> dict[str, Any]:
    height, width = data.shards.manifest.slice_shape
    return {
        "grid": f"model: the slices in the shards, {height} x {width} pixels",
        "threshold": options.validation.threshold,
        "fold": options.validation.fold,
    }


def _callbacks(options: FitOptions, data: SliceData) -> list[Callback]:
    return [
        EpochLoss(),
        progress_bar(),
        Throughput(options.step.batch_size),
        EpochTable(options.run.out / "metrics.csv"),
        SlicePictures(options.run.out / "pictures", data, threshold=options.validation.threshold),
        BestCheckpoint(options.run.out),
        LastCheckpoint(options.run.out, save_on_train_epoch_end=True),
        LastCheckpointInsideEpoch(options.run.out, minutes=options.machine.checkpoint_minutes),
    ]


def _trainer(options: FitOptions, callbacks: list[Callback]) -> pl.Trainer:
    try:
        return pl.Trainer(
            accelerator=options.machine.accelerator,
            devices=options.run.devices,
            strategy="ddp" if options.run.devices not in (1, "auto") else "auto",
            precision=_precision(options),
            max_epochs=options.step.epochs,
            logger=TensorBoardLogger(options.run.out / "tensorboard", name="", version=""),
            callbacks=callbacks,
            gradient_clip_val=options.step.clip,
            num_sanity_val_steps=0,
            log_every_n_steps=1,
            use_distributed_sampler=False,
            enable_model_summary=False,
            enable_progress_bar=bool(callbacks),
        )
    except MisconfigurationException as error:
        found = torch.cuda.device_count()
        raise TrainingError(
            f"--devices {options.run.devices} with --accelerator {options.machine.accelerator} "
            f"cannot be had here, {found} GPUs were found: lower --devices, or train on processors "
            "with --accelerator cpu"
        ) from error


def _precision(options: FitOptions) -> Any:
    if options.machine.precision != "auto":
        return {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}[options.machine.precision]
    on_gpu = options.machine.accelerator != "cpu" and torch.cuda.is_available()
    return "bf16-mixed" if on_gpu and torch.cuda.is_bf16_supported() else "32-true"


def _check_batch_size(options: FitOptions, num_devices: int) -> None:
    if options.step.batch_size % num_devices:
        raise TrainingError(
            f"--batch-size counts the slices of all devices together and must be a multiple of "
            f"their number, got {options.step.batch_size} for {num_devices} devices"
        )


def _quiet_lightning() -> None:
    """Keep Lightning to what a user can act on; its own advice does not fit this data path."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for message in (
        ".*does not have many workers.*",
        ".*Checkpoint directory .* exists and is not empty.*",
        ".*It is recommended to use .* when logging on epoch level.*",
        ".*isinstance\\(treespec, LeafSpec\\).*",
        ".*srun.*",
        ".*`compute` method of metric CaseDice was called before.*",  # a rank without a case
        ".*Trying to infer the `batch_size`.*",
        ".*your dataloader is not resumable.*",  # its position is in the checkpoint
    ):
        warnings.filterwarnings("ignore", message=message)
