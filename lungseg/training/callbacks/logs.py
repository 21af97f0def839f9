"""What a training leaves of its numbers: `metrics.csv`, a row per epoch, and `result.json`."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from shards.console.whole import whole_or_nothing, write_whole


class EpochLoss(Callback):
    """Logs `train/loss_epoch`, the mean over the epoch's steps, those before a resume included."""

    def __init__(self) -> None:
        self._sum = torch.zeros(())
        self._num_batches = 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Add the loss of a step, where it lies: a GPU is not waited for."""
        loss = outputs["loss"].detach().float()
        self._sum = self._sum.to(loss.device) + loss
        self._num_batches += 1

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the mean and begin anew."""
        pl_module.log("train/loss_epoch", self._sum / self._num_batches)
        self._sum, self._num_batches = torch.zeros(()), 0

    def state_dict(self) -> dict[str, Any]:
        """What the epoch summed up so far."""
        return {"sum": float(self._sum), "num_batches": self._num_batches}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self._sum = torch.tensor(state_dict["sum"])
        self._num_batches = state_dict["num_batches"]


class EpochTable(Callback):
    """Writes `metrics.csv`, one row per epoch; a resumed training goes on in it."""

    COLUMNS = (
        "epoch",
        "step",
        "train/loss",
        "val/dice_case_mean",
        "val/dice_pooled_soft",
        "val/dice_missed",
        "val/n",
        "train/slices_per_s",
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
        row: dict[str, float] = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        row |= {name: float(values[name]) for name in self.COLUMNS if name in values}
        row["lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        rows = [old for old in _read_table(self._path) if int(old["epoch"]) < trainer.current_epoch]
        with (
            whole_or_nothing(self._path) as unfinished,
            unfinished.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, self.COLUMNS)
            writer.writeheader()
            writer.writerows([*rows, row])


class BestScore(Callback):
    """Writes `result.json` whenever the validation Dice is the best so far.

    Args:
        path: The file.
        fixed: What stands beside the scores in it.
    """

    def __init__(self, path: Path, fixed: Mapping[str, Any]) -> None:
        self._path = path
        self._fixed = fixed
        self.best: dict[str, Any] | None = None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Keep the scores if their Dice is the best."""
        scores = pl_module.scores
        if self.best is not None and scores["dice_case_mean"] <= self.best["dice_case_mean"]:
            return
        self.best = {**scores, "epoch": trainer.current_epoch, **self._fixed}
        if trainer.is_global_zero:
            write_json(self.best, self._path)

    def state_dict(self) -> dict[str, Any]:
        """The best scores, so that a resumed training knows what to beat."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the best scores of the checkpoint."""
        self.best = state_dict["best"]


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write a JSON file that is whole whenever it is there."""
    write_whole(path, json.dumps(content, indent=1) + "\n")


def _read_table(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
