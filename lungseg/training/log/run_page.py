"""The training as a page for people, report.html, written anew after each epoch."""

import csv
import logging
import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from lungseg.options.fit import FitOptions
from lungseg.report.training import Course, Facts, render
from lungseg.training.callbacks.best_score import BestScore
from lungseg.training.data import SliceData
from lungseg.training.log.case_table import read_cases
from lungseg.training.log.examples import read_examples
from shards.console.groups import grouped_values
from shards.console.whole import write_whole
from shards.storage.store import ShardSet

_LIBRARIES = ("lungseg", "torch", "pytorch-lightning", "numpy", "albumentations")

logger = logging.getLogger(__name__)


class RunPage(Callback):
    """Writes `report.html` from what the other callbacks have left by then.

    Args:
        options: The options of the training.
        data: Its data.
        best: Knows the scores of the best epoch.
    """

    def __init__(self, options: FitOptions, data: SliceData, best: BestScore) -> None:
        self._options, self._data, self._best = options, data, best

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write the page; where there is no room for it, the one of before stays."""
        if not trainer.is_global_zero:
            return
        out = self._options.run.out
        with (out / "metrics.csv").open(newline="", encoding="utf-8") as file:
            epochs = list(csv.DictReader(file))
        course = Course(
            epochs=epochs,
            num_epochs=self._options.step.epochs,
            cases=read_cases(out / "cases.csv"),
            best=self._best.best,
        )
        facts = self._facts(trainer)
        text = render(course, name=str(out), examples=read_examples(out / "pictures"), facts=facts)
        try:
            write_whole(out / "report.html", text)
        except OSError as error:
            logger.warning("%s cannot be written: %s", out / "report.html", error.strerror)

    def _facts(self, trainer: pl.Trainer) -> dict[str, Facts]:
        values = grouped_values(self._options)
        groups = {name: group for name, group in values.items() if isinstance(group, dict)}
        own = {name: value for name, value in values.items() if name not in groups}
        titled = {f"Options: {name}": group for name, group in groups.items()}
        first = {"Options": own} if own else {}
        return {"Data": _of_data(self._data), **first, **titled, "Machine": _of_machine(trainer)}


def _of_data(data: SliceData) -> Facts:
    shards, split = data.shards, data.split
    return {
        "shards": shards.url,
        "manifest, sha256": shards.manifest_sha256,
        "folds made by": shards.manifest.folds_from or "not known",
        "recipe": shards.manifest.recipe,
        "training cases": _names(shards, split.training),
        "validation cases": _names(shards, split.validation) or "none",
    }


def _names(shards: ShardSet, cases: Sequence[int]) -> str:
    return ", ".join(shards.index.cases[case] for case in cases)


def _of_machine(trainer: pl.Trainer) -> Facts:
    device = trainer.strategy.root_device.type
    return {
        "devices": f"{trainer.world_size} {device}",
        "precision": trainer.precision,
        "platform": platform.platform(),
        "Python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
    }
