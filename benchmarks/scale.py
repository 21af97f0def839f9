"""Whether 100,000 scans are in reach: index, plan, and the start of verify and fit.

    python benchmarks/scale.py [--folder /dev/shm/scale --slices 25000000]

Each line is measured in a process of its own, imports done before: wall seconds, and the process's
peak memory with torch imported.
"""

import dataclasses
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tyro

from lungseg.training.batches import stretches_of
from shards.arrow import from_parquet, to_parquet
from shards.index import BLOCK_BYTES, ShardIndex
from shards.manifest import CaseEntry, Manifest
from shards.order.plan import Plan
from shards.order.window import Windows
from shards.storage.store import open_shards
from shards.verify import Checker

PER_CASE, WITH_TUMOR = 230, 14
WAYS = (
    *("index", "weighted", "weighted windowed", "balanced", "balanced windowed"),
    *("verify starts", "fit starts"),
)


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
    if not manifest_of(path).exists():
        manifest_of(path).write_text(make_manifest(path).to_json())
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


def manifest_of(path: Path) -> Path:
    return path.with_suffix(".json")


def make_manifest(path: Path) -> Manifest:
    """The manifest that belongs to the index."""
    data = path.read_bytes()
    index = from_parquet(data, where=str(path))
    _, ends = index.stretches()
    entries = {
        name: CaseEntry(
            shard=index.shard(case),
            bytes=int(ends[index.rows_of(case).stop - 1]) + 2 * BLOCK_BYTES,
            sha256="0" * 64,
            source={},
            patient=name,
            shape=(512, 512, PER_CASE),
            affine=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
            spacing_mm=(0.7, 0.7, 1.0),
            orientation="LPS",
            slices=PER_CASE,
            slices_dropped=30,
            tumor_slices=int(index.tumor[index.rows_of(case)].sum()),
            tumor_voxels=1,
            tumor_voxels_dropped=0,
        )
        for case, name in enumerate(index.cases)
    }
    return Manifest(
        recipe={},
        source="made",
        tools={},
        slice_shape=(256, 256),
        folds={name: case % 5 for case, name in enumerate(entries)},
        cases=entries,
        index_sha256=hashlib.sha256(data).hexdigest(),
    )


def start(way: str, path: Path) -> None:
    """What a command asks of a set before it reads the first shard."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "index.parquet").symlink_to(path)
        (Path(folder) / "manifest.json").symlink_to(manifest_of(path))
        if way == "verify starts":
            assert Checker(folder, None).of_index() is None
            return
        shards = open_shards(folder)
        folds = np.array([shards.manifest.folds[name] for name in shards.index.cases])
        rows = np.flatnonzero(folds[shards.index.case] != 0)
        Plan(rows=rows, tumor=shards.index.tumor[rows], oversample=15.0, seed=0).order(0)
        stretches_of(shards.index, tuple(np.flatnonzero(folds == 0).tolist()))


def measure(way: str, path: Path) -> str:
    if way.endswith("starts"):
        import pyarrow.parquet

        began = time.perf_counter()
        start(way, path)
    elif way == "index":
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
