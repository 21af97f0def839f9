"""The mean loss of each epoch, over its steps and over the ranks."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from lungseg.training.process.ranks import mean_over_ranks


class EpochLoss(Callback):
    """Logs `train/loss_epoch`, the mean over the epoch's steps, those before a resume included.

    The sum lies where the net is, at any time: ranks on GPUs exchange nothing else.
    """

    def __init__(self) -> None:
        self._sum = torch.zeros(())
        self._num_batches = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Bring what a checkpoint held to the device."""
        self._sum = self._sum.to(pl_module.device)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Add the loss of a step, where it lies: a GPU is not waited for."""
        self._sum = self._sum + outputs["loss"].detach().float()
        self._num_batches += 1

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the mean and begin anew."""
        pl_module.log("train/loss_epoch", mean_over_ranks(self._sum) / self._num_batches)
        self._sum, self._num_batches = torch.zeros_like(self._sum), 0

    def state_dict(self) -> dict[str, Any]:
        """What the epoch summed up so far, the mean over the ranks; each of them saves."""
        return {"sum": float(mean_over_ranks(self._sum)), "num_batches": self._num_batches}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there, on every rank with the mean of those that were."""
        self._sum = torch.tensor(state_dict["sum"])
        self._num_batches = state_dict["num_batches"]
