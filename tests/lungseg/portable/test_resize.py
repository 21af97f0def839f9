"""Resizing by matrices is OpenCV's, to the HU."""

import cv2
import numpy as np
import pytest
import torch

from lungseg.portable.resize import larger, places, smaller, whole_axis

RNG = np.random.default_rng(0)


def whole(planes, size):
    """All of the planes on slices of a size: the axes of rows and of columns."""
    return tuple(whole_axis(places(planes, axis), size) for axis in (2, 3))


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [
        (64, 64, 32), (64, 64, 64), (75, 100, 64), (96, 96, 32), (128, 128, 32), (100, 75, 32),
        (65, 64, 32), (32, 32, 64), (20, 31, 64), (175, 50, 64), (50, 175, 64), (1, 1, 8),
    ],
)  # fmt: skip
def test_hu_are_those_of_a_build(height, width, size):
    plane = RNG.integers(-1000, 3071, (height, width)).astype(np.int16)
    rule = cv2.INTER_AREA if max(height, width) > 2 * size else cv2.INTER_LINEAR
    expected = cv2.resize(plane, (size, size), interpolation=rule)
    planes = torch.from_numpy(plane).float()[None, None]
    found = smaller(planes, whole(planes, size), beyond=-1000)[0, 0].numpy()
    assert np.abs(found - expected).max() <= 1  # a half may be rounded the other way
    assert (found != expected).mean() < 0.02


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 64), (75, 20), (1, 100)])
def test_probabilities_come_back_bilinearly(height, width):
    piece = RNG.random((32, 32), dtype=np.float32)
    expected = cv2.resize(piece, (width, height), interpolation=cv2.INTER_LINEAR)
    like = torch.zeros(1, 1, height, width)
    found = larger(torch.from_numpy(piece)[None, None], whole(like, 32))
    assert found.shape == (1, 1, height, width)
    assert np.abs(found[0, 0].numpy() - expected).max() < 1e-4


def test_all_planes_of_a_batch_are_resized_alike():
    planes = torch.from_numpy(RNG.integers(-1000, 400, (2, 3, 20, 30))).float()
    together = smaller(planes, whole(planes, 16), beyond=-1000)
    assert together.shape == (2, 3, 16, 16)
    alone = smaller(planes[1:, 2:], whole(planes, 16), beyond=-1000)
    assert torch.equal(together[1:, 2:], alone)
    assert [float(axis.num_old) for axis in whole(planes, 16)] == [20, 30]
