"""One rank of a training on a cluster: what its process does, and tells of it."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_utilities.core.rank_zero import rank_zero_only
from pytorch_lightning.callbacks import Callback

from cluster.rank import Place, Rank
from lungseg.options.fit import FitOptions
from lungseg.training.process.kept_run import kept_run
from lungseg.training.process.world import World
from lungseg.training.run import fit, validate

STEPPED, KEPT = "stepped", "kept"
"""News of rank 0: its first step is done; a checkpoint is written. Others are a log's level and
text."""

_TOLD = ("lungseg", "shards")  # whose logs


class GangEnvironment(LightningEnvironment):
    """Tells Lightning of a place: each rank is a node of one device to it.

    Args:
        place: The place.
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    @property
    def creates_processes_externally(self) -> bool:
        """They are there."""
        return True

    @property
    def main_address(self) -> str:
        """Of the node of rank 0."""
        return self._place.address

    @property
    def main_port(self) -> int:
        """Where rank 0 will listen."""
        return self._place.port

    def world_size(self) -> int:
        """Number of ranks."""
        return self._place.size

    def set_world_size(self, size: int) -> None:
        """It is what it is."""

    def global_rank(self) -> int:
        """This one's number."""
        return self._place.number

    def set_global_rank(self, rank: int) -> None:
        """Lightning's own notion of who is first follows."""
        del rank
        _first_is_rank_0(self._place)

    def local_rank(self) -> int:
        """Its only device."""
        return 0

    def node_rank(self) -> int:
        """As each rank is a node."""
        return self._place.number


def train(options: FitOptions, rank: Rank) -> dict[str, Any] | None:
    """Train, or validate, as one rank of a gang.

    Args:
        options: With paths that hold on every node.
        rank: Which one.

    Returns:
        The scores; `{"signal": number}` where the training was asked to end; None on ranks other
        than 0.

    Raises:
        lungseg.errors.TrainingError: If the training cannot start or go on.
    """
    with _logs_told(rank), joined(rank.place, asked=rank.asked) as world:
        try:
            with kept_run(options, "training") as (own, said):
                result = _trained(own, rank, world)
                return result and said(result)
        except (SystemExit, KeyboardInterrupt):
            return {"signal": rank.asked()} if rank.place.number == 0 else None


def _trained(options: FitOptions, rank: Rank, world: World) -> dict[str, Any] | None:
    if options.run.validate:
        return validate(options, options.run.validate, world=world)
    return fit(options, callbacks=[_Told(rank)], world=world)


@contextmanager
def joined(place: Place, *, asked: Callable[[], int]) -> Iterator[World]:
    """The world of a rank of a gang, until the block ends; then this process may join another.

    Args:
        place: Of the rank.
        asked: The signal that the ranks are to end by; 0 for none.
    """
    _first_is_rank_0(place)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))  # as Ray shares them
    try:
        yield World(
            environment=GangEnvironment(place),
            nodes=place.size,
            devices=1,
            here=place.per_node,
            asked=asked,
        )
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _first_is_rank_0(place: Place) -> None:
    """Before Lightning asks: by itself it would believe variables of Slurm."""
    rank_zero_only.rank = place.number  # type: ignore[attr-defined]


class _Told(Callback):
    """Tells of the first step, and of checkpoints."""

    def __init__(self, rank: Rank) -> None:
        self._rank, self._told = rank, False

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.is_global_zero and not self._told:
            self._told = True
            self._rank.tell(STEPPED)

    def on_save_checkpoint(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.is_global_zero:
            self._rank.tell(KEPT)


class _Telling(logging.Handler):
    def __init__(self, rank: Rank) -> None:
        super().__init__(logging.INFO)
        self._rank = rank
        self.addFilter(lambda record: record.name.partition(".")[0] in _TOLD)

    def emit(self, record: logging.LogRecord) -> None:
        self._rank.tell((record.levelno, record.getMessage()))


@contextmanager
def _logs_told(rank: Rank) -> Iterator[None]:
    """What this process logs is told to who runs the gang."""
    handler, root = _Telling(rank), logging.getLogger()
    for name in _TOLD:
        logging.getLogger(name).setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
