"""How fast a training is, and what it waits for."""

import logging
import time
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

_MUCH = 0.2
_WORTH_A_HINT_S = 60.0

logger = logging.getLogger(__name__)


class Throughput(Callback):
    """Logs speed over all ranks, and the shares of waiting for data and of validation.

    `train/slices_per_s` and `train/data_wait` do not count the validation, `val/time_share` is its
    share of the epoch. On a GPU `train/gpu_gb` is the most memory that was taken there so far.

    Args:
        batch_size: Slices of a step, over all ranks.
    """

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._hinted = False
        self._begin()

    def _begin(self) -> None:
        self._since = self._left = time.monotonic()
        self._waited = self._validated = 0.0
        self._num_batches = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock: an epoch that is gone on with has no start."""
        self._begin()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock anew."""
        self._begin()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Count what passed since the last step."""
        self._waited += time.monotonic() - self._left

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """Show the mean speed of the epoch so far."""
        self._num_batches += 1
        self._left = time.monotonic()
        speed = torch.tensor(self._num_batches * self._batch_size / self._elapsed())
        pl_module.log("train/slices_per_s", speed, prog_bar=True, rank_zero_only=True)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the clock of the steps."""
        self._validated -= time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Let it go on."""
        self._validated += time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the shares, and say which option to change where data are what is waited for."""
        wait, total = self._waited / self._elapsed(), self._elapsed() + self._validated
        values = {"train/data_wait": wait, "val/time_share": self._validated / total}
        values |= {"train/epoch_seconds": total} | _peak_of(pl_module.device)
        pl_module.log_dict(values, rank_zero_only=True)
        if wait > _MUCH and total > _WORTH_A_HINT_S and trainer.is_global_zero and not self._hinted:
            self._hinted = True
            logger.info(
                "%.0f %% of the time was spent waiting for slices: raise --num-workers, or lower "
                "--augment",
                100 * wait,
            )

    def _elapsed(self) -> float:
        """Seconds of the epoch so far, without those of the validation."""
        return max(time.monotonic() - self._since - self._validated, 1e-9)


def _peak_of(device: torch.device) -> dict[str, float]:
    if device.type != "cuda":
        return {}
    return {"train/gpu_gb": torch.cuda.max_memory_allocated(device) / 1e9}
