"""What a search is worth and what it costs: replayed on a table of real trainings, and run.

    python benchmarks/search.py --table benchmarks/results/2026-11-26-search-curves.csv
    OMP_NUM_THREADS=1 python benchmarks/search.py --shards SHARDS --folder /tmp/search

On the table (of `search_table.py`, a grid of settings trained to their ends) the search's own
memory, sampler and rungs decide, one trial after the other; an epoch costs nothing, so that many
searches are compared with random ones of equal epochs. On shards the same trials are trained bare,
one process after the other as a user would, and by the search.
"""

import argparse
import csv
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from optuna.distributions import CategoricalDistribution

from tune.history.journal import Journal
from tune.history.memory import Memory
from tune.history.rungs import Rungs
from tune.history.study import Study
from tune.options.space import Space

SEEDS = 20
NAMES = ("loss", "lr", "oversample")
NEAR = 0.01
TINY = (
    *("--width", "4", "--depth", "3", "--batch-size", "16", "--num-workers", "0"),
    *("--augment", "none", "--accelerator", "cpu"),
)

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
    given = parser.parse_args()
    if given.table:
        replay(given.table, given.trials)
    if given.shards:
        side_by_side(given)


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
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            curve = [float(row[name]) for name in row if name.startswith("epoch_")]
            grid = grids.setdefault(row["schedule"], {}).setdefault(row["seed"], {})
            grid[tuple(row[name] for name in NAMES)] = curve
    size = max(len(grid) for seeds in grids.values() for grid in seeds.values())
    whole = {
        schedule: [grid for grid in seeds.values() if len(grid) == size]
        for schedule, seeds in grids.items()
    }
    return {schedule: found for schedule, found in whole.items() if found}


def searched(
    grid: Curves, seed: int, trials: int, epochs: int, *, learns: bool
) -> tuple[float, int]:
    """Best Dice that a search finds, and the epochs that it trains; settings are not repeated."""
    with tempfile.TemporaryDirectory() as folder:
        space = Space(searched=axes(grid), around={})
        drawer = random.Random(seed)
        first = [dict(zip(NAMES, drawer.choice(list(grid)), strict=True))]
        at_random = -(-trials // 4) if learns else trials
        study = Study(space, first=first, seed=seed, at_random=at_random)
        journal = Journal(Path(folder) / "journal.jsonl")
        memory = Memory(journal, study, Rungs(epochs), trials=trials, epochs=epochs)
        seen: dict[Setting, int] = {}
        while (record := memory.next()) is not None:
            setting = tuple(record.values[name] for name in NAMES)
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
        for n, name in enumerate(NAMES)
    }


def drawn(grid: Curves, seed: int, trials: int) -> float:
    """Best of settings drawn at random, without repeats, each trained to its end."""
    chosen = random.Random(seed).sample(list(grid), min(trials, len(grid)))
    return max(max(grid[setting]) for setting in chosen)


def rank_agreement(one: list[float], other: list[float]) -> float:
    """Kendall's tau-b."""
    from scipy.stats import kendalltau

    return float(kendalltau(one, other).statistic)


def side_by_side(given: argparse.Namespace) -> None:
    given.folder.mkdir(parents=True)
    began = time.monotonic()
    events, search_cpu = timed(search_words(given))
    found = list(times_of(events, began))
    first = float(found[0][1]) if found else 0.0
    print(f"search of {given.runs} trials: {events[-1][0] - began:.1f} s, {search_cpu:.1f} "
          f"processor seconds; the first trial starts after {first:.1f} s")  # fmt: skip
    for number, start, gap in found[1:]:
        print(f" trial {number} starts after {start:.1f} s, {gap:.2f} s after the last one's end")
    bare_s, bare_cpu = 0.0, 0.0
    for row in trials_of(given.folder / "search"):
        words = [f"--{name.replace('_', '-')}={row[name]}" for name in NAMES if row[name]]
        out = given.folder / f"bare-{row['trial']}"
        began = time.monotonic()
        _, cpu = timed([*fit_words(given), "--out", str(out), *words])
        bare_s, bare_cpu = bare_s + time.monotonic() - began, bare_cpu + cpu
    print(f"bare, one after the other: {bare_s:.1f} s, {bare_cpu:.1f} processor seconds; "
          f"the search took {search_cpu / bare_cpu:.2f} times as many")  # fmt: skip


def search_words(given: argparse.Namespace) -> list[str]:
    words = ["-m", "tune.search", "--shards", str(given.shards), *TINY]
    words += ["--out", str(given.folder / "search"), "--trials", str(given.runs)]
    words += ["--concurrent", "1", "--cpus-per-trial", "1", "--losses", "bce", "dice"]
    return [*words, "--epochs", str(given.epochs)]


def fit_words(given: argparse.Namespace) -> list[str]:
    words = ["-m", "lungseg.fit", "--shards", str(given.shards), *TINY, "--devices", "1"]
    return [*words, "--epochs", str(given.epochs)]


def timed(words: list[str]) -> tuple[list[tuple[float, str]], float]:
    """When each line came, and the processor seconds of the command and its children."""
    before = sum(os.times()[2:4])
    with subprocess.Popen(
        [sys.executable, *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        events = [(time.monotonic(), line) for line in process.stderr]
    if process.returncode:
        sys.exit("".join(line for _, line in events))
    return [*events, (time.monotonic(), "")], sum(os.times()[2:4]) - before


def times_of(events: list[tuple[float, str]], began: float) -> Iterator[tuple[int, float, float]]:
    """Number of each trial, when it started, and how long after the last one's end."""
    ended = began
    for when, line in events:
        if found := re.match(r"trial (\d+) starts", line):
            yield int(found[1]), when - began, when - ended
        elif re.match(r"trial \d+: Dice", line):
            ended = when


def trials_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} +- {statistics.stdev(values):.3f}"


if __name__ == "__main__":
    main()
