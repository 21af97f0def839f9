"""The definition of Dice, and of what is empty."""

import numpy as np
import pytest

from lungseg.scores.dice import dice, soft_dice, summarize


def test_dice_of_equal_masks_is_one_and_of_disjoint_ones_zero():
    assert dice(7, 0, 0) == 1
    assert dice(0, 3, 4) == 0
    assert dice(1, 1, 1) == 0.5


def test_two_empty_masks_have_no_dice():
    assert dice(0, 0, 0) is None
    assert soft_dice(0.0, 0.0) is None


def test_empties_are_counted_apart_from_the_mean():
    counts = np.array([[5, 0, 0], [0, 0, 9], [0, 3, 0], [0, 0, 0], [1, 1, 1]])
    summary = summarize(counts)
    assert summary["dice_case_mean"] == pytest.approx((1 + 0 + 0.5) / 3, abs=1e-15)
    assert (summary["n"], summary["missed"]) == (3, 1)
    assert (summary["tumor_free"], summary["false_alarms"]) == (2, 1)


def test_no_case_with_tumor_gives_no_mean():
    assert summarize(np.zeros((4, 3), np.int64))["dice_case_mean"] is None
    assert summarize(np.zeros((0, 3), np.int64))["n"] == 0
