"""A row per validated epoch and case in cases.csv."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from lungseg.scores.case_counts import CaseCounts
from shards.console.whole import whole_or_nothing

COLUMNS = ("case", "dice", "missed", "false_volume_ml", "tp", "fp", "fn")


class CaseTable(Callback):
    """Writes `cases.csv`; a resumed training goes on in it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Add the rows of the epoch."""
        if not trainer.is_global_zero:
            return
        epoch = trainer.current_epoch + 1
        known = {k: cases for k, cases in read_cases(self._path).items() if k < epoch}
        rows = [
            {"epoch": k, **row_of(case)}
            for k, cases in (known | {epoch: pl_module.cases}).items()
            for case in cases
        ]
        write_rows(self._path, ("epoch", *COLUMNS), rows)


def read_cases(path: Path) -> dict[int, list[CaseCounts]]:
    """The cases of each validated epoch of a training; empty where there is no such table."""
    epochs: dict[int, list[CaseCounts]] = {}
    if not path.exists():
        return epochs
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            counts = {name: int(row[name]) for name in ("tp", "fp", "fn")}
            false_ml = float(row["false_volume_ml"])
            case = CaseCounts(case=row["case"], false_volume_ml=false_ml, **counts)
            epochs.setdefault(int(row["epoch"]), []).append(case)
    return epochs


def row_of(case: CaseCounts) -> dict[str, Any]:
    """What a table says of a case; `dice` is empty where there is nothing to find and be found."""
    row = {name: getattr(case, name) for name in COLUMNS}
    return row | {"dice": "" if case.dice is None else case.dice, "missed": int(case.missed)}


def write_rows(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table whole or not at all."""
    with (
        whole_or_nothing(path) as unfinished,
        unfinished.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, list(columns))
        writer.writeheader()
        writer.writerows(rows)
