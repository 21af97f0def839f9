"""Checkpoints: written beside a training, whole or not at all, and read once for all ranks."""

import io
import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning_utilities.core.apply_func import apply_to_collection

from lungseg.errors import TrainingError
from lungseg.training.process.first_rank import of_first_rank
from shards.console.whole import whole_or_nothing

logger = logging.getLogger(__name__)


class WholeCheckpoints(TorchCheckpointIO):
    """A training waits for the copy in memory, not for the disk, but for the first of each file.

    Where a disk is full, the checkpoint of before stays and the training goes on. Weights that are
    no numbers replace none that are.

    Attributes:
        failed: Why the last write failed; None if it did not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failed: str | None = None
        self._writer: ThreadPoolExecutor | None = None
        self._under_way: dict[Path, Future[None]] = {}

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint; one of before at the same place is written first.

        Args:
            checkpoint: What it holds.
            path: Where to.
            storage_options: None.

        Raises:
            TrainingError: If it cannot be written and there is none of before.
        """
        del storage_options
        path = Path(path)
        self._settle(path)
        if not path.exists():
            self._write(checkpoint, path)
            return
        if self._writer is None:
            self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoints")
        self._under_way[path] = self._writer.submit(self._write, _copied(checkpoint), path)

    def load_checkpoint(self, path: str | Path, *_: Any, **__: Any) -> dict[str, Any]:
        """Read a checkpoint; no code in it is run.

        Rank 0 reads it for all: on another node the file of before may still be seen, and ranks
        that go on from two steps would draw slices of two.

        Args:
            path: Of the file.

        Returns:
            What it holds, the same on each rank.
        """
        first = not dist.is_initialized() or dist.get_rank() == 0
        content = of_first_rank(Path(path).read_bytes() if first else b"")
        held: dict[str, Any] = torch.load(
            io.BytesIO(content), map_location="cpu", weights_only=True
        )
        return held

    def settle(self) -> None:
        """Return when all is written."""
        for path in list(self._under_way):
            self._settle(path)

    def teardown(self) -> None:
        """End with all written; Lightning calls it however a training ends."""
        self.settle()
        if self._writer is not None:
            self._writer.shutdown()
            self._writer = None

    def _settle(self, path: Path) -> None:
        if path in self._under_way:
            self._under_way.pop(path).result()

    def _write(self, checkpoint: dict[str, Any], path: Path) -> None:
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


def _copied(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint that later steps do not change, out of the memory of a GPU."""
    copied: dict[str, Any] = apply_to_collection(
        checkpoint, torch.Tensor, lambda tensor: tensor.detach().to("cpu", copy=True)
    )
    return copied


def _is_finite(weights: Mapping[str, torch.Tensor]) -> bool:
    return all(bool(torch.isfinite(value).all()) for value in weights.values())
