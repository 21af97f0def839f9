"""Trainings of a second for tests, and one to kill: `python -m tests.toy_training FLAGS`."""

import csv
import os
import signal
import sys
import threading
import time
import zlib
from pathlib import Path

import torch
from pytorch_lightning.callbacks import Callback

from lungseg.options.fit import FitOptions
from lungseg.training.log.epoch_table import TIMES
from lungseg.training.run import fit
from shards.console.command import parse

TINY = {"width": 4, "depth": 2, "batch_size": 8, "num_workers": 0, "augment": "light"}
TINY |= {"precision": "32"}  # the same on any processor
OFTEN = {"checkpoint_minutes": 1e-6}
"""Writes last.ckpt after every step."""


def options(shards, out, **given):
    return FitOptions.of(
        **{"shards": str(shards), "out": out, "devices": 1, "accelerator": "cpu"} | TINY | given
    )


def flags(shards, out, **given):
    """The same options as words of a command line."""
    values = {"shards": shards, "out": out, "accelerator": "cpu", **TINY, **given}
    words = []
    for name, value in values.items():
        words.append("--" + name.replace("_", "-"))
        words += [] if value is True else [str(value)]
    return words


def table(out):
    """The rows of metrics.csv; times, which no two trainings share, left out."""
    with (out / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: row[name] for name in row if name not in TIMES} for row in rows]


def weights(path):
    return torch.load(path, weights_only=True)["state_dict"]


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


class Seen(Callback):
    """Notes a line per slice, its step and its checksum, and kills all ranks inside a step."""

    def __init__(self, path, *, kill_at=None, delay_s=0.0):
        self._path, self._kill_at, self._delay_s = path, kill_at, delay_s

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        step = trainer.global_step
        if step == self._kill_at:
            threading.Timer(self._delay_s, os.killpg, (0, signal.SIGKILL)).start()
        lines = [
            f"{step} {zlib.crc32(image.cpu().numpy().tobytes())}\n" for image in batch["image"]
        ]
        with self._path.open("a") as file:
            file.write("".join(lines))


class Held(Callback):
    """Stands still at the start of some steps, until who tests has done what he wants there.

    Args:
        folder: Where a file `at-STEP` says that the step is reached, and `go-STEP` lets it begin.
        steps: Numbers of the steps.
    """

    def __init__(self, folder, steps):
        self._folder, self._steps = folder, steps

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        step = trainer.global_step
        if step in self._steps:
            (self._folder / f"at-{step}").touch()
            while not (self._folder / f"go-{step}").exists():
                time.sleep(0.02)


class Losses(Callback):
    """Notes the logged loss of each step, which is that of the whole batch."""

    def __init__(self, path):
        self._path = path

    def on_train_batch_end(self, trainer, *_):
        if trainer.is_global_zero:
            with self._path.open("a") as file:
                loss = float(trainer.callback_metrics["train/loss"])
                file.write(f"{trainer.global_step} {loss!r}\n")


def losses_of_steps(path):
    """The loss of each step, as `Losses` noted it; of a repeated step the last one."""
    return {int(step): float(loss) for step, loss in map(str.split, path.read_text().splitlines())}


def slices_of_steps(path):
    """Which slices all ranks together used at each step, as `Seen` noted them."""
    steps = {}
    for line in path.read_text().splitlines():
        steps.setdefault(int(line.split()[0]), []).append(line)
    return {step: sorted(lines) for step, lines in steps.items()}


if __name__ == "__main__":
    kill_at = os.environ.get("KILL_AT")  # a step, and after the point the delay in s
    whole, _, _ = (kill_at or "").partition(".")
    seen = Seen(
        Path(os.environ["SEEN"]),
        kill_at=int(whole) if whole else None,
        delay_s=float(kill_at) % 1 if kill_at else 0.0,
    )
    fit(parse(FitOptions, sys.argv[1:], prog="", description=""), callbacks=[seen])
