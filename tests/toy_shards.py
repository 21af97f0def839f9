"""Shard sets for tests of training and search, made in a second and learned in seconds."""

import hashlib

import numpy as np

from shards.arrow import to_parquet
from shards.index import ShardIndex
from shards.manifest import CaseEntry, Manifest
from shards.record import Slice
from shards.writer import ShardWriter


def make_shards(root, *, num_cases=5, num_slices=13, size=32, seed=0, wall=0):
    """A set of cases whose tumors are bright disks on a noisy background, within a wall."""
    rng = np.random.default_rng(seed)
    (root / "cases").mkdir(parents=True)
    entries, parts = {}, []
    rows, columns = np.indices((size, size))
    for number in range(num_cases):
        case = f"lung_{number:03d}"
        with ShardWriter(root / "cases" / f"{case}.tar", case=case) as shard:
            for z in range(num_slices):
                center, radius = rng.integers(8, size - 8, 2), rng.integers(3, 7)
                disk = (rows - center[0]) ** 2 + (columns - center[1]) ** 2 <= radius**2
                mask = (disk & (z % 3 == 0)).astype(np.uint8)
                image = rng.normal(-800, 60, (size, size)) + 850.0 * mask
                image[np.minimum(rows, columns) < wall] = image[:, size - wall :] = 40
                image[size - wall :] = 40
                record = Slice(
                    case=case, z=z, image=image.astype(np.int16), mask=mask, spacing_mm=(1, 1, 1)
                )
                shard.add(record)
            written = shard.finish()
        parts.append(written.index)
        entries[case] = CaseEntry(
            shard=f"cases/{case}.tar",
            bytes=written.bytes,
            sha256=written.sha256,
            source={},
            patient=case,
            shape=(size, size, num_slices),
            affine=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
            spacing_mm=(1, 1, 1),
            orientation="RAS",
            slices=num_slices,
            slices_dropped=0,
            tumor_slices=int(written.index.tumor.sum()),
            tumor_voxels=int(written.index.tumor_pixels.sum()),
            tumor_voxels_dropped=0,
        )
    index = to_parquet(ShardIndex.concatenate(parts))
    manifest = Manifest(
        recipe={"size": size, "clip": [-1000, 3071], "scale": 1 / 3071, "drop_slices": 0},
        source="disks",
        tools={},
        slice_shape=(size, size),
        folds={case: number % 5 for number, case in enumerate(sorted(entries))},
        cases=entries,
        index_sha256=hashlib.sha256(index).hexdigest(),
    )
    (root / "manifest.json").write_text(manifest.to_json())
    (root / "index.parquet").write_bytes(index)
    return root
