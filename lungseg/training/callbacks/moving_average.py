"""The moving average of the weights, which is validated and kept."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage(WeightAveraging):
    """Averages the weights exponentially after each step.

    A checkpoint holds the average as its weights, and those that a training goes on with apart.

    Args:
        decay: What of the average stays in each step.
    """

    def __init__(self, decay: float) -> None:
        super().__init__()
        self._begin, self._go_on = (get_ema_multi_avg_fn(kept) for kept in (0.0, decay))  # type: ignore[no-untyped-call]

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Follow the weights to the device, which they were not on yet when the copy was made."""
        if self._average_model is not None:
            self._average_model.to(pl_module.device)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *rest: Any
    ) -> None:
        """Average; torch's own way asks the device whether it is the first time, and waits."""
        if self._average_model is None or trainer.global_step <= self._latest_update_step:
            return
        update = self._go_on if self._latest_update_step else self._begin
        averages, kept = _floats_and_counts(self._average_model.module)
        weights, counts = _floats_and_counts(pl_module)
        update(averages, weights, None)
        for old, count in zip(kept, counts, strict=True):
            old.copy_(count)
        self._average_model.n_averaged += 1
        self._latest_update_step = trainer.global_step


def _floats_and_counts(model: torch.nn.Module) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Weights with running means, and integers."""
    values = [value.detach() for value in (*model.parameters(), *model.buffers())]
    floats = [value for value in values if value.is_floating_point()]
    return floats, [value for value in values if not value.is_floating_point()]
