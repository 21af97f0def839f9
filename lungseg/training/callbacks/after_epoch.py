"""Tell someone of every finished epoch, once its checkpoints are written."""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from lungseg.training.checkpoint_io import WholeCheckpoints


class AfterEpoch(Checkpoint):
    """Calls a function after each epoch.

    It is a `Checkpoint` because Lightning calls those last, in their order in the list: whatever
    the function does, ending the training included, last.ckpt and metrics.csv hold the epoch.

    Args:
        tell: What to call, on rank 0.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Tell of the epoch."""
        del pl_module
        if trainer.is_global_zero:
            checkpoint_io = trainer.strategy.checkpoint_io
            if isinstance(checkpoint_io, WholeCheckpoints):
                checkpoint_io.settle()
            self._tell()
