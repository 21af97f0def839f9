"""Writes checkpoints beside their place, and whole or not at all."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO

from lungseg.errors import TrainingError
from shards.console.whole import whole_or_nothing

logger = logging.getLogger(__name__)


class WholeCheckpoints(TorchCheckpointIO):
    """Where a disk is full, the checkpoint of before stays and the training goes on.

    Weights that are no numbers replace none that are.

    Attributes:
        failed: Why the last write failed; None if it did not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failed: str | None = None

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint.

        Args:
            checkpoint: What it holds.
            path: Where to.
            storage_options: None.

        Raises:
            TrainingError: If it cannot be written and there is none of before.
        """
        del storage_options
        path = Path(path)
        if path.exists() and not _is_finite(checkpoint.get("state_dict", {})):
            return
        try:
            with whole_or_nothing(path, durable=True) as unfinished, unfinished.open("wb") as file:
                torch.save(checkpoint, file)
            self.failed = None
        except (OSError, RuntimeError) as error:
            self.failed = f"{path} cannot be written ({str(error).splitlines()[0]})"
            if not path.exists():
                raise TrainingError(f"{self.failed}: make room, or choose another --out") from error
            logger.warning("%s: the one of before stays, and the training goes on", self.failed)


def _is_finite(weights: Mapping[str, torch.Tensor]) -> bool:
    return all(bool(torch.isfinite(value).all()) for value in weights.values())
