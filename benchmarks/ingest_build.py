"""How fast scans become shards, against what else there is; each in turn, round by round.

    python benchmarks/ingest_build.py [--folder /dev/shm/ingest --volumes 8 --rounds 3]

Two kinds of seconds: `in process` leaves out start-up and imports, which a long job spreads over
many scans; `command` is what a stopwatch shows. Ratios are taken within a round, so that what else
the machine does falls on both; printed are their median, lowest and highest. MONAI is left out
where it is not installed: `pip install -e '.[benchmarks]'`, and `--monai-python` for another
environment's interpreter.
"""

import contextlib
import dataclasses
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import tyro
from ingest_scans import gzip_ratio, make_scan

HERE = Path(__file__).parent
PEERS = str(HERE / "ingest_peers.py")
POLL_S = 0.02


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    folder: Path = Path("/dev/shm/ingest")
    """Where scans and outputs lie; /dev/shm leaves the disk out. Scans are kept."""
    volumes: int = 8
    """Scans of 280 slices: sharp and soft kernel by turns."""
    rounds: int = 3
    monai_python: str = sys.executable
    """Interpreter that has MONAI."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """One run."""

    command_s: float
    process_s: float = 0.0
    peak_mb: float = 0.0
    """Of the largest process."""
    worker_mb: float = 0.0
    """Of the largest child."""
    written_mb: float = 0.0


def main(options: Options) -> None:
    scans = [_scan(options, number) for number in range(options.volumes)]
    ratios = ", ".join(f"{gzip_ratio(path):.2f}" for path in scans)
    model = re.search("model name.*: (.*)", Path("/proc/cpuinfo").read_text())
    print(f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores")
    print(f"load {os.getloadavg()[0]:.1f}, {len(scans)} scans, gzip ratios {ratios}")
    runs: dict[str, list[Measured]] = defaultdict(list)
    for number in range(options.rounds):
        for name, measure in _contenders(options, scans).items():
            runs[name].append(measure())
            last = runs[name][-1]
            print(f"round {number + 1}  {name:22} {last.command_s:7.2f} s", file=sys.stderr)
    _show(runs, options.volumes)
    _show_goals(runs)
    _show_memory(options)
    _show_start_up()


def _scan(options, number):
    kernel = ("sharp", "soft")[number % 2]
    return make_scan(_source(options), f"lung_{number:03d}", kernel=kernel, slices=280, seed=number)


def _source(options):
    return options.folder / f"{options.volumes}-scans"


def _contenders(options, scans):
    """Name -> function that runs it once."""
    out, source = options.folder / "out", _source(options)
    contenders = {
        "floor": lambda: _peer(sys.executable, "floor", 1, scans, out),
        "floor, 2": lambda: _peer(sys.executable, "floor", 2, scans, out),
        "shard": lambda: _peer(sys.executable, "shard", 1, scans, out),
        "build-shards, 1": lambda: _build(source, out, "--workers", "1"),
        "build-shards, 2": lambda: _build(source, out, "--workers", "2"),
        "build-shards --compress": lambda: _build(source, out, "--workers", "1", "--compress"),
        "tutorial, 1": lambda: _peer(sys.executable, "tutorial", 1, scans, out),
        "tutorial, 2": lambda: _peer(sys.executable, "tutorial", 2, scans, out),
    }
    if subprocess.run([options.monai_python, "-c", "import monai"], capture_output=True).returncode:
        print("MONAI is left out: it is not installed for --monai-python", file=sys.stderr)
    else:
        contenders["monai"] = lambda: _peer(options.monai_python, "monai", 1, scans, out)
    return contenders


def _peer(python, way, workers, scans, out):
    began = time.perf_counter()
    done = subprocess.run(
        [python, PEERS, way, str(out), str(workers), *map(str, scans)],
        stdout=subprocess.PIPE,
        check=True,
        env=_environment(),
    )
    took, result = time.perf_counter() - began, json.loads(done.stdout)
    return Measured(
        command_s=took,
        process_s=result["seconds"],
        peak_mb=result["peak_mb"],
        written_mb=_taken_away(out),
    )


def _build(source, out, *flags):
    command = [sys.executable, "-m", "ingest", "build-shards", "--source", str(source)]
    began = time.perf_counter()
    with subprocess.Popen(
        [*command, "--out", str(out), *flags],
        cwd=HERE.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    ) as running:
        peaks = {}
        while running.poll() is None:
            for process, peak in _peaks_mb(running.pid).items():
                peaks[process] = max(peak, peaks.get(process, 0.0))  # one that has ended shows 0
            time.sleep(POLL_S)
        took = time.perf_counter() - began
    assert running.returncode == 0, command
    own = peaks.pop(running.pid, 0.0)
    return Measured(
        command_s=took,
        peak_mb=max(own, *peaks.values()),
        worker_mb=max(peaks.values()),
        written_mb=_taken_away(out),
    )


def _environment():
    """One thread in each process, for every contender alike."""
    return os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _peaks_mb(pid):
    """Peak memory so far of a process and its children, by process (Linux)."""
    peaks = {}
    with contextlib.suppress(OSError):  # it may be gone by now
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            status = Path(f"/proc/{each}/status").read_text().splitlines()
            kib = next((line.split()[1] for line in status if line.startswith("VmHWM")), "0")
            peaks[each] = int(kib) * 1024 / 1e6
    return peaks


def _taken_away(out):
    """Megabytes below a folder, which is deleted."""
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    shutil.rmtree(out, ignore_errors=True)
    return size / 1e6


def _show(runs, volumes):
    print("\n| per scan | in process, s | command, s | peak MB | of a worker | written MB |")
    print("|---|---|---|---|---|---|")
    for name, rounds in runs.items():
        process, command = (
            statistics.median(getattr(each, kind) for each in rounds) / volumes
            for kind in ("process_s", "command_s")
        )
        peak, worker, written = (
            max(getattr(each, kind) for each in rounds)
            for kind in ("peak_mb", "worker_mb", "written_mb")
        )
        print(
            f"| {name} | {process:.2f} | {command:.2f} | {peak:.0f} | {worker:.0f} | "
            f"{written / volumes:.1f} |"
        )


def _show_goals(runs):
    print("\n| ratio | median (lowest to highest) | goal |")
    print("|---|---|---|")
    for what, upper, lower, kind, goal in (
        ("shard / floor, in process", "shard", "floor", "process_s", "at most 1.25"),
        ("tutorial / build, 1", "tutorial, 1", "build-shards, 1", "command_s", "at least 7.5"),
        ("tutorial / build, 2", "tutorial, 2", "build-shards, 2", "command_s", "at least 7.5"),
        ("tutorial / shard, in process", "tutorial, 1", "shard", "process_s", "at least 7.5"),
        ("tutorial / floor, in process", "tutorial, 1", "floor", "process_s", "no reader reaches"),
        ("MONAI / shard, in process", "monai", "shard", "process_s", "at least 15"),
        ("1 / 2 workers", "build-shards, 1", "build-shards, 2", "command_s", "at least 1.7"),
        ("1 / 2 workers of the floor", "floor", "floor, 2", "process_s", "what the cores give"),
        ("bytes / tutorial", "build-shards, 1", "tutorial, 1", "written_mb", "at most 0.35"),
        (
            *("bytes / tutorial, --compress", "build-shards --compress"),
            *("tutorial, 1", "written_mb", "about 0.14"),
        ),
    ):
        pairs = zip(runs.get(upper, []), runs.get(lower, []), strict=False)
        ratios = [getattr(a, kind) / getattr(b, kind) for a, b in pairs]
        if ratios:
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            print(f"| {what} | {statistics.median(ratios):.2f} ({spread}) | {goal} |")


def _show_memory(options):
    print("\n| slices | peak of a worker, MB | of the command, MB |")
    print("|---|---|---|")
    for slices in (280, 640):
        source = options.folder / f"one-{slices}"
        make_scan(source, "lung_001", kernel="sharp", slices=slices, seed=0)
        one = _build(source, options.folder / "out", "--workers", "1")
        print(f"| {slices} | {one.worker_mb:.1f} | {one.peak_mb:.1f} |")


def _show_start_up():
    command = [sys.executable, "-X", "importtime", "-m", "ingest", "build-shards", "--help"]
    said = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=True)
    modules = {line.rsplit("|", 1)[1].strip() for line in said.stderr.splitlines() if "|" in line}
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, *command[3:]], cwd=HERE.parent, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - began)
    heavy = ", ".join(sorted({"torch", "ray"} & modules)) or "neither torch nor Ray imported"
    print(f"\nstart-up {statistics.median(seconds):.2f} s, {heavy}")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
