"""What tests of shards share: small shard sets of noise."""

import numpy as np
import pytest

from tests.toy_shards import write_shards


def slices_of_noise(case, *, num_slices, size, seed, tumor):
    rng = np.random.default_rng([seed, *case.encode()])
    for z in range(num_slices):
        image = rng.integers(-1000, 3072, (size, size), dtype=np.int16)
        mask = np.zeros((size, size), np.uint8)
        mask[2:4, 3:6] = tumor(case, z)
        yield image, mask


def every_third(case, z):
    return z % 3 == 1


def write_set(
    root, *, cases="abc", num_slices=4, size=8, seed=0, tumor=every_third, compress=False
):
    """Write a whole shard set of random slices, of which `tumor(case, z)` show tumor.

    As a build does, it takes an older set's manifest away before it touches that set's shards.
    """
    (root / "manifest.json").unlink(missing_ok=True)
    kinds = {"num_slices": num_slices, "size": size, "seed": seed, "tumor": tumor}
    return write_shards(
        root,
        {case: slices_of_noise(case, **kinds) for case in sorted(cases)},
        size=size,
        compress=compress,
        entry={"slices_dropped": 2, "tumor_voxels_dropped": 1},
        folds={case: place % 2 for place, case in enumerate(sorted(cases))},
        rejected={"z": "no mask"},
    )


@pytest.fixture(name="write_set")
def fixture_write_set():
    """The function that writes a shard set."""
    return write_set


@pytest.fixture
def shard_folder(tmp_path):
    """Folder of a set of the cases a, b, c with 4 slices of 8 x 8 pixels each."""
    return write_set(tmp_path / "set")
