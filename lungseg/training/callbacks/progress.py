"""What a training shows while it runs: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, ProgressBar, TQDMProgressBar

logger = logging.getLogger(__name__)


class Throughput(Callback):
    """Logs `train/slices_per_s`, over all ranks, validation not counted."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._since = 0.0
        self._num_batches = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock: an epoch that is gone on with has no start."""
        self._since, self._num_batches = time.monotonic(), 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock anew."""
        self._since, self._num_batches = time.monotonic(), 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """Show the mean speed of the epoch so far."""
        self._num_batches += 1
        elapsed = max(time.monotonic() - self._since, 1e-9)
        pl_module.log(
            "train/slices_per_s",
            self._num_batches * self._batch_size / elapsed,
            prog_bar=True,
            rank_zero_only=True,
        )


class EpochLines(ProgressBar):
    """One plain line per epoch, where no terminal could show a bar."""

    def disable(self) -> None:
        """Nothing to do: ranks other than 0, where Lightning asks for this, say nothing anyway."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say how the epoch went."""
        if not trainer.is_global_zero:
            return
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        logger.info(
            "epoch %d/%d: loss %.4f, Dice per case %.4f (n = %d), %.1f slices/s",
            trainer.current_epoch + 1,
            trainer.max_epochs,
            values["train/loss_epoch"],
            values["val/dice_case_mean"],
            values["val/n"],
            values["train/slices_per_s"],
        )


def progress_bar() -> ProgressBar:
    """A bar on a terminal, plain lines elsewhere."""
    return TQDMProgressBar() if sys.stderr.isatty() else EpochLines()
