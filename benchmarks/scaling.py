"""Slices/s of one and two ranks here, measured; of 8 to 64 ranks, simulated from what was measured.

    OMP_NUM_THREADS=1 python benchmarks/scaling.py --width 8 --size 64 --batch 64

What is simulated has a machine like this core for each rank and nothing else: a step lasts as long
as its slowest rank, whose time is drawn from the steps measured here, scaled by a line through two
sizes of a share; then gradients are summed around a ring, with the latency and the bandwidth of two
processes of this machine. A real network is slower or faster than that: give its own by --latency
and --gbytes. Nothing overlaps, so it is no praise.
"""

import argparse
import csv
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from fit_data import Slices, write_shards

RANKS = (8, 16, 32, 64)
DRAWS = 400
LARGE = 4_000_000  # floats


def main() -> None:
    given = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="scaling-") as name:
        folder = Path(name)
        write_shards(Slices(given.batch * given.steps, given.size), folder / "shards")
        one = slices_per_s(folder, given, devices=1, batch=given.batch)
        two = slices_per_s(folder, given, devices=2, batch=given.batch)
        small = slices_per_s(folder, given, devices=1, batch=given.batch // 8)
        latency, gbytes = reduce_times(folder)
        num_weights = weights_of(folder / f"1-{given.batch}" / "last.ckpt")
    latency, gbytes = given.latency or latency, given.gbytes or gbytes
    medians = [statistics.median(rates) for rates in (one, two, small)]
    print(f"measured, 1 rank: {spread(one)} slices/s; 2 ranks: {spread(two)}, "
          f"{medians[1] / medians[0]:.2f} times as many")  # fmt: skip
    print(f"measured, a sum over 2 ranks: {1e3 * latency:.2f} ms and {gbytes:.2f} GB/s")
    whole_s, part_s = given.batch / medians[0], given.batch / 8 / medians[2]
    per_slice = (whole_s - part_s) / (given.batch * 7 / 8)
    fixed = max(0.0, whole_s - per_slice * given.batch)
    print(f"from these: a step takes {1e3 * fixed:.1f} ms and {1e3 * per_slice:.2f} ms a slice; "
          f"a net of {num_weights:,} weights")  # fmt: skip
    noise = [medians[0] / rate for rate in one]
    for ranks in RANKS:
        if ranks <= given.batch:
            share = -(-given.batch // ranks)
            step = slowest(fixed + per_slice * share, noise, ranks)
            ring = ring_s(4 * num_weights, ranks, latency, gbytes)
            rate = given.batch / (step + ring)
            print(
                f"simulated, {ranks} ranks, batch {given.batch}: {rate:.0f} slices/s, "
                f"{rate / medians[0]:.1f} times one, {ring / (step + ring):.0%} of it sums"
            )


def slices_per_s(folder: Path, given: argparse.Namespace, *, devices: int, batch: int) -> list:
    """Of each epoch after the first."""
    out = folder / f"{devices}-{batch}"
    words = {
        "shards": folder / "shards", "out": out, "devices": devices, "batch-size": batch,
        "width": given.width, "depth": 3, "epochs": given.epochs + 1, "accelerator": "cpu",
        "num-workers": 0, "fold": "none", "norm": "instance", "transplant": 0,
    }  # fmt: skip
    flags = [word for name, value in words.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "lungseg.fit", *flags]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    with (out / "metrics.csv").open() as file:
        return [float(row["train/slices_per_s"]) for row in csv.DictReader(file)][1:]


def weights_of(checkpoint: Path) -> int:
    """Floats in the gradient of a net."""
    weights = torch.load(checkpoint, weights_only=True)["state_dict"]
    return sum(value.numel() for value in weights.values())


def reduce_times(folder: Path) -> tuple[float, float]:
    """Seconds of a tiny sum, and GB/s of a large one, over two processes of this machine."""
    mp.start_processes(_reduce, (folder,), 2, start_method="fork")
    latency, large = map(float, (folder / "reduced").read_text().split())
    return latency, 4e-9 * LARGE / max(large - latency, 1e-9)


def _reduce(rank: int, folder: Path) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    times = []
    for size in (1, LARGE):
        values, taken = torch.ones(size), []
        for _ in range(9):
            dist.barrier()
            since = time.monotonic()
            dist.all_reduce(values)
            taken.append(time.monotonic() - since)
        times.append(statistics.median(taken))
    if rank == 0:
        (folder / "reduced").write_text(" ".join(map(str, times)))
    dist.destroy_process_group()


def slowest(step_s: float, noise: list[float], ranks: int) -> float:
    """Mean time of the slowest of so many ranks."""
    rng = random.Random(0)
    return statistics.mean(step_s * max(rng.choices(noise, k=ranks)) for _ in range(DRAWS))


def ring_s(num_bytes: int, ranks: int, latency: float, gbytes: float) -> float:
    """Seconds of a sum around a ring: 2 (n - 1) messages of an n-th each."""
    return 2 * (ranks - 1) * (latency + num_bytes / ranks / (1e9 * gbytes))


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("width", 8), ("size", 64), ("batch", 64), ("steps", 8), ("epochs", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--latency", type=float, help="seconds of a message, of your network")
    parser.add_argument("--gbytes", type=float, help="GB/s of a message, of your network")
    return parser


if __name__ == "__main__":
    main()
