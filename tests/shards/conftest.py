"""What tests of shards share: small shard sets, made without any scan."""

import hashlib

import numpy as np
import pytest

from shards.arrow import to_parquet
from shards.index import ShardIndex
from shards.manifest import CaseEntry, Manifest
from shards.record import Slice
from shards.writer import ShardWriter


def write_case(root, case, *, num_slices, size, compress, seed, tumor):
    rng = np.random.default_rng([seed, *case.encode()])
    path = root / f"cases/{case}.tar"
    path.parent.mkdir(parents=True, exist_ok=True)
    tumor = [tumor(case, z) for z in range(num_slices)]
    with ShardWriter(path, case=case, compress=compress) as shard:
        for z in range(num_slices):
            image = rng.integers(-1000, 3072, (size, size), dtype=np.int16)
            mask = np.zeros((size, size), np.uint8)
            mask[2:4, 3:6] = tumor[z]
            shard.add(Slice(case=case, z=z, image=image, mask=mask, spacing_mm=(1.5, 1.5, 2.0)))
        written = shard.finish()
    entry = CaseEntry(
        shard=f"cases/{case}.tar",
        bytes=written.bytes,
        sha256=written.sha256,
        source={},
        patient=case,
        shape=(2 * size, 2 * size, num_slices + 2),
        affine=tuple(tuple(float(i == j) for j in range(4)) for i in range(4)),
        spacing_mm=(0.75, 0.75, 2.0),
        orientation="LPS",
        slices=num_slices,
        slices_dropped=2,
        tumor_slices=sum(tumor),
        tumor_voxels=24 * sum(tumor),
        tumor_voxels_dropped=1,
    )
    return entry, written.index


def every_third(case, z):
    return z % 3 == 1


def write_set(root, *, cases="abc", size=8, compress=False, tumor=every_third, **kinds):
    """Write a whole shard set of random slices, of which `tumor(case, z)` show tumor.

    As a build does, it takes an older set's manifest away before it touches that set's shards.
    """
    (root / "manifest.json").unlink(missing_ok=True)
    kinds = {"num_slices": 4, "size": size, "compress": compress, "seed": 0, "tumor": tumor} | kinds
    made = {case: write_case(root, case, **kinds) for case in sorted(cases)}
    index = to_parquet(ShardIndex.concatenate([index for _, index in made.values()]))
    manifest = Manifest(
        recipe={"clip": [-1000, 3071], "scale": 1 / 3071, "size": size},
        source="random",
        tools={},
        slice_shape=(size, size),
        folds={case: place % 2 for place, case in enumerate(made)},
        cases={case: entry for case, (entry, _) in made.items()},
        rejected={"z": "no mask"},
        compressed=compress,
        index_sha256=hashlib.sha256(index).hexdigest(),
    )
    (root / "index.parquet").write_bytes(index)
    (root / "manifest.json").write_text(manifest.to_json())
    return root


@pytest.fixture(name="write_set")
def fixture_write_set():
    """The function that writes a shard set."""
    return write_set


@pytest.fixture
def shard_folder(tmp_path):
    """Folder of a set of the cases a, b, c with 4 slices of 8 x 8 pixels each."""
    return write_set(tmp_path / "set")
