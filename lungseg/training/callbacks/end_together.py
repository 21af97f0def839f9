"""Ends a training on all ranks after the same step: at a signal, or at a loss that is no number."""

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from lungseg.errors import DivergedError
from lungseg.training.batches import Batch
from lungseg.training.process.agreement import Agreement
from shards.console.whole import write_json

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
LOST = 1000
"""Above every signal's number."""

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def signals_given_back() -> Iterator[None]:
    """After the block, however it ends, signals have the handlers that they had before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.getsignal(signum) for signum in SIGNALS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


class StoppedError(Exception):
    """A signal ended the training, and its checkpoint is written.

    Args:
        signum: The signal's number.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


class EndTogether(Checkpoint):
    """Writes the checkpoint and ends at SIGTERM, SIGUSR1 and the first Ctrl-C.

    It is a `Checkpoint` because Lightning calls those last: what it writes holds the whole step.

    Args:
        last: Where the checkpoint lies.
        lost: Where the slices of a batch are named whose loss is no number.
        names: Names of slices by their rows of the index.
        lr: The learning rate, for advice.
        asked: The signal that who runs the ranks has had; 0 for none.
    """

    def __init__(
        self,
        last: Path,
        *,
        lost: Path,
        names: Callable[[list[int]], list[str]],
        lr: float,
        asked: Callable[[], int] = lambda: 0,
    ) -> None:
        self._asked = asked
        self._last, self._lost, self._names, self._lr = last, lost, names, lr
        self._pending: tuple[torch.Tensor, torch.cuda.Event | None, int, Any] | None = None
        self._agreement: Agreement

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the signals over from Lightning, whose answer to SIGTERM keeps nothing."""
        self._agreement = Agreement()
        if threading.current_thread() is threading.main_thread():
            for signum in SIGNALS:
                signal.signal(signum, self._take)

    def _take(self, signum: int, frame: FrameType | None) -> None:
        if self._agreement.proposed and signum == signal.SIGINT:
            raise KeyboardInterrupt
        self._agreement.propose(signum)
        logger.info(
            "%s: the training ends after this step, or after the validation that is under way",
            signal.Signals(signum).name,
        )

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """End if any rank has reason to, unless the validation comes next."""
        self._look_at_loss(outputs["loss"], batch, trainer)
        self._agreement.propose(self._asked())
        number = self._agreement.known()
        if number >= LOST:
            self._end(number, trainer)
        if number and not trainer.is_last_batch:
            trainer.save_checkpoint(self._last)
            self._end(number, trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """End after the epoch, whose checkpoint is written by now."""
        self._agreement.known()
        number = self._agreement.settled()
        more = trainer.max_epochs is None or trainer.current_epoch + 1 < trainer.max_epochs
        if number and (more or number >= LOST):
            self._end(number, trainer)

    def _look_at_loss(self, loss: torch.Tensor, batch: Batch, trainer: pl.Trainer) -> None:
        """Look at a loss once it is there: on a GPU that of an earlier step, without waiting."""
        if self._pending is None:
            value, event = loss.detach().float(), None
            if value.is_cuda:
                value = torch.empty_like(value, device="cpu", pin_memory=True).copy_(
                    value, non_blocking=True
                )
                event = torch.cuda.Event()  # type: ignore[no-untyped-call]
                event.record()
            self._pending = (value, event, trainer.global_step, batch["rows"])
        value, event, step, rows = self._pending
        if event is not None and not event.query():  # type: ignore[no-untyped-call]
            return
        self._pending = None
        if not torch.isfinite(value):
            said = {"step": step, "epoch": trainer.current_epoch + 1, "loss": str(value.item())}
            slices = [] if rows is None else self._names(torch.as_tensor(rows).tolist())
            write_json(self._lost, said | {"slices": slices})
            self._agreement.propose(LOST)

    def _end(self, number: int, trainer: pl.Trainer) -> None:
        with contextlib.suppress(RuntimeError):
            self._agreement.settled()
        if number < LOST:
            raise StoppedError(number)
        raise DivergedError(
            f"the loss is no number any more in epoch {trainer.current_epoch + 1}: {self._lost} "
            f"names the slices of that step; lower --lr (it was {self._lr:g}), and start again or "
            "go on from the checkpoint of before with --resume"
        )
