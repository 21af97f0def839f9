"""What tests of augmentation share: slices, and draws of one change alone."""

import cv2
import numpy as np
import pytest

from lungseg.augment.draw import draw_slice
from lungseg.augment.strength import Strength

CLIP = (-1000, 3071)


def _slices(count=6, *, channels=1, shape=(48, 64)):
    """(count, channels, h, w) int16 HU of smooth tissue, and (count, 1, h, w) masks of blobs."""
    draws = np.random.default_rng(0)
    noise = draws.normal(0, 4000, (count, channels, *shape)).astype(np.float32)
    smooth = np.stack([[cv2.GaussianBlur(plane, (0, 0), 4) for plane in part] for part in noise])
    images = np.clip(smooth, *CLIP).astype(np.int16)
    return images, (images[:, :1] > 200).astype(np.uint8)


def _draws(strength, count, *, seed=0, epoch=0, shape=(48, 64)):
    given = {"seed": seed, "epoch": epoch, "shape": shape}
    return [draw_slice(strength, position=position, **given) for position in range(count)]


def _only(change):
    return Strength(**{change: 1.0})


@pytest.fixture
def make_slices():
    """Function that makes (images, masks)."""
    return _slices


@pytest.fixture
def make_draws():
    """Function: (strength, count) -> draws of the first positions of an epoch."""
    return _draws


@pytest.fixture
def only():
    """Function: the name of a change -> a strength that always makes it, and no other."""
    return _only
