"""Keep last.ckpt, which `--resume` goes on from: after each epoch, every so often inside one."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint

LAST = "last.ckpt"


class LastCheckpoint(ModelCheckpoint):
    """Writes last.ckpt after each epoch.

    Args:
        folder: The run's folder.
        when: Lightning's arguments for other times.
    """

    def __init__(self, folder: Path, **when: Any) -> None:
        super().__init__(
            dirpath=folder, filename=Path(LAST).stem, enable_version_counter=False, **when
        )

    def state_dict(self) -> dict[str, Any]:
        """Nothing: where a training goes on, the folder and the times may be others."""
        return {}


class LastCheckpointInsideEpoch(LastCheckpoint):
    """Writes last.ckpt between two batches of an epoch.

    Lightning takes a checkpoint of the last batch for one of a finished epoch: a training that goes
    on from it would never validate that epoch. So that batch is left to the save after the epoch.

    Args:
        folder: The run's folder.
        minutes: Least time between two writes.
    """

    def __init__(self, folder: Path, *, minutes: float) -> None:
        super().__init__(folder, train_time_interval=timedelta(minutes=minutes))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *rest: Any
    ) -> None:
        """Save if it is time and another batch of the epoch follows."""
        if not trainer.is_last_batch:
            super().on_train_batch_end(trainer, pl_module, *rest)
