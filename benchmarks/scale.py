"""Whether 100,000 scans are in reach: the index and the plan of 25 million slices.

    python benchmarks/scale.py [--folder /dev/shm/scale --slices 25000000]

Each line is measured in a process of its own, imports done before: wall seconds, and the process's
peak memory with torch imported.
"""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import tyro

from shards.arrow import from_parquet, to_parquet
from shards.index import ShardIndex
from shards.order.plan import Plan
from shards.order.window import Windows

PER_CASE, WITH_TUMOR = 230, 14
WAYS = ("index", "weighted", "weighted windowed", "balanced", "balanced windowed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    folder: Path = Path("/dev/shm/scale")
    """Where the index lies; it is kept."""
    slices: int = 25_000_000
    only: str = ""
    """One of the ways, measured in this process."""


def main(options: Options) -> None:
    path = options.folder / f"{options.slices}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_parquet(make_index(options.slices // PER_CASE)))
    if options.only:
        print(measure(options.only, path))
        return
    print(f"{options.slices} slices, index of {path.stat().st_size / 1e6:.0f} MB")
    print("| | seconds | peak MB |\n|---|---|---|")
    for way in WAYS:
        command = [sys.executable, __file__, "--slices", str(options.slices), "--only", way]
        subprocess.run([*command, "--folder", str(options.folder)], check=True)


def make_index(num_cases: int) -> ShardIndex:
    """What a build of as many cases would write: slices of 256 x 256, 6 % of them with tumor."""
    rng = np.random.default_rng(0)
    num = num_cases * PER_CASE
    tumor = np.tile(np.arange(PER_CASE) % 100 < WITH_TUMOR // 2, num_cases)
    sizes = {
        "image": np.full(num, 131_200),
        "mask": np.where(tumor, rng.integers(180, 600, num), 94),
        "tags": rng.integers(100, 110, num),
    }
    offsets, place = {}, np.zeros(num, np.int64)
    for name, size in sizes.items():
        offsets[name] = place + 512
        place = offsets[name] + size + -size % 512
    begins = (place.cumsum() - place).reshape(num_cases, PER_CASE)
    begins = (begins - begins[:, :1]).ravel()
    return ShardIndex(
        cases=tuple(f"case_{k:06d}" for k in range(num_cases)),
        case=np.repeat(np.arange(num_cases, dtype=np.int32), PER_CASE),
        z=np.tile(np.arange(30, 30 + PER_CASE, dtype=np.int32), num_cases),
        **{f"{name}_offset": begins + offset for name, offset in offsets.items()},
        **{f"{name}_size": size.astype(np.int64) for name, size in sizes.items()},
        tumor=tumor,
        tumor_pixels=np.where(tumor, rng.integers(1, 900, num), 0).astype(np.int32),
        crc32=rng.integers(0, 2**32, num, dtype=np.uint32),
    )


def measure(way: str, path: Path) -> str:
    if way == "index":
        import pyarrow.parquet  # noqa: F401

        data = path.read_bytes()
        began = time.perf_counter()
        from_parquet(data, where=str(path))
    else:
        num = int(path.stem)
        tumor = np.arange(num) % 100 < 6
        shard = (np.arange(num) // PER_CASE).astype(np.int32)
        windows = Windows(shard=shard, size=64) if "windowed" in way else None
        draw = "balanced" if "balanced" in way else "weighted"
        plan = Plan(
            rows=np.arange(num), tumor=tumor, oversample=15.0, seed=0, draw=draw, windows=windows
        )
        began = time.perf_counter()
        plan.order(3)
    took = time.perf_counter() - began
    status = Path("/proc/self/status").read_text()
    peak_mb = int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    return f"| {way} | {took:.2f} | {peak_mb:.0f} |"


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
