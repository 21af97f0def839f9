"""Each definition of Dice equals its closed form on constructed cases, to 1e-9."""

import numpy as np
import pytest

from lungseg.explanation.definitions import DEFINITIONS, Sums, parts_by_definition
from lungseg.scores.intervals import bootstrap_interval, share, share_interval


def sums(cases, *, native=None):
    """From cases of slices (TP, called, labeled), without probabilities between 0 and 1."""
    slices = [np.array(case, np.float64) for case in cases]
    return Sums(slices=slices, hard=slices, native=native)


def by_definition(sums):
    return {name: share(parts) for name, parts in parts_by_definition(sums).items()}


def intervals(sums):
    return {name: share_interval(parts) for name, parts in parts_by_definition(sums).items()}


def test_every_definition_equals_its_closed_form():
    large = [(80, 100, 100), (0, 0, 0), (0, 10, 0), (60, 60, 90)]
    small = [(0, 0, 4), (0, 0, 0), (3, 6, 5), (0, 0, 0)]
    free = [(0, 0, 0), (0, 2, 0)]
    found = by_definition(sums([large, small, free], native=[0.75, 0.5, None]))
    expected = {
        "soft_pooled": 2 * 143 / (178 + 199),
        "hard_pooled": 2 * 143 / (178 + 199),
        "slice_mean": (0.8 + 1 + 0 + 120 / 150 + 0 + 1 + 6 / 11 + 1 + 1 + 0) / 10,
        "slice_mean_not_empty": (0.8 + 0 + 0.8 + 0 + 6 / 11 + 0) / 6,
        "case_mean_model_grid": (280 / (170 + 190) + 6 / (6 + 9)) / 2,
        "case_mean": 0.625,
    }
    assert found == pytest.approx(expected, abs=1e-9)
    assert list(found) == list(DEFINITIONS)


def test_soft_sums_are_their_own():
    soft = [np.array([[1.5, 2.0, 3.0]]), np.array([[0.5, 4.0, 1.0]])]
    hard = [np.array([[2.0, 2.0, 3.0]]), np.array([[0.0, 0.0, 1.0]])]
    found = by_definition(Sums(slices=soft, hard=hard, native=None))
    assert found["soft_pooled"] == pytest.approx(2 * 2.0 / (6 + 4), abs=1e-9)
    assert found["hard_pooled"] == pytest.approx(2 * 2 / (2 + 4), abs=1e-9)
    assert found["case_mean"] is None


def test_nothing_called_tumor_scores_by_empty_slices_alone():
    found = by_definition(sums([[(0, 0, 5)] + 9 * [(0, 0, 0)]], native=[0.0]))
    assert found["slice_mean"] == pytest.approx(0.9, abs=1e-9)
    zero = {name: value for name, value in found.items() if name != "slice_mean"}
    assert set(zero.values()) == {0.0}


def test_empty_cases_are_nothing_where_nothing_can_be_said():
    found = by_definition(sums([[(0, 0, 0)]], native=[None]))
    assert found["slice_mean"] == 1
    assert {value for name, value in found.items() if name != "slice_mean"} == {None}


def test_each_score_has_an_interval_over_cases_that_holds_it():
    rng = np.random.default_rng(0)
    cases = [np.sort(rng.integers(1, 50, (5, 3)).astype(float), axis=1) for _ in range(12)]
    native = [0.1 * k if k else None for k in range(12)]
    given = Sums(slices=cases, hard=cases, native=native)
    found, scores = intervals(given), by_definition(given)
    assert list(found) == list(DEFINITIONS)
    for name, (low, high) in found.items():
        assert low < scores[name] < high
    assert found["case_mean"] == pytest.approx(bootstrap_interval(native))
    alike = Sums(slices=cases[:1] * 4, hard=cases[:1] * 4, native=[0.5] * 4)
    for name, interval in intervals(alike).items():
        assert interval == pytest.approx([by_definition(alike)[name]] * 2)
    assert set(intervals(sums([[(1, 2, 3)]] * 2, native=None)).values()) == {None}
