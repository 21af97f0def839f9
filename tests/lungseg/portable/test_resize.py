"""Resizing by matrices is OpenCV's, to the HU."""

import cv2
import numpy as np
import pytest
import torch

from lungseg.portable.resize import larger, length, smaller

RNG = np.random.default_rng(0)


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
    found = smaller(torch.from_numpy(plane).float()[None, None], size)[0, 0].numpy()
    assert np.abs(found - expected).max() <= 1  # a half may be rounded the other way
    assert (found != expected).mean() < 0.02


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 64), (75, 20), (1, 100)])
def test_probabilities_come_back_bilinearly(height, width):
    piece = RNG.random((32, 32), dtype=np.float32)
    expected = cv2.resize(piece, (width, height), interpolation=cv2.INTER_LINEAR)
    found = larger(torch.from_numpy(piece)[None, None], torch.zeros(1, 1, height, width))
    assert found.shape == (1, 1, height, width)
    assert np.abs(found[0, 0].numpy() - expected).max() < 1e-4


def test_all_planes_of_a_batch_are_resized_alike():
    planes = torch.from_numpy(RNG.integers(-1000, 400, (2, 3, 20, 30))).float()
    together = smaller(planes, 16)
    assert together.shape == (2, 3, 16, 16)
    assert torch.equal(together[1:, 2:], smaller(planes[1:, 2:], 16))
    assert (float(length(planes, 2)), float(length(planes, 3))) == (20, 30)
