"""Components found slice by slice are those of the whole volume, and are found again."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label

from lungseg.postprocessing.components import Components


def seen(mask, *layers, order=None):
    components = Components()
    for z in order or range(len(mask)):
        components.add(z, mask[z], [layer[z] for layer in layers])
    return components


def blobs(seed):
    """A mask (z, y, x) of many blobs, and a layer."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(12, 18, 20)), rng.uniform(0.4, 1.2))
    mask = np.asarray(field > np.quantile(field, rng.uniform(0.7, 0.97)), np.uint8)
    return mask, rng.integers(0, 2, mask.shape)


@pytest.mark.parametrize("downwards", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_voxels_and_layers_are_counted_for_each_part_of_the_volume(seed, downwards):
    mask, layer = blobs(seed)
    labels, n = label(mask, np.ones((3, 3, 3)))
    order = range(12)[::-1] if downwards else range(12)
    counts = seen(mask, layer, order=order).counts().values()
    expected = [
        ((labels == k).sum(), layer[labels == k].astype(bool).sum()) for k in range(1, n + 1)
    ]
    assert sorted(map(tuple, counts)) == sorted(expected)


@pytest.mark.parametrize("seed", range(5))
def test_a_second_look_keeps_whole_components_and_nothing_else(seed):
    mask, _ = blobs(seed)
    labels, n = label(mask, np.ones((3, 3, 3)))
    components = seen(mask)
    sizes = {component: int(row[0]) for component, row in components.counts().items()}
    kept = {component for component, size in sizes.items() if size > 5}
    expected = np.isin(labels, [k for k in range(1, n + 1) if (labels == k).sum() > 5])
    found = np.stack([components.kept(z, mask[z], kept) for z in range(12)])
    assert (found == expected).all()
    assert expected.any()
    assert not np.stack([components.kept(z, mask[z], set()) for z in range(12)]).any()


def test_an_empty_slice_parts_what_lies_around_it():
    mask = np.zeros((3, 4, 4), np.uint8)
    mask[0, 1, 1] = mask[2, 1, 1] = 1
    components = seen(mask)
    assert [row.tolist() for row in components.counts().values()] == [[1], [1]]
    assert components.kept(1, mask[1], set()).sum() == 0


def test_a_slice_full_of_tumor_is_one_part_and_quickly_joined():
    mask = np.ones((2, 300, 300), np.uint8)
    assert [row.tolist() for row in seen(mask).counts().values()] == [[180_000]]
