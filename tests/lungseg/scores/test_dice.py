"""The definition of Dice, and of what is empty."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungseg.scores.dice import DEFINITION, dice, guarded_dice, soft_dice, summarize

counts = st.integers(0, 10_000)


def test_dice_of_equal_masks_is_one_and_of_disjoint_ones_zero():
    assert dice(7, 0, 0) == 1
    assert dice(0, 3, 4) == 0
    assert dice(1, 1, 1) == 0.5


@given(tp=st.integers(1, 10_000), fp=counts, fn=counts)
def test_dice_is_the_harmonic_mean_of_precision_and_recall(tp, fp, fn):
    precision, recall = Fraction(tp, tp + fp), Fraction(tp, tp + fn)
    assert dice(tp, fp, fn) == pytest.approx(2 / (1 / precision + 1 / recall))


@given(tp=counts, fp=counts, fn=counts)
def test_dice_does_not_care_which_mask_is_the_truth(tp, fp, fn):
    assert dice(tp, fp, fn) == dice(tp, fn, fp)


def test_two_empty_masks_have_no_dice():
    assert dice(0, 0, 0) is None
    assert soft_dice(0.0, 0.0) is None


@given(tp=counts, fp=counts, fn=counts)
def test_soft_dice_of_certain_probabilities_is_dice(tp, fp, fn):
    assert soft_dice(float(tp), float(tp + fp + tp + fn)) == dice(tp, fp, fn)


def test_half_a_probability_is_half_an_overlap():
    probability, truth = np.array([0.5, 0.5, 0.25]), np.array([1, 0, 0])
    value = soft_dice(float(probability @ truth), float(probability.sum() + truth.sum()))
    assert value == pytest.approx(2 * 0.5 / (1.25 + 1))


def test_empties_are_counted_apart_from_the_mean():
    counts = np.array([[5, 0, 0], [0, 0, 9], [0, 3, 0], [0, 0, 0], [1, 1, 1], [0, 2, 2]])
    assert summarize(counts) == {
        "dice_case_mean": pytest.approx((1 + 0 + 0.5 + 0) / 4, abs=1e-15),
        "n": 4,
        "missed": 1,
        "tumor_free": 2,
        "false_alarms": 1,
        "definition": DEFINITION,
    }


def test_the_order_of_cases_does_not_matter():
    counts = np.random.default_rng(0).integers(0, 3, (50, 3))
    shuffled = np.random.default_rng(1).permutation(counts)
    same = summarize(counts), summarize(shuffled)
    assert same[0].pop("dice_case_mean") == pytest.approx(same[1].pop("dice_case_mean"))
    assert same[0] == same[1]


def test_no_case_with_tumor_gives_no_mean():
    assert summarize(np.zeros((4, 3), np.int64))["dice_case_mean"] is None
    assert summarize(np.zeros((0, 3), np.int64))["n"] == 0


@given(st.lists(st.tuples(counts, counts, st.integers(1, 10_000)), min_size=1, max_size=5))
def test_without_tumor_free_cases_the_guarded_dice_is_the_mean(rows):
    table = np.array(rows)
    guarded, false_ml = guarded_dice(table, [0.5] * len(rows))
    assert guarded == summarize(table)["dice_case_mean"]
    assert false_ml == pytest.approx(table[:, 1].mean() / 2)


def test_a_tumor_free_case_counts_1_if_nothing_is_found_and_less_by_the_ml():
    rows = np.array([[1, 1, 1], [0, 0, 0], [0, 4, 0], [0, 1, 0]])
    guarded, false_ml = guarded_dice(rows, [9.0, 9.0, 0.25, 3.0])
    assert guarded == pytest.approx((0.5 + 1 + 0.5 + 0.25) / 4)
    assert false_ml == (9 + 1 + 3) / 4


@given(st.integers(0, 10_000), st.integers(1, 99))
def test_more_false_volume_is_never_better(voxels, more):
    scores = [guarded_dice(np.array([[0, n, 0]]), [0.01])[0] for n in (voxels, voxels + more)]
    assert scores[0] > scores[1] > 0


def test_of_no_case_there_is_no_guarded_dice():
    assert guarded_dice(np.zeros((0, 3), np.int64), []) == (None, 0)
