"""Shard sets for tests, made without any scan."""

import hashlib

import numpy as np

from shards.arrow import to_parquet
from shards.index import ShardIndex
from shards.manifest import CaseEntry, Manifest
from shards.record import Slice
from shards.writer import ShardWriter


def make_shards(root, *, num_cases=5, num_slices=13, size=32, seed=0, wall=0):
    """A set of cases whose tumors are bright disks on a noisy background, within a wall.

    It is made in a second and learned in seconds.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((size, size))

    def slices():
        for z in range(num_slices):
            center, radius = rng.integers(8, size - 8, 2), rng.integers(3, 7)
            disk = (rows - center[0]) ** 2 + (columns - center[1]) ** 2 <= radius**2
            mask = (disk & (z % 3 == 0)).astype(np.uint8)
            image = rng.normal(-800, 60, (size, size)) + 850.0 * mask
            image[np.minimum(rows, columns) < wall] = image[:, size - wall :] = 40
            image[size - wall :] = 40
            yield image.astype(np.int16), mask

    cases = [f"lung_{number:03d}" for number in range(num_cases)]
    return write_shards(
        root,
        {case: slices() for case in cases},
        size=size,
        recipe={"drop_slices": 0},
        folds={case: number % 5 for number, case in enumerate(cases)},
    )


def write_shards(root, cases, *, size, recipe=None, compress=False, entry=None, **manifest):
    """Write a shard set.

    Args:
        root: Its folder.
        cases: For each case, in order, the image and the mask of each slice, (size, size).
        size: Edge of a slice, in pixels.
        recipe: What its manifest says of it beside clip, scale and size.
        compress: Whether images are compressed.
        entry: What the manifest says of each case that differs from 1 mm slices, read whole.
        manifest: What it says of the set.
    """
    (root / "cases").mkdir(parents=True, exist_ok=True)
    spacing_mm = (entry or {}).get("spacing_mm", (1, 1, 1))
    written = {}
    for case, slices in cases.items():
        with ShardWriter(root / f"cases/{case}.tar", case=case, compress=compress) as shard:
            for z, (image, mask) in enumerate(slices):
                shard.add(Slice(case=case, z=z, image=image, mask=mask, spacing_mm=spacing_mm))
            written[case] = shard.finish()
    index = to_parquet(ShardIndex.concatenate([shard.index for shard in written.values()]))
    told = Manifest(
        recipe={"size": size, "clip": [-1000, 3071], "scale": 1 / 3071} | (recipe or {}),
        source="toys",
        tools={},
        slice_shape=(size, size),
        cases={case: _entry(case, shard, size, entry or {}) for case, shard in written.items()},
        compressed=compress,
        index_sha256=hashlib.sha256(index).hexdigest(),
        **manifest,
    )
    (root / "index.parquet").write_bytes(index)
    (root / "manifest.json").write_text(told.to_json())
    return root


def _entry(case, written, size, other):
    num_slices = len(written.index.tumor)
    whole = {
        "shard": f"cases/{case}.tar",
        "bytes": written.bytes,
        "sha256": written.sha256,
        "source": {},
        "patient": case,
        "shape": (size, size, num_slices),
        "affine": tuple(tuple(float(i == j) for j in range(4)) for i in range(4)),
        "spacing_mm": (1, 1, 1),
        "orientation": "RAS",
        "slices": num_slices,
        "slices_dropped": 0,
        "tumor_slices": int(written.index.tumor.sum()),
        "tumor_voxels": int(written.index.tumor_pixels.sum()),
        "tumor_voxels_dropped": 0,
    }
    return CaseEntry(**whole | other)
