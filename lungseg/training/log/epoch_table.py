"""A row per epoch in metrics.csv."""

import csv
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from lungseg.scores.dice import GUARDED
from lungseg.training.validate_every import is_validated
from shards.console.whole import whole_or_nothing

TIMES = (
    "train/slices_per_s",
    "train/data_wait",
    "val/time_share",
    "train/epoch_seconds",
    "train/gpu_gb",
)
"""Columns in which two runs differ though they are the same; the last is empty without a GPU."""


class EpochTable(Callback):
    """Writes `metrics.csv`, one row per epoch; a resumed training goes on in it."""

    COLUMNS = (
        "epoch",
        "step",
        "train/loss",
        "val/loss",
        "val/dice_case_mean",
        f"val/{GUARDED}",
        "val/dice_pooled_soft",
        "val/dice_missed",
        "val/false_volume_ml",
        "val/n",
        *TIMES,
        "lr",
    )

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the row of the epoch."""
        if not trainer.is_global_zero:
            return
        values = trainer.callback_metrics | {
            "train/loss": trainer.callback_metrics["train/loss_epoch"]
        }
        epoch = trainer.current_epoch + 1
        row: dict[str, float] = {"epoch": epoch, "step": trainer.global_step}
        known = [name for name in self.COLUMNS if name in values]
        if not is_validated(trainer):  # what is known of it is an earlier epoch's
            known = [name for name in known if not name.startswith("val/") or name in TIMES]
        row |= {name: float(values[name]) for name in known}
        row["lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        rows = [old for old in _read_table(self._path) if int(old["epoch"]) < epoch]
        with (
            whole_or_nothing(self._path) as unfinished,
            unfinished.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, self.COLUMNS)
            writer.writeheader()
            writer.writerows([*rows, row])


def _read_table(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
