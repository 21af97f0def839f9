"""Which epochs are validated: every so many, and the last."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback


class ValidateEvery(Callback):
    """Has the last epoch validated too, whatever the rhythm.

    Args:
        num_epochs: Every so many epochs one is validated.
    """

    def __init__(self, num_epochs: int) -> None:
        self._num_epochs = num_epochs

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Say whether this epoch is due."""
        del pl_module
        is_last = trainer.current_epoch + 1 == trainer.max_epochs
        trainer.check_val_every_n_epoch = 1 if is_last else self._num_epochs


def is_validated(trainer: pl.Trainer) -> bool:
    """Whether the present epoch is validated."""
    return (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1) == 0
