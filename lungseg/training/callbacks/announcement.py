"""What a training says before its first step, and after some of the time that it takes."""

import logging
import time
from typing import Any

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from lungseg.training.callbacks.progress import duration
from lungseg.training.data import SliceData
from lungseg.training.machine.cost import Cost, seconds_on_processors
from lungseg.training.split import patients_on_both_sides
from shards.console.words import counted, some
from shards.order.oversample import tumor_share

_STEPS_MEASURED = 3
_LEAST_STEP_S = 0.05  # of the tiniest net: reading, and what is around its arithmetic
_LONG_S = 12 * 3600.0
_SMALLER = "a processor is slow at this: --preset small takes a fraction of the time"

logger = logging.getLogger(__name__)


class Announcement(Callback):
    """Says on rank 0 what is trained on what, and how long it will take.

    Args:
        data: The data of the training.
        cost: The cost of a step of one process; None where it is not known.
    """

    def __init__(self, data: SliceData, cost: Cost | None) -> None:
        self._data, self._cost = data, cost
        self._since: float | None = None
        self._first = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say what there is to say without a step."""
        if not trainer.is_global_zero:
            return
        for line in (self._of_data(), self._of_net(trainer, pl_module)):
            logger.info(line)
        self._warn()
        device = trainer.strategy.root_device.type
        if device == "cpu" and self._cost is not None:
            steps = int(trainer.estimated_stepping_batches) - trainer.global_step
            arithmetic = seconds_on_processors(self._cost.flops * trainer.world_size)
            seconds = max(arithmetic, _LEAST_STEP_S) * steps
            logger.info("%d steps take very roughly %s here", steps, duration(seconds))
            if seconds > _LONG_S:
                logger.info(_SMALLER)
        self._since, self._first = time.monotonic(), trainer.global_step

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """Say how long it will take, once some steps were measured."""
        taken = trainer.global_step - self._first
        if taken == 1 and self._since is not None:
            self._since = time.monotonic()  # the first step is no measure
        if taken <= _STEPS_MEASURED or self._since is None:
            return
        pace = (time.monotonic() - self._since) / (taken - 1)
        left = pace * (int(trainer.estimated_stepping_batches) - trainer.global_step)
        logger.info("%.3g s a step: about %s to go, without validation", pace, duration(left))
        self._since = None

    def _warn(self) -> None:
        both = patients_on_both_sides(self._data.shards, self._data.split)
        if both:
            logger.warning(
                "some scans of %s train and others validate: the scores will be too good",
                some([f"patient {who}" for who in both]),
            )

    def _of_data(self) -> str:
        split, index = self._data.split, self._data.shards.index
        plan = self._data.plan
        training, validation = (
            f"{counted(len(cases), 'case')} "
            f"({np.count_nonzero(np.isin(index.case, cases)):,} slices)"
            for cases in (split.training, split.validation)
        )
        share = tumor_share(plan.tumor, plan.oversample, plan.own_weights)
        return (
            f"training on {training}, {100 * plan.tumor.mean():.3g} % of them with tumor and drawn "
            f"as {100 * share:.3g} %{self._of_transplants()}; validating on {validation}"
        )

    def _of_transplants(self) -> str:
        wanted = self._data.transplant
        if self._data.donors is not None:
            return f", {100 * wanted:.3g} % get one of another slice where it fits"
        return ", none of them large enough to be put into another slice" if wanted else ""

    def _of_net(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> str:
        height, width = self._data.training_shape
        num_weights = sum(weight.numel() for weight in pl_module.parameters())
        memory = f", about {self._cost.num_bytes / 1e9:.2g} GB" if self._cost else ""
        return (
            f"a net of {num_weights:,} parameters on {height} x {width} pixels, on "
            f"{trainer.world_size} {trainer.strategy.root_device.type} at precision "
            f"{trainer.precision.partition('-')[0]}{memory}"
        )
