"""A volume's slabs, put together, are the volume."""

import numpy as np
import pytest

from ingest.scans.geometry import Grid
from ingest.scans.volume import whole


class Reused:
    """A reader of three slabs that gives the same memory for each."""

    def __init__(self, voxels):
        self.voxels = voxels
        self.grid = Grid(shape=voxels.shape, affine=tuple(map(tuple, np.eye(4).tolist())))

    def slabs(self):
        memory = np.empty(self.voxels.shape[1::-1], self.voxels.dtype)
        for k in range(self.voxels.shape[2]):
            memory[:] = self.voxels[:, :, k].T
            yield memory


@pytest.mark.parametrize("dtype", [np.int16, np.uint8])
def test_slabs_of_one_memory_become_the_volume(dtype):
    voxels = np.arange(24).reshape(2, 4, 3).astype(dtype)
    found = whole(Reused(voxels), dtype)
    np.testing.assert_array_equal(found, voxels)
    assert (found.dtype, found.flags.f_contiguous) == (dtype, True)
