"""The scores of the best epoch so far, in result.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from lungseg.scores.dice import GUARDED
from shards.console.whole import write_json


class BestScore(Callback):
    """Writes `result.json` whenever the guarded Dice of the validation is the best so far.

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
        if self.best is not None and scores[GUARDED] <= self.best[GUARDED]:
            return
        self.best = {**scores, "epoch": trainer.current_epoch + 1, **self._fixed}
        if trainer.is_global_zero:
            write_json(self._path, self.best)

    def state_dict(self) -> dict[str, Any]:
        """The best scores, so that a resumed training knows what to beat."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the best scores of the checkpoint."""
        self.best = state_dict["best"]
        if self.best is not None:  # before there was a guard, Dice alone decided
            self.best.setdefault(GUARDED, self.best["dice_case_mean"])
