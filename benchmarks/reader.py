"""How fast batches come from shards, against other loaders; each in turn, round by round.

    python benchmarks/reader.py [--folder /dev/shm/reader --rounds 4 --peers-python PYTHON]

Batches of 32 shuffled slices of 256 x 256 with their masks, half of them with tumor. Each loader
runs in a process of its own, first a pass from a new loader, then the one that is timed. Ratios
are taken within a round, so that what else the machine does falls on all; printed are their median,
lowest and highest. Slices per second of processor time (workers included) depend least on what
else runs; wall time shows what threads and workers win. Peers that are not installed are left out:
`pip install -e '.[benchmarks]'`, and `--peers-python` for another environment's interpreter.
"""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import tyro

HERE = Path(__file__).parent
NAMES = (
    "naive",
    "webdataset",
    "mds",
    "litdata",
    "ours float32",
    "ours int16",
    "floor",
    "floor, scaled",
)
COLUMNS = (
    "loader",
    "workers or threads",
    "slices per CPU-second",
    "x naive",
    "x floor",
    "wall slices/s",
    "best wall x naive of as many workers (of its best)",
    "first pass, wall",
    "first batch s",
    "MB (of it mapped files)",
    "share",
)
LAYOUTS = ("naive", "ours", "webdataset", "mds", "litdata")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    folder: Path = Path("/dev/shm/reader")
    """Where the slices lie in each loader's layout; /dev/shm leaves the disk out. They are kept."""
    rounds: int = 4
    peers_python: str = sys.executable
    """Interpreter that has the peers."""
    warm_up: int = 1
    """Rounds that are not counted."""


def main(options: Options) -> None:
    write(options)
    results = defaultdict(list)
    for number in range(options.rounds + options.warm_up):
        for workers in (0, 2):
            for name in NAMES:
                found = run(options, "reader_loaders.py", name, options.folder, workers)
                if number >= options.warm_up:
                    results[name, workers].append(found and json.loads(found.splitlines()[-1]))
    report(results)


def write(options: Options) -> None:
    for layout in LAYOUTS:
        if not (options.folder / layout).exists():
            run(options, "reader_data.py", layout, options.folder / layout)


def run(options: Options, script: str, *words: object) -> str:
    """Output of a script; empty where it fails, for example without a peer."""
    settings = {
        "OMP_NUM_THREADS": "1",
        "LITDATA_BATCH_DECODE": "0",
        "PYTHONPATH": str(HERE.parent),
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [options.peers_python, str(HERE / script), *map(str, words)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        print(f"{words[0]} left out: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return done.stdout if done.returncode == 0 else ""


def report(results: dict[tuple[str, int], list[dict[str, float]]]) -> None:
    print("| " + " | ".join(COLUMNS) + " |\n|" + " --- |" * len(COLUMNS))
    for (name, workers), runs in results.items():
        if not all(runs):
            continue
        column = {key: [run[key] for run in runs] for key in runs[0]}
        bare = [run["wall"] for run in results["naive", workers]]
        best_bare = max(run["wall"] for w in (0, 2) for run in results["naive", w])
        cells = [
            name,
            workers,
            f"{statistics.median(column['cpu']):.0f}",
            against(results, name, workers, "naive"),
            against(results, name, workers, "floor"),
            f"{statistics.median(column['wall']):.0f}, best {max(column['wall']):.0f}",
            f"{max(column['wall']) / max(bare):.2f} ({max(column['wall']) / best_bare:.2f})",
            f"{max(column['first_pass']):.0f}",
            f"{statistics.median(column['first_batch_s']):.3f}",
            f"{max(column['mb']):.0f} ({max(column['mapped_mb']):.0f})",
            f"{statistics.mean(column['share']):.2f}",
        ]
        print("| " + " | ".join(map(str, cells)) + " |")


def against(results: dict, name: str, workers: int, other: str) -> str:
    """Ratio of slices per CPU-second, round by round: median (lowest to highest)."""
    pairs = zip(results[name, workers], results[other, 0], strict=True)
    ratios = [run["cpu"] / base["cpu"] for run, base in pairs]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
