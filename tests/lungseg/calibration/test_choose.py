"""What is chosen gains, on the cases that chose and, measured apart, on others."""

import numpy as np
import pytest

from lungseg.calibration.choose import CANDIDATES, THRESHOLDS, Gain, choose, gain_of_others
from lungseg.calibration.setting import Setting
from lungseg.calibration.tally import Tally

START = Setting(threshold=0.5)


def tally(case, lesions_at, tumor=1000):
    """Lesions (voxels, in hull, true) by a function of the threshold."""
    lesions = {
        threshold: np.array(lesions_at(threshold), np.int64).reshape(-1, 3)
        for threshold in THRESHOLDS
    }
    return Tally(case=case, tumor=tumor, voxel_mm3=1.0, lesions=lesions)


def with_junk(number):
    """A true lesion that threshold does not change, and false ones of 40 voxels outside lungs."""
    return tally(f"c{number}", lambda _: [(1000, 900, 950)] + [(40, 0, 0)] * (3 + number % 2))


def test_what_helps_is_taken_and_what_does_not_is_left():
    choice = choose([with_junk(n) for n in range(6)], START, lung_hull=True)
    assert choice.setting == Setting(threshold=0.5, lung_hull=True)
    assert [step.name for step in choice.steps if step.taken] == ["lung_hull"]
    hull = choice.steps[1]
    assert hull.gain.is_evident
    expected = np.mean([1900 / 2000 - 1900 / (2000 + 40 * (3 + n % 2)) for n in range(6)])
    assert hull.gain.mean == pytest.approx(expected)
    without = choose([with_junk(n) for n in range(6)], START, lung_hull=False)
    assert without.setting == Setting(threshold=0.5, smallest_mm3=65.0)
    assert [step.name for step in without.steps] == [n for n in CANDIDATES if n != "lung_hull"]


def test_the_gain_of_others_is_by_values_that_they_did_not_choose():
    best_at = [0.3, 0.3, 0.3, 0.8]

    def at(best):
        return lambda threshold: [(1000, 1000, 1000 - round(1000 * abs(threshold - best)))]

    tallies = [tally(f"c{n}", at(best)) for n, best in enumerate(best_at)]
    step = choose(tallies, START, lung_hull=False).steps[0]
    assert step.best == 0.3
    assert step.gain.mean == pytest.approx((3 * 0.2 + (0.3 - 0.5)) / 4)  # the last one loses
    # without one of the first three nothing is taken; the last one loses by what they choose
    assert gain_of_others(tallies, START, lung_hull=False).mean == pytest.approx(-0.2 / 4)


def test_a_gain_by_missing_tumors_is_not_taken():
    def at(threshold):
        return [(1000, 1000, 500)] if threshold <= 0.5 else [(500, 500, 500)]

    good = [tally(f"c{n}", at) for n in range(9)]
    lost = tally("lost", lambda threshold: [(30, 30, 10)] if threshold <= 0.5 else [])
    assert choose(good, START, lung_hull=False).setting.threshold > 0.5
    step = choose([*good, lost], START, lung_hull=False).steps[0]
    assert (step.taken, step.missed) == (False, (0, 1))
    assert step.gain.mean > 0


def test_where_all_is_equal_nothing_changes():
    same = [tally(f"c{n}", lambda _: [(1000, 1000, 800)]) for n in range(4)]
    choice = choose(same, Setting(threshold=0.5, keep_largest=4), lung_hull=True)
    assert choice.setting == Setting(threshold=0.5, keep_largest=4)
    assert not any(step.taken for step in choice.steps)
    assert gain_of_others(same, START, lung_hull=True) == Gain(mean=0.0, ci95=[0.0, 0.0])


def test_an_interval_that_holds_nought_is_no_evidence():
    assert not Gain.of(np.array([0.2, -0.1, 0.0])).is_evident
    assert not Gain.of(np.array([0.2, 0.2])).is_evident
    assert Gain.of(np.array([0.2, 0.1, 0.15])).is_evident
