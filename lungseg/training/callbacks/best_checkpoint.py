"""Keep the checkpoint with the best guarded Dice, also in a run folder that was moved."""

from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import ModelCheckpoint

from lungseg.scores.dice import GUARDED

BEST = "best.ckpt"


class BestCheckpoint(ModelCheckpoint):
    """Writes best.ckpt whenever the validation Dice, as `guarded_dice` has it, is the best so far.

    Args:
        folder: The run's folder.
    """

    MONITOR = f"val/{GUARDED}"

    def __init__(self, folder: Path) -> None:
        super().__init__(
            dirpath=folder,
            filename=Path(BEST).stem,
            monitor=self.MONITOR,
            mode="max",
            save_top_k=1,
            enable_version_counter=False,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what to beat from the checkpoint; Lightning forgets it where the folder moved."""
        here = str(Path(str(self.dirpath)) / BEST)
        known = state_dict.get("best_model_path")
        score = state_dict["best_model_score"]
        at_home = {
            "dirpath": self.dirpath,
            "best_model_path": here if known else "",
            "best_k_models": {here: score} if known else {},
            "kth_best_model_path": here if known else "",
        }
        super().load_state_dict(state_dict | at_home)
