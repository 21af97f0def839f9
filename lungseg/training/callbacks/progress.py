"""What a training shows while it runs: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar, TQDMProgressBar

from lungseg.training.validate_every import is_validated

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 55.0
_STEPS_SHOWN = 10  # of which one is: what it shows of a GPU is waited for


class EpochLines(ProgressBar):
    """A plain line per epoch and at least each minute, where no terminal could show a bar."""

    def __init__(self) -> None:
        super().__init__()
        self._said = self._begun = time.monotonic()
        self._first_step = 0

    def disable(self) -> None:
        """Nothing to do: ranks other than 0, where Lightning asks for this, say nothing anyway."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._said = self._begun = time.monotonic()
        self._first_step = trainer.global_step

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """Say how far the epoch is, once a minute."""
        if self._silent(trainer):
            return
        done, total = trainer.global_step, int(trainer.estimated_stepping_batches)
        pace = (time.monotonic() - self._begun) / max(1, done - self._first_step)
        values = trainer.callback_metrics
        logger.info(
            "epoch %d/%d, step %d/%d: loss %.4f, %.1f slices/s, about %s to go",
            *(trainer.current_epoch + 1, trainer.max_epochs, done, total),
            *(values["train/loss"], values.get("train/slices_per_s", 0.0)),
            duration((total - done) * pace),
        )

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Say how far the validation is, once a minute."""
        if not self._silent(trainer):
            total = int(trainer.num_val_batches[0])
            logger.info(
                "epoch %d/%d: validation, %d of %d batches",
                *(trainer.current_epoch + 1, trainer.max_epochs, batch_idx + 1, total),
            )

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say how the epoch went."""
        if not trainer.is_global_zero:
            return
        self._said = time.monotonic()
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        scored = ""
        if is_validated(trainer) and "val/dice_case_mean" in values:
            dice, n = values["val/dice_case_mean"], values["val/n"]
            missed, false_ml = values["val/dice_missed"], values["val/false_volume_ml"]
            scored = f"Dice per case {dice:.4f} (n = {n:.0f}, {missed:.0f} missed, "
            scored += f"{false_ml:.3g} mL false), "
        logger.info(
            "epoch %d/%d: loss %.4f, %s%.1f slices/s",
            *(trainer.current_epoch + 1, trainer.max_epochs, values["train/loss_epoch"], scored),
            values["train/slices_per_s"],
        )

    def _silent(self, trainer: pl.Trainer) -> bool:
        now = time.monotonic()
        if not trainer.is_global_zero or now - self._said < _SECONDS_BETWEEN_LINES:
            return True
        self._said = now
        return False


def progress_bar() -> ProgressBar:
    """A bar on a terminal, plain lines elsewhere."""
    return TQDMProgressBar(refresh_rate=_STEPS_SHOWN) if sys.stderr.isatty() else EpochLines()


def duration(seconds: float) -> str:
    """A time for people: `40 s`, `12 min`, `5.5 h`, `6.2 days`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"
