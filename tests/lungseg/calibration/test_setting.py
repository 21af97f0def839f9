"""A setting scores cases by its threshold and its rules."""

import numpy as np
import pytest

from lungseg.calibration.setting import Setting
from lungseg.calibration.tally import Tally
from lungseg.postprocessing.rules import Rules


def test_it_scores_each_case_and_counts_the_missed():
    lesions = {0.5: np.array([[90, 9, 80], [10, 0, 0]]), 0.9: np.zeros((0, 3), np.int64)}
    tallies = [Tally(case="a", tumor=100, voxel_mm3=1.0, lesions=lesions)]
    assert Setting(threshold=0.5).scores(tallies).tolist() == [160 / 200]
    assert Setting(threshold=0.5, smallest_mm3=11.0).scores(tallies) == pytest.approx(160 / 190)
    assert Setting(threshold=0.9).scores(tallies).tolist() == [0.0]
    assert [Setting(threshold=t).missed(tallies) for t in (0.5, 0.9)] == [0, 1]


def test_its_rules_are_those_that_it_names():
    rules = Rules(lung_hull=True, smallest_mm3=9.0, keep_largest=2)
    assert Setting(threshold=0.3, **rules.to_dict()).rules == rules


def test_a_scan_without_tumor_is_never_missed():
    free = Tally(case="a", tumor=0, voxel_mm3=1.0, lesions={0.5: np.zeros((0, 3), np.int64)})
    assert Setting(threshold=0.5).missed([free]) == 0
    assert Setting(threshold=0.5).scores([free]).tolist() == [1.0]
