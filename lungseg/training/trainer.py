"""The options of a training -> Lightning's trainer."""

import logging
import warnings

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.io.checkpoint_io import CheckpointIO
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger

from lungseg.errors import TrainingError
from lungseg.options.fit import FitOptions
from lungseg.training.machine.precision import precision_of
from lungseg.training.process.world import World


def build_trainer(
    options: FitOptions,
    callbacks: list[Callback],
    *,
    loggers: list[Logger],
    world: World,
    checkpoint_io: CheckpointIO,
) -> pl.Trainer:
    """The trainer; it looks at no environment but the one that it is given.

    Args:
        options: The options.
        callbacks: What happens beside the training; without any it shows no progress either.
        loggers: Where the values of each step go.
        world: Who trains together.
        checkpoint_io: Writes the checkpoints.

    Raises:
        TrainingError: If the devices cannot be had, or cannot share a batch.
    """
    step, run = options.step, options.run
    try:
        trainer = pl.Trainer(
            accelerator=options.machine.accelerator,
            devices=world.devices,
            num_nodes=world.nodes,
            strategy="auto" if world.alone else "ddp",
            precision=precision_of(options.machine),
            max_epochs=step.epochs,
            check_val_every_n_epoch=run.validate_every,
            limit_val_batches=0 if options.validation.fold == "none" else None,
            logger=loggers,
            callbacks=callbacks,
            plugins=[world.environment, checkpoint_io],
            gradient_clip_val=step.clip,
            num_sanity_val_steps=0,
            log_every_n_steps=_steps_of_a_point(options),
            use_distributed_sampler=False,
            enable_model_summary=False,
            enable_progress_bar=bool(callbacks),
        )
    except MisconfigurationException as error:
        found = torch.cuda.device_count()
        raise TrainingError(
            f"--devices {run.devices} with --accelerator {options.machine.accelerator} "
            f"cannot be had here, {found} GPUs were found: lower --devices, or train on processors "
            "with --accelerator cpu"
        ) from error
    _ask_no_signal_of_the_device(trainer)
    if step.batch_size < trainer.world_size:
        raise TrainingError(
            f"--batch-size counts the slices of all devices together and must be at least "
            f"their number, got {step.batch_size} for {trainer.world_size} devices"
        )
    return trainer


def _ask_no_signal_of_the_device(trainer: pl.Trainer) -> None:
    """Spare each step an exchange that waits for the GPU: `EndTogether` has the signals."""
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = _nothing  # type: ignore[method-assign]  # noqa: SLF001


def _nothing() -> None:
    """Do it."""


def _steps_of_a_point(options: FitOptions) -> int:
    """Steps of which one is a point of a curve: what is drawn of a GPU is waited for."""
    on_gpu = options.machine.accelerator != "cpu" and torch.cuda.is_available()
    return 20 if on_gpu else 1


def quiet_lightning() -> None:
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
