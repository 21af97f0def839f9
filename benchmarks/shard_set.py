"""A shard set of slices that a benchmark makes: cases of square slices, 1 mm apart."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from shards.arrow import to_parquet
from shards.index import ShardIndex
from shards.manifest import CaseEntry, Manifest
from shards.record import Slice
from shards.writer import ShardWriter, WrittenShard

SCALE = 1 / 3071


def write_set(
    folder: Path, cases: Mapping[str, Iterable[tuple[np.ndarray, np.ndarray]]], *, size: int
) -> None:
    """Write for each case the int16 image and uint8 mask of each slice; all are in fold 0."""
    (folder / "cases").mkdir(parents=True)
    written = {}
    for case, slices in cases.items():
        with ShardWriter(folder / f"cases/{case}.tar", case=case) as shard:
            for z, (image, mask) in enumerate(slices):
                shard.add(Slice(case=case, z=z, image=image, mask=mask, spacing_mm=(1, 1, 1)))
            written[case] = shard.finish()
    index = to_parquet(ShardIndex.concatenate([shard.index for shard in written.values()]))
    manifest = Manifest(
        recipe={"clip": [-1000, 3071], "scale": SCALE, "size": size, "drop_slices": 0},
        source="benchmark",
        tools={},
        slice_shape=(size, size),
        folds=dict.fromkeys(written, 0),
        cases={case: _entry(case, shard, size) for case, shard in written.items()},
        index_sha256=hashlib.sha256(index).hexdigest(),
    )
    (folder / "index.parquet").write_bytes(index)
    (folder / "manifest.json").write_text(manifest.to_json())


def _entry(case: str, written: WrittenShard, size: int) -> CaseEntry:
    count = len(written.index.tumor)
    return CaseEntry(
        shard=f"cases/{case}.tar",
        bytes=written.bytes,
        sha256=written.sha256,
        source={},
        patient=case,
        shape=(size, size, count),
        affine=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
        spacing_mm=(1, 1, 1),
        orientation="RAS",
        slices=count,
        slices_dropped=0,
        tumor_slices=int(written.index.tumor.sum()),
        tumor_voxels=int(written.index.tumor_pixels.sum()),
        tumor_voxels_dropped=0,
    )
