"""The ways in which a training may end before its time, each as one line and an exit code."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as pl
import torch

from lungseg.errors import TrainingError
from lungseg.training.callbacks.end_together import StoppedError, signals_given_back
from lungseg.training.process.heartbeat import watched_ranks
from lungseg.training.process.peers import wait_for_reason, watched_peers
from lungseg.training.process.world import World

logger = logging.getLogger(__name__)


@contextmanager
def ends_in_one_line(
    trainer: pl.Trainer, world: World, *, last: Path | None = None
) -> Iterator[None]:
    """Turn the ways in which a run may end early into a line and an exit code.

    Args:
        trainer: What runs in the block.
        world: Who takes part.
        last: The checkpoint from which a training goes on.
    """
    launcher = trainer.strategy.launcher
    again = f"the same command with --resume goes on from {last}"
    advice = again if last else "the same command begins it anew"
    try:
        here = watched_peers(lambda: getattr(launcher, "procs", []), advice=advice)
        everywhere = watched_ranks(launched=world.launched, advice=advice)
        with signals_given_back(), here, everywhere:
            try:
                yield
            except RuntimeError as error:
                _explain(error, trainer)
                raise
    except StoppedError as stopped:
        _leave(trainer, stopped.signum, advice)
    except SystemExit as leaving:
        if isinstance(leaving.__context__, KeyboardInterrupt):  # Lightning's way with a Ctrl-C
            if last and last.exists():
                logger.info(advice)
            raise KeyboardInterrupt from None
        raise


def _leave(trainer: pl.Trainer, signum: int, advice: str) -> None:
    failed = getattr(trainer.strategy.checkpoint_io, "failed", None)
    if not trainer.is_global_zero:
        sys.exit(0)
    logger.info("%s; %s", failed or "the checkpoint is written", advice)
    if signum == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + signum)


def _explain(error: RuntimeError, trainer: pl.Trainer) -> None:
    """Say what a user can do about an error of torch."""
    said = str(error)
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in said:
        raise TrainingError(
            "the memory does not suffice for a step: lower --batch-size (8 goes with --lr 0.003), "
            "--width or --depth, train on more --devices, or raise --accumulate with --norm "
            "instance and --transplant 0"
        ) from error
    if "Bus error" in said:
        raise TrainingError(
            "a process that reads slices died on a bus error: a shard was cut short while it was "
            "read, or shared memory ran out: look at the set with `python -m shards verify`, and "
            "go on with --resume, with --num-workers 0 where it is whole"
        ) from error
    if "DataLoader" in said:
        raise TrainingError(
            f"a process that reads slices ended or stood still ({said.splitlines()[0]}): lower "
            "--num-workers, 0 reads in this process, and go on with --resume"
        ) from error
    gone = isinstance(error, torch.distributed.DistError) or "peer" in said
    if trainer.world_size > 1 and (gone or "gloo" in said or "NCCL" in said):
        wait_for_reason()
