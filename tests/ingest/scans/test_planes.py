"""The law of planes: those of the canonical array, however the scan is stored and whichever way."""

import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.scans.geometry import Grid, as_affine, to_canonical
from ingest.scans.planes import axial_planes, mask_planes, stored_downwards

ORIENTATIONS = [
    "".join(codes)
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for codes in itertools.product(*axes)
]


class ArrayVolume:
    """A volume in memory that gives all its slabs in one buffer, as readers of files do."""

    def __init__(self, array, orientation):
        turn = nib.orientations.inv_ornt_aff(
            nib.orientations.axcodes2ornt(orientation), array.shape
        )
        self.grid = Grid(shape=array.shape, affine=as_affine(np.linalg.inv(turn)))
        self.array, self.remarks, self.measures = array, [], {}
        self.slabs_read = 0

    def slabs(self):
        buffer = np.empty(self.array.shape[1::-1], self.array.dtype)
        for k in range(self.array.shape[2]):
            buffer[:] = self.array[:, :, k].T
            self.slabs_read += 1
            yield buffer


def expected(volume, downwards):
    """Planes (height, width) of the canonical array."""
    planes = np.moveaxis(to_canonical(volume.array, volume.grid), 2, 0).transpose(0, 2, 1)
    return planes[::-1] if downwards else planes


SHAPES = st.tuples(*[st.integers(1, 5)] * 3)


@given(SHAPES, st.sampled_from(ORIENTATIONS), st.booleans())
def test_planes_are_those_of_the_canonical_array_in_either_direction(shape, orientation, down):
    array = np.random.default_rng(0).integers(-99, 99, shape, dtype=np.int16)
    volume = ArrayVolume(array, orientation)
    planes = [plane.copy() for plane in axial_planes(volume, downwards=down)]
    np.testing.assert_array_equal(planes, expected(volume, down))


@given(SHAPES, st.sampled_from(ORIENTATIONS), st.booleans())
def test_planes_of_masks_are_the_same_and_none_where_nothing_is_marked(shape, orientation, down):
    array = (np.random.default_rng(1).random(shape) < 0.1).astype(np.uint8)
    volume = ArrayVolume(array, orientation)
    truth = expected(volume, down)
    found = list(mask_planes(volume, downwards=down))
    assert [plane is None for plane in found] == [not plane.any() for plane in truth]
    for _, plane in enumerate(mask_planes(volume, downwards=down)):
        assert plane is None or plane.flags.c_contiguous


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_scan_streams_where_its_slabs_are_axial_and_in_order(orientation):
    volume = ArrayVolume(np.zeros((3, 4, 5), np.int16), orientation)
    down = stored_downwards(volume.grid)
    assert down == (orientation[2] == "I")
    next(axial_planes(volume, downwards=down))
    assert volume.slabs_read == (1 if orientation[2] in "IS" else volume.array.shape[2])
