"""What a search is worth and what it costs: replayed on a table of real trainings, and run.

    python benchmarks/search.py --table benchmarks/results/2026-11-26-search-curves.csv
    OMP_NUM_THREADS=1 python benchmarks/search.py --shards SHARDS --folder /tmp/search --runs 6
    python benchmarks/search.py --shards SHARDS --folder /tmp/left --stopped 150 --batch-size 4

On the table (of `search_table.py`, a grid of settings trained to their ends) the search's own
memory, sampler and rungs decide, one trial after the other; an epoch costs nothing, so that many
searches are compared with random ones of equal epochs. On shards the same trials are trained by the
search and bare, a command for each, as many at a time; or many are, most of them ended early, and
what the search holds meanwhile and leaves behind is told.
"""

import argparse
import csv
import random
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from optuna.distributions import CategoricalDistribution
from search_left import left_behind
from search_wall import VARIED, side_by_side

from tune.history.journal import Journal
from tune.history.memory import Memory
from tune.history.rungs import Rungs
from tune.history.study import Study
from tune.options.space import Space

SEEDS = 20
NEAR = 0.01

Setting = tuple[str, ...]
Curves = dict[Setting, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path)
    parser.add_argument("--trials", type=int, nargs="+", default=[9, 18, 27])
    parser.add_argument("--shards", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--concurrent", type=int, default=1)
    parser.add_argument("--ranks", type=int, default=1, help="of each trial")
    parser.add_argument("--address", help="a Ray cluster that runs, instead of one of its own")
    parser.add_argument("--stopped", type=int, help="only so many trials, most of them ended early")
    given = parser.parse_args()
    if given.table:
        replay(given.table, given.trials)
    if given.shards:
        (left_behind if given.stopped else side_by_side)(given)


def replay(table: Path, sizes: list[int]) -> None:
    for schedule, grids in tables(table).items():
        epochs = len(next(iter(grids[0].values())))
        print(f"{schedule}: {len(grids)} grids of {len(grids[0])} settings, {epochs} epochs each")
        for number, grid in enumerate(grids):
            say_grid(number, grid, epochs, sizes)


def say_grid(number: int, grid: Curves, epochs: int, sizes: list[int]) -> None:
    best = max(map(max, grid.values()))
    agree = rank_agreement([max(c[:3]) for c in grid.values()], [max(c) for c in grid.values()])
    print(f" seed {number}: best of the grid {best:.3f}; after epoch 3 and at the end the settings "
          f"rank alike by {agree:.2f}")  # fmt: skip
    print("  trials  epochs  of grid   ASHA+TPE  (short of best; within 0.01)   rungs, random   "
          "random, same epochs")  # fmt: skip
    for trials in sizes:
        ours = [searched(grid, seed, trials, epochs, learns=True) for seed in range(SEEDS)]
        only_rungs = [searched(grid, seed, trials, epochs, learns=False) for seed in range(SEEDS)]
        plain = [drawn(grid, seed, spent // epochs) for seed, (_, spent) in enumerate(ours)]
        found = [score for score, _ in ours]
        spent = statistics.mean(spent for _, spent in ours)
        near = sum(score >= best - NEAR for score in found)
        print(f"  {trials:6d}  {spent:6.0f}  {spent / (epochs * len(grid)):6.0%}   "
              f"{spread(found)}  ({best - statistics.mean(found):.3f}; {near} of {SEEDS})   "
              f"{spread([score for score, _ in only_rungs])}   {spread(plain)}")  # fmt: skip


def tables(path: Path) -> dict[str, list[Curves]]:
    """By schedule, the whole grids of the table, one for each seed."""
    grids: dict[str, dict[str, Curves]] = {}
    for row, curve in rows_of(path):
        grid = grids.setdefault(row["schedule"], {}).setdefault(row["seed"], {})
        grid[tuple(row[name] for name in VARIED)] = curve
    size = max(len(grid) for seeds in grids.values() for grid in seeds.values())
    whole = {
        schedule: [grid for grid in seeds.values() if len(grid) == size]
        for schedule, seeds in grids.items()
    }
    return {schedule: found for schedule, found in whole.items() if found}


def rows_of(path: Path) -> Iterator[tuple[dict[str, str], list[float]]]:
    """Each row of the table, and its curve: Dice by epoch."""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row, [float(row[name]) for name in row if name.startswith("epoch_")]


def searched(
    grid: Curves, seed: int, trials: int, epochs: int, *, learns: bool
) -> tuple[float, int]:
    """Best Dice that a search finds, and the epochs that it trains; settings are not repeated."""
    with tempfile.TemporaryDirectory() as folder:
        space = Space(searched=axes(grid), around={})
        drawer = random.Random(seed)
        first = [dict(zip(VARIED, drawer.choice(list(grid)), strict=True))]
        at_random = -(-trials // 4) if learns else trials
        study = Study(space, first=first, seed=seed, at_random=at_random)
        journal = Journal(Path(folder) / "journal.jsonl")
        memory = Memory(journal, study, Rungs(epochs), trials=trials, epochs=epochs)
        seen: dict[Setting, int] = {}
        while (record := memory.next()) is not None:
            setting = tuple(record.values[name] for name in VARIED)
            seen[setting] = max(seen.get(setting, 0), train(memory, record.number, grid[setting]))
        scores = [r.last["best_dice_case_mean"] for r in memory.records.values() if r.last]
        return max(scores), sum(seen.values())


def train(memory: Memory, number: int, curve: list[float]) -> int:
    """Replay a trial; returns its epochs."""
    for epoch, dice in enumerate(curve, start=1):
        best = max(curve[:epoch])
        told = {"epoch": epoch, "dice_case_mean": dice, "best_dice_case_mean": best}
        told |= {"best_epoch": curve.index(best) + 1, "missed": 0, "node": ""}
        if not memory.report(number, told):
            break
    memory.end(number)
    return epoch


def axes(grid: Curves) -> dict[str, CategoricalDistribution]:
    return {
        name: CategoricalDistribution(sorted({setting[n] for setting in grid}))
        for n, name in enumerate(VARIED)
    }


def drawn(grid: Curves, seed: int, trials: int) -> float:
    """Best of settings drawn at random, without repeats, each trained to its end."""
    chosen = random.Random(seed).sample(list(grid), min(trials, len(grid)))
    return max(max(grid[setting]) for setting in chosen)


def rank_agreement(one: list[float], other: list[float]) -> float:
    """Kendall's tau-b."""
    from scipy.stats import kendalltau

    return float(kendalltau(one, other).statistic)


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} +- {statistics.stdev(values):.3f}"


if __name__ == "__main__":
    main()
