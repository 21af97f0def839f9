"""By schedule: how well a setting's rank at the first rung tells its rank at the end.

    python benchmarks/search_table.py --folder /tmp/table --table TABLE --seeds 3 --oversamples 5
    python benchmarks/search_schedules.py TABLE

Spearman's rank correlation over the settings, of the best Dice up to epoch 3 and up to the last
one; beside it, of the best third at the end, the share that was in the better half at the rung;
and what the best setting reaches. Means over seeds, with Student's t intervals (95 %).
"""

import argparse
import statistics
from pathlib import Path

from scipy.stats import spearmanr
from search import Curves, rows_of
from search_wall import VARIED

from lungseg.scores.intervals import mean_interval

RUNG = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    grids = paired(parser.parse_args().table)
    first, second = grids
    print(f"{len(grids[first])} seeds, {len(grids[first][0])} settings")
    shown = {"rank correlation": agreement, "kept of the best third": kept, "best Dice": best}
    for name, measure in shown.items():
        one, other = ([measure(grid) for grid in found] for found in grids.values())
        differences = [a - b for a, b in zip(one, other, strict=True)]
        for what, values in ((first, one), (second, other), ("difference", differences)):
            print(f" {name}, {what}: {told(values)}")


def paired(path: Path) -> dict[str, list[Curves]]:
    """By schedule, the curves of each seed, of settings that were trained with both schedules."""
    curves: dict[str, dict[str, Curves]] = {}
    for row, curve in rows_of(path):
        of_seed = curves.setdefault(row["seed"], {}).setdefault(row["schedule"], {})
        of_seed[tuple(row[name] for name in VARIED)] = curve
    both = [found for found in curves.values() if len(found) == 2]
    common = [set.intersection(*map(set, found.values())) for found in both]
    most = max(map(len, common))
    return {
        schedule: [
            {setting: found[schedule][setting] for setting in sorted(settings)}
            for found, settings in zip(both, common, strict=True)
            if len(settings) == most
        ]
        for schedule in sorted(both[0], reverse=True)
    }


def agreement(grid: Curves) -> float:
    early, late = at_rung_and_end(grid)
    return float(spearmanr(early, late).statistic)


def kept(grid: Curves) -> float:
    """Of the best third at the end, the share that was in the better half at the rung."""
    early, late = at_rung_and_end(grid)
    finest = sorted(range(len(late)), key=lambda n: -late[n])[: len(late) // 3]
    return statistics.mean(early[n] >= statistics.median(early) for n in finest)


def best(grid: Curves) -> float:
    return max(map(max, grid.values()))


def at_rung_and_end(grid: Curves) -> tuple[list[float], list[float]]:
    return [max(curve[:RUNG]) for curve in grid.values()], [max(curve) for curve in grid.values()]


def told(values: list[float]) -> str:
    each = ", ".join(f"{value:.2f}" for value in values)
    if len(values) == 1:
        return each
    low, high = mean_interval(values)
    return f"{statistics.mean(values):.2f} [{low:.2f}, {high:.2f}] ({each})"


if __name__ == "__main__":
    main()
