"""Sequential streaming against the exact order: speed, and what a batch looks like.

    python benchmarks/stream.py [--folder /dev/shm/stream-benchmark]

Speed: 256 x 256 slices in shards of 230, half of the draws with tumor, batch 32, int16 and uint8,
no workers. Order: 63 cases of 230 slices of which 14 neighbors show tumor; near duplicates are two
slices of a batch that lie at most two apart in one case.
"""

import argparse
import itertools
import shutil
import statistics
import time
from pathlib import Path

import numpy as np
from shard_set import write_set

from shards.order.plan import Plan
from shards.reading.reader import SliceReader
from shards.reading.stream import SliceStream
from shards.storage.store import open_shards

NUM_SLICES, TUMOR = 230, range(100, 114)
BATCH = 32
RATIO = (NUM_SLICES - len(TUMOR)) / len(TUMOR)  # what --oversample auto takes: half show tumor


def slices_of(number, size):
    """Noise; the first two pixels of each slice say which one it is."""
    rng = np.random.default_rng(number)
    for z in range(NUM_SLICES):
        image = rng.integers(-1000, 1000, (size, size), dtype=np.int16)
        image[0, :2] = number, z
        mask = np.zeros((size, size), np.uint8)
        mask[2:6, 2:6] = z in TUMOR
        yield image, mask


def make_set(root, *, num_cases, size):
    shutil.rmtree(root, ignore_errors=True)
    write_set(root, {f"case_{n:03d}": slices_of(n, size) for n in range(num_cases)}, size=size)
    return open_shards(root)


def plan_of(shards):
    index = shards.index
    return Plan(rows=np.arange(len(index)), tumor=index.tumor, oversample=RATIO, seed=0)


def stream_of(shards):
    cases = sorted(shards.manifest.cases)
    return SliceStream(shards, cases=cases, oversample=RATIO, seed=0, rank=0, world_size=1)


def streamed(shards, epoch):
    stream = stream_of(shards)
    while True:
        yield stream.read(epoch=epoch, count=BATCH)


def indexed(shards, epoch):
    reader, order = SliceReader(shards), plan_of(shards).order(epoch)
    for start in itertools.count(step=BATCH):
        yield reader.read(order[start : start + BATCH])


def speed(batches, num_batches=60):
    """Seconds to the first batch, then slices per second."""
    start = time.perf_counter()
    next(batches)
    first = time.perf_counter()
    for _ in itertools.islice(batches, num_batches):
        pass
    return first - start, num_batches * BATCH / (time.perf_counter() - first)


def batch_statistics(batches):
    """Pairs of near duplicates per batch, spread of the share of slices with tumor, mean share."""
    pairs, shares = [], []
    for images, masks in batches:
        case, z = np.asarray(images)[:, 0, 0, :2].astype(int).T
        near = (case[:, None] == case) & (abs(z[:, None] - z) <= 2)
        pairs.append((near.sum() - len(z)) / 2)
        shares.append(np.asarray(masks).any((1, 2, 3)).mean())
    return statistics.mean(pairs), statistics.stdev(shares), statistics.mean(shares)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm/stream-benchmark"))
    folder = parser.parse_args().folder
    kinds = {"exact order, by index": indexed, "sequential stream": streamed}
    shards = make_set(folder, num_cases=12, size=256)
    runs = {name: [] for name in kinds}
    for epoch in range(5):
        for name, kind in kinds.items():
            runs[name].append(speed(kind(shards, epoch)))
    for name, measured in runs.items():
        first, rate = (statistics.median(values) for values in zip(*measured, strict=True))
        low, high = (pick(rate for _, rate in measured) for pick in (min, max))
        print(f"{name}: {rate:.0f} slices/s ({low:.0f}-{high:.0f}), first batch {first:.2f} s")
    shards = make_set(folder, num_cases=63, size=8)
    for name, kind in kinds.items():
        batches = itertools.chain.from_iterable(
            itertools.islice(kind(shards, epoch), len(shards.index) // BATCH) for epoch in range(5)
        )
        pairs, spread, share = batch_statistics(batches)
        print(
            f"{name}: {pairs:.2f} near-duplicate pairs a batch, share {share:.3f} +- {spread:.3f}"
        )
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
