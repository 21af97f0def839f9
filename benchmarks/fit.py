"""A step of training with its data: ours, the tutorial's loop, and MONAI's, in turn.

    python benchmarks/fit.py [--width 64 --size 256 --batch 64]     on a GPU
    python benchmarks/fit.py --depth 4 --norm none --up bilinear --loops ours tutorial
    OMP_NUM_THREADS=1 python benchmarks/fit.py --width 8 --size 128 --batch 16 --steps 4

The second line has the tutorial's own net. The same synthetic slices, widths of the levels, batch,
number of loader processes and strength of augmentation for all. Ours is `lungseg.fit` with all that
happens beside its steps; on a GPU it also runs compiled, and with channels last. The tutorial's:
files of numpy, albumentations, float32, Adam, the same net as ours. MONAI's: BasicUNet,
CacheDataset, its transforms, 16 bits on a GPU. Each has a process of its own, and all take turns,
round by round; the order turns from round to round.

Waiting is the time between the end of a step and the beginning of the next: until the batch is
where the net is, for ours also what is logged and augmented meanwhile. The clock is stopped when
the device is done.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from fit_data import Slices, write_files, write_shards

LOOPS = ("ours", "tutorial", "monai")
ON_GPU = (*LOOPS, "compiled", "channels-last")
KEPT = ("width", "depth", "norm", "up", "size", "batch", "warm", "steps")
MATRIX = 8192


def main() -> None:
    given = _parser().parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    count = given.batch * (given.rounds * (given.warm + given.steps) + 1)
    loops = given.loops or (LOOPS if device == "cpu" else ON_GPU)
    settings = {name: getattr(given, name) for name in KEPT} | {
        "slices": count,
        "workers": given.workers,
        "device": device,
    }
    print(_machine(device))
    print(
        f"{given.rounds} rounds of {given.steps} steps after {given.warm}, {json.dumps(settings)}"
    )
    peak = _matrix_tflops() if device != "cpu" else None
    if peak:
        print(f"bf16 products of {MATRIX} x {MATRIX} matrices here: {peak:.0f} TFLOP/s")
    with tempfile.TemporaryDirectory(prefix="fit-", dir=given.folder) as folder:
        slices = Slices(count, given.size)
        write_shards(slices, Path(folder) / "shards")
        write_files(slices, Path(folder) / "files")
        figures = measured(loops, Path(folder), settings, rounds=given.rounds)
    report(figures, peak)


def measured(names, folder: Path, settings: dict, *, rounds: int) -> dict[str, list[dict]]:
    """What each loop told of each round; all of them live until the end."""
    here = Path(__file__).parent
    environment = os.environ | {
        "PYTHONPATH": f"{here.parent}:{os.environ.get('PYTHONPATH', '')}",
        "PYTHONWARNINGS": "ignore",
        "NO_ALBUMENTATIONS_UPDATE": "1",
    }
    loops = {
        name: subprocess.Popen(
            [sys.executable, here / "fit_loops.py", name, folder, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for name in names
    }
    figures = {name: [] for name in names}
    try:
        for number in range(rounds):
            turn = number % len(names)
            for name in [*names[turn:], *names[:turn]]:
                if name in figures:
                    _play(loops[name], name, figures)
    finally:
        for loop in loops.values():
            with contextlib.suppress(BrokenPipeError):
                loop.stdin.close()
        for loop in loops.values():
            loop.wait(60)
    return figures


def _play(loop: subprocess.Popen, name: str, figures: dict[str, list[dict]]) -> None:
    """A round of a loop; a variant of ours that this machine cannot run is left out, and said."""
    with contextlib.suppress(BrokenPipeError):  # its output ends too
        loop.stdin.write("go\n")
        loop.stdin.flush()
    line = loop.stdout.readline()
    if line:
        figures[name].append(json.loads(line))
        return
    ended = f"the loop {name} ended early, exit code {loop.wait()}: see above"
    if name in LOOPS:
        raise SystemExit(ended)
    del figures[name]
    print(f"{ended}; it is left out")


def report(figures: dict[str, list[dict]], peak: float | None) -> None:
    on_gpu = peak is not None
    head = ["loop", "slices/s", "ours is times as fast", "processor ms a slice"]
    head += ["ours takes a", "waits for data", "memory, GB"]
    head += ["GPU memory, GB", "TFLOP/s", "of the card's products"] if on_gpu else []
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for name, rounds in figures.items():
        cells = [name, _spread(rounds, "slices_per_s", "{:.1f}")]
        cells.append(_ratio(figures, name, "slices_per_s"))
        cells.append(_spread(rounds, "processor_ms", "{:.1f}"))
        cells.append(_ratio(figures, name, "processor_ms", inverse=True))
        cells.append(_spread(rounds, "wait", "{:.1%}"))
        cells.append(f"{max(each['memory_gb'] for each in rounds):.2f}")
        if on_gpu:
            tflops = statistics.median(each["tflops"] for each in rounds)
            allocated, reserved = (
                max(each[key] for each in rounds) for key in ("gpu_gb", "gpu_reserved_gb")
            )
            cells += [f"{allocated:.1f} (reserved {reserved:.1f})", f"{tflops:.0f}"]
            cells.append(f"{tflops / peak:.1%}")
        print("| " + " | ".join(cells) + " |")


def _spread(rounds: list[dict], key: str, form: str) -> str:
    values = [each[key] for each in rounds]
    median, low, high = (
        form.format(value) for value in (statistics.median(values), min(values), max(values))
    )
    return f"{median} ({low} to {high})"


def _ratio(figures, name: str, key: str, *, inverse: bool = False) -> str:
    """Of ours to this loop, of the same rounds; `inverse` where less is better."""
    if "ours" not in figures:
        return ""
    pairs = zip(figures["ours"], figures[name], strict=True)
    ratios = [other[key] / our[key] if inverse else our[key] / other[key] for our, other in pairs]
    form = "1/{:.2f}" if inverse else "{:.2f}"
    median, low, high = (
        form.format(value) for value in (statistics.median(ratios), min(ratios), max(ratios))
    )
    return f"{median} ({low} to {high})"


def _matrix_tflops() -> float:
    """The best of ten products of random bf16 matrices."""
    one, other = (torch.randn(MATRIX, MATRIX, device="cuda").bfloat16() for _ in range(2))
    best = float("inf")
    for _ in range(13):  # the first ones warm up
        torch.cuda.synchronize()
        began = time.monotonic()
        torch.mm(one, other)
        torch.cuda.synchronize()
        best = min(best, time.monotonic() - began)
    return 2 * MATRIX**3 / best / 1e12


def _machine(device: str) -> str:
    name = torch.cuda.get_device_name() if device != "cpu" else platform.machine()
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return (
        f"{name}, {cores} cores (load {load:.1f}), Python {platform.python_version()}, "
        f"torch {torch.__version__}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=int, default=64, help="channels of the first level")
    parser.add_argument("--depth", type=int, default=5, help="levels; MONAI's net has 5")
    parser.add_argument("--size", type=int, default=256, help="height and width of the slices")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm", type=int, default=4, help="steps before those that count")
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--workers", default="auto", type=lambda n: n if n == "auto" else int(n))
    parser.add_argument("--norm", default="batch", help="of our net and the tutorial's")
    parser.add_argument("--up", default="transposed", help="of our net and the tutorial's")
    parser.add_argument("--loops", nargs="+", choices=ON_GPU)
    parser.add_argument("--folder", help="for the slices meanwhile; by default that of TMPDIR")
    return parser


if __name__ == "__main__":
    main()
