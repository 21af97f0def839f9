"""Cries of wolf are counted where there is no tumor at all."""

import numpy as np
import pytest

from lungseg.scores.false_areas import false_areas, weight_of


def test_only_slices_without_tumor_count():
    truth, prediction = np.zeros((2, 8, 8, 4), np.uint8)
    truth[2, 2, 1] = 1
    prediction[:3, :3, 1:3] = 1
    assert false_areas(truth, prediction, pixel_mm2=0.5) == {2: 4.5}


def test_weights_grow_with_the_area_up_to_a_limit():
    weights = [weight_of(mm2) for mm2 in (0, 1, 50, 100, 1000)]
    assert weights == pytest.approx([1, 1.04, 3, 5, 5])
