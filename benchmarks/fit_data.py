"""Synthetic slices as the loops of fit.py read them: shards, and files of numpy."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
from shard_set import SCALE, write_set

PER_CASE = 64
TUMOR_EVERY = 8


@dataclasses.dataclass(frozen=True)
class Slices:
    """Bodies in air with noise, every `TUMOR_EVERY`-th with a round tumor; int16 HU and uint8.

    Noise comes from a field that is larger than a slice, so that many slices are made quickly.
    """

    count: int
    size: int

    def __iter__(self):
        size = self.size
        rng = np.random.default_rng(0)
        rows, columns = np.indices((size, size)) / size - 0.5
        body = (rows / 0.35) ** 2 + (columns / 0.47) ** 2 <= 1
        field = rng.normal(0, 20, (2 * size, 2 * size)).astype(np.float32)
        for number in range(self.count):
            top, left = rng.integers(0, size, 2)
            noise = field[top : top + size, left : left + size]
            row, column = rng.uniform(-0.2, 0.2, 2)
            tumor = (rows - row) ** 2 + (columns - column) ** 2 <= 0.05**2
            mask = tumor & (number % TUMOR_EVERY == 0)
            image = np.where(body, 40 + noise, -1000 + np.abs(noise)) + 60 * mask
            yield image.astype(np.int16), mask.astype(np.uint8)


def write_shards(slices: Slices, folder: Path) -> None:
    """A shard set of cases of `PER_CASE` slices."""
    each, num_cases = iter(slices), -(-slices.count // PER_CASE)
    cases = {f"case_{n:04d}": itertools.islice(each, PER_CASE) for n in range(num_cases)}
    write_set(folder, cases, size=slices.size)


def write_files(slices: Slices, folder: Path) -> None:
    """Two files a slice, as the tutorial writes them: scaled float32, and its mask."""
    folder.mkdir(parents=True)
    for number, (image, mask) in enumerate(slices):
        np.save(folder / f"{number}.ct.npy", image.astype(np.float32) * np.float32(SCALE))
        np.save(folder / f"{number}.mask.npy", mask)


def weights(count: int) -> np.ndarray:
    """Of the draws of slices: half of them show tumor."""
    tumor = np.arange(count) % TUMOR_EVERY == 0
    return np.where(tumor, (~tumor).sum() / tumor.sum(), 1.0)
