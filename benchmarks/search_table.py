"""Trains a grid of settings on phantoms, each to its end, and keeps the Dice after each epoch.

    OMP_NUM_THREADS=1 nice python benchmarks/search_table.py --folder /tmp/search-table

`search.py` replays searches on the table. A run that was cut off goes on.
"""

import argparse
import csv
import itertools
import shutil
from pathlib import Path

from quality_data import run

from lungseg.options.fit import FitOptions
from lungseg.training.run import fit

TABLE = Path(__file__).parent / "results" / "2026-11-26-search-curves.csv"
LOSSES, LRS, OVERSAMPLES = ("bce", "dice", "bce_dice"), (1e-3, 4e-3, 1.6e-2), (1.0, 5.0, 25.0)
SCHEDULES = ("cosine", "constant")
EPOCHS = 9
COLUMNS = ("schedule", "loss", "lr", "oversample", "seed")
TINY = {
    "width": 4,
    "depth": 3,
    "batch_size": 16,
    "num_workers": 0,
    "augment": "none",
    "norm": "instance",
    "transplant": 0.0,
    "precision": "32",
    "devices": 1,
    "accelerator": "cpu",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--oversamples", type=float, nargs="+", default=OVERSAMPLES)
    given = parser.parse_args()
    shards = make_shards(given.folder)
    if not given.table.exists():
        epochs = [f"epoch_{n + 1}" for n in range(EPOCHS)]
        given.table.write_text(",".join([*COLUMNS, *epochs]) + "\n", encoding="utf-8")
    with given.table.open(newline="", encoding="utf-8") as file:
        done = {tuple(row[name] for name in COLUMNS) for row in csv.DictReader(file)}
    axes = (range(given.seeds), LOSSES, LRS, given.oversamples, SCHEDULES)
    for setting in itertools.product(*axes):
        values = dict(zip(("seed", "loss", "lr", "oversample", "schedule"), setting, strict=True))
        key = tuple(str(values[name]) for name in COLUMNS)
        if key not in done:
            curve = train(shards, given.folder / "run", values)
            with given.table.open("a", encoding="utf-8") as file:
                file.write(",".join([*key, *(f"{dice:.4f}" for dice in curve)]) + "\n")


def make_shards(folder: Path) -> Path:
    shards = folder / "shards"
    if not shards.exists():
        folder.mkdir(parents=True, exist_ok=True)
        counts = ("--cases", 20, "--test-cases", 1, "--slices", 24, "--min-tumor-mm", 25)
        run("-m", "ingest", "phantom", "--out", folder / "scans", *counts, "--workers", 1)
        run("-m", "ingest", "build-shards", "--source", folder / "scans", "--out", shards,
            "--size", 32, "--drop-slices", 0, "--workers", 1)  # fmt: skip
    return shards


def train(shards: Path, out: Path, values: dict[str, object]) -> list[float]:
    """Dice per case after each epoch."""
    shutil.rmtree(out, ignore_errors=True)
    fit(FitOptions.of(shards=str(shards), out=out, epochs=EPOCHS, **TINY, **values))
    with (out / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return [float(row["val/dice_case_mean"]) for row in csv.DictReader(file)]


if __name__ == "__main__":
    main()
