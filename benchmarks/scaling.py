"""Slices/s of one and two ranks here, measured; of 8 to 64 ranks, simulated from what was measured.

    OMP_NUM_THREADS=1 python benchmarks/scaling.py --width 8 --size 64 --batch 64

What is simulated has a machine like this core for each rank and nothing else: a step lasts as long
as its slowest rank, whose time is drawn from the steps measured here, scaled by a line through two
sizes of a share, and by what two ranks together take of the processor more than one, but for sums.
Then gradients are summed around a ring, with the latency and the bandwidth of two processes of this
machine, and so are the means of each batch normalization: on processors twice on the way there,
twice back. A real network is slower or faster than that: give its own by --latency and --gbytes.
Nothing overlaps, so it is no praise.
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
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from fit_data import Slices, write_shards

RANKS = (8, 16, 32, 64)
NORMS = ("batch", "instance")
DRAWS = 400
LARGE = 4_000_000  # floats
SUMS_OF_NORM = 4  # in a step on processors


class Measured(NamedTuple):
    """Of each epoch after the first: slices/s, and ms of all ranks' processors for a slice."""

    rates: list[float]
    processor_ms: list[float]

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def processor(self) -> float:
        return statistics.median(self.processor_ms)


def main() -> None:
    given = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="scaling-") as name:
        folder = Path(name)
        write_shards(Slices(given.batch * given.steps, given.size), folder / "shards")
        latency, gbytes = reduce_times(folder)
        print(f"measured, a sum over 2 ranks: {1e3 * latency:.2f} ms and {gbytes:.2f} GB/s")
        latency, gbytes = given.latency or latency, given.gbytes or gbytes
        for norm in given.norms:
            of_norm(folder, given, norm, latency, gbytes)


def of_norm(folder: Path, given: argparse.Namespace, norm: str, latency, gbytes) -> None:
    one, two, small = (
        measured(folder, given, devices=devices, batch=batch, norm=norm)
        for devices, batch in ((1, given.batch), (2, given.batch), (1, given.batch // 8))
    )
    num_weights, norms = exchanged(folder / f"{norm}-1-{given.batch}" / "last.ckpt")
    sums = [4 * num_weights, *SUMS_OF_NORM * [4 * channels for channels in norms]]
    summing_ms = 1e3 * sum(ring_s(size, 2, latency, gbytes) for size in sums)
    more = max(1.0, (two.processor - 2 * summing_ms / given.batch) / one.processor)
    print(f"--norm {norm}, measured, 1 rank: {spread(one.rates)} slices/s; "
          f"2 ranks: {spread(two.rates)}, {two.rate / one.rate:.2f} times as many")  # fmt: skip
    ratio = two.processor / one.processor
    print(f"processor ms a slice, 1 rank: {spread(one.processor_ms)}; 2 ranks: "
          f"{spread(two.processor_ms)}, {ratio:.2f} times, {more:.2f} without sums")  # fmt: skip
    whole_s, part_s = given.batch / one.rate, given.batch / 8 / small.rate
    per_slice = (whole_s - part_s) / (given.batch * 7 / 8)
    fixed = max(0.0, whole_s - per_slice * given.batch)
    print(f"from these: a step takes {1e3 * fixed:.1f} ms and {1e3 * per_slice:.2f} ms a slice; "
          f"a net of {num_weights:,} weights, {len(sums) - 1} sums of norms a step")  # fmt: skip
    noise = [one.rate / rate for rate in one.rates]
    for ranks in RANKS:
        if ranks <= given.batch:
            share = -(-given.batch // ranks)
            step = more * slowest(fixed + per_slice * share, noise, ranks)
            ring, *of_norms = (ring_s(size, ranks, latency, gbytes) for size in sums)
            means = sum(of_norms)
            total = step + ring + means
            rate = given.batch / total
            print(
                f"simulated, {ranks} ranks, batch {given.batch}: {rate:.0f} slices/s, "
                f"{rate / one.rate:.1f} times one, {ring / total:.0%} of it sums of gradients, "
                f"{means / total:.0%} of norms"
            )


def measured(
    folder: Path, given: argparse.Namespace, *, devices: int, batch: int, norm: str
) -> Measured:
    """Of each epoch after the first."""
    out = folder / f"{norm}-{devices}-{batch}"
    words = {
        "shards": folder / "shards", "out": out, "devices": devices, "batch-size": batch,
        "width": given.width, "depth": 3, "epochs": given.epochs + 1, "accelerator": "cpu",
        "num-workers": 0, "fold": "none", "norm": norm, "transplant": 0,
    }  # fmt: skip
    flags = [word for name, value in words.items() for word in (f"--{name}", str(value))]
    seconds = folder / f"{out.name}.txt"
    command = [sys.executable, Path(__file__).with_name("scaling_epochs.py"), seconds, *flags]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    with (out / "metrics.csv").open() as file:
        rates = [float(row["train/slices_per_s"]) for row in csv.DictReader(file)]
    spent: dict[str, float] = defaultdict(float)
    for line in seconds.read_text().splitlines():
        epoch, of_rank = line.split()
        spent[epoch] += float(of_rank)
    num_slices = given.batch * given.steps // batch * batch
    return Measured(rates[1:], [1e3 * each / num_slices for each in spent.values()][1:])


def exchanged(checkpoint: Path) -> tuple[int, list[int]]:
    """Floats in the gradient of a net, and channels of each of its batch normalizations."""
    values = torch.load(checkpoint, weights_only=True)["state_dict"]
    norms = [len(values[name]) for name in values if name.endswith("running_mean")]
    return sum(value.numel() for value in values.values()), norms


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
    parser.add_argument("--norms", nargs="+", choices=NORMS, default=NORMS)
    parser.add_argument("--latency", type=float, help="seconds of a message, of your network")
    parser.add_argument("--gbytes", type=float, help="GB/s of a message, of your network")
    return parser


if __name__ == "__main__":
    main()
