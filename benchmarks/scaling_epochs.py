"""`lungseg.fit`, with a line for each epoch and rank: the seconds that its processor took.

python benchmarks/scaling_epochs.py FILE FLAGS OF lungseg.fit
"""

import sys
import time
from pathlib import Path

from pytorch_lightning.callbacks import Callback

from lungseg.options.fit import FitOptions
from lungseg.training.run import fit
from shards.console.command import parse


class ProcessorSeconds(Callback):
    """Those of all threads of this rank, from the first step of an epoch to the last."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def on_train_epoch_start(self, *_) -> None:
        self._since = time.process_time()

    def on_train_batch_end(self, trainer, *_) -> None:
        if trainer.is_last_batch:
            spent = time.process_time() - self._since
            with self._file.open("a") as file:
                file.write(f"{trainer.current_epoch} {spent}\n")


if __name__ == "__main__":
    name, *flags = sys.argv[1:]
    options = parse(FitOptions, flags, prog="", description="")
    fit(options, callbacks=[ProcessorSeconds(Path(name))])
