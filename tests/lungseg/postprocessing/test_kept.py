"""Which lesions of a scan rules keep."""

import numpy as np
import pytest

from lungseg.postprocessing.components import Components
from lungseg.postprocessing.kept import kept, kept_components
from lungseg.postprocessing.rules import Rules

VOXELS = np.array([10, 50, 20, 50, 5])
IN_HULL = np.array([1, 0, 20, 50, 0])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, [1, 1, 1, 1, 1]),
        ({"smallest_mm3": 20}, [1, 1, 1, 1, 0]),  # of voxels of 2 mm3, the bound included
        ({"smallest_mm3": 20.1}, [0, 1, 1, 1, 0]),
        ({"lung_hull": True}, [1, 0, 1, 1, 0]),
        ({"keep_largest": 3}, [0, 1, 1, 1, 0]),
        ({"keep_largest": 1}, [0, 1, 0, 1, 0]),  # both are the largest
        ({"keep_largest": 9}, [1, 1, 1, 1, 1]),
        ({"keep_largest": 2, "lung_hull": True}, [0, 0, 1, 1, 0]),  # of those in the lungs
        ({"keep_largest": 2, "smallest_mm3": 999}, [0, 0, 0, 0, 0]),
    ],
)
def test_each_rule_drops_what_it_says(rules, expected):
    assert kept(Rules(**rules), VOXELS, IN_HULL, voxel_mm3=2.0).tolist() == list(
        map(bool, expected)
    )


def test_the_noise_of_an_affine_in_32_bits_drops_nothing():
    noisy = 2 * (1 - 1e-7)
    expected = kept(Rules(smallest_mm3=20), VOXELS, IN_HULL, voxel_mm3=2.0)
    assert (kept(Rules(smallest_mm3=20), VOXELS, IN_HULL, voxel_mm3=noisy) == expected).all()


def test_nothing_has_nothing_to_keep():
    none = np.zeros(0, np.int64)
    assert kept(Rules(keep_largest=1), none, none, voxel_mm3=1.0).tolist() == []
    assert kept_components(Components(), Rules(lung_hull=True), voxel_mm3=1.0) == set()


def test_components_are_kept_by_their_first_layer():
    components = Components()
    mask, hull = np.zeros((2, 9, 9), np.uint8)
    mask[1:3, 1:3] = mask[5:8, 5:8] = hull[2, 2] = 1
    components.add(0, mask, [hull])
    (number,) = kept_components(components, Rules(lung_hull=True), voxel_mm3=1.0)
    assert components.counts()[number].tolist() == [4, 1]
