"""Keep last.ckpt, which `--resume` goes on from: after each epoch, every so often inside one."""

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint, ModelCheckpoint

from lungseg.training.process.agreement import Agreement

LAST = "last.ckpt"


class LastCheckpoint(ModelCheckpoint):
    """Writes last.ckpt after each epoch.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(
            dirpath=folder,
            filename=Path(LAST).stem,
            enable_version_counter=False,
            save_on_train_epoch_end=True,
        )

    def state_dict(self) -> dict[str, Any]:
        """Nothing: where a training goes on, the folder may be another."""
        return {}


class LastCheckpointInsideEpoch(Checkpoint):
    """Writes last.ckpt between two batches of an epoch.

    Rank 0 says when, by way of the processors: Lightning's own waits for the GPU in every step.
    Lightning takes a checkpoint of the last batch for one of a finished epoch: a training that goes
    on from it would never validate that epoch. So that batch is left to the save after the epoch.

    Args:
        folder: The run's folder.
        minutes: Least time between two writes.
    """

    def __init__(self, folder: Path, *, minutes: float) -> None:
        self._path, self._seconds = folder / LAST, 60 * minutes
        self._since: float
        self._agreement: Agreement

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._since, self._agreement = time.monotonic(), Agreement()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *rest: Any
    ) -> None:
        """Save if it is time and another batch of the epoch follows."""
        if trainer.is_last_batch:
            self._agreement.withdraw()
            return
        if trainer.is_global_zero and time.monotonic() - self._since >= self._seconds:
            self._agreement.propose(1)
        if self._agreement.known():
            self._agreement.withdraw()
            self._since = time.monotonic()
            trainer.save_checkpoint(self._path)
