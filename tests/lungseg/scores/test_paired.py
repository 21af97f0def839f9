"""Which of two models is better, from paired scores."""

import numpy as np
import pytest

from lungseg.scores.intervals import bootstrap_interval
from lungseg.scores.paired import compare_pairs

RNG = np.random.default_rng(0)
BASE = RNG.uniform(0.2, 0.9, 63)


def test_a_clear_gain_is_the_better_models():
    gain = RNG.normal(0.1, 0.05, 63)
    result = compare_pairs(BASE.tolist(), (BASE + gain).tolist())
    assert result.verdict == "the second is better"
    assert compare_pairs((BASE + gain).tolist(), BASE.tolist()).verdict == "the first is better"
    assert result.difference == pytest.approx(gain.mean())
    assert result.ci95 == pytest.approx(bootstrap_interval(gain.tolist()))
    assert (result.first, result.second) == (
        pytest.approx(BASE.mean()),
        pytest.approx((BASE + gain).mean()),
    )


def test_noise_is_called_no_evidence_about_19_times_of_20():
    verdicts = [
        compare_pairs(BASE.tolist(), (BASE + RNG.normal(0, 0.2, 63)).tolist()).verdict
        for _ in range(60)
    ]
    assert sum("no evidence" in verdict for verdict in verdicts) >= 52


def test_what_would_have_shown_is_half_the_interval():
    other = BASE + np.where(np.arange(63) % 2, 0.2, -0.2)
    result = compare_pairs(BASE.tolist(), other.tolist())
    low, high = result.ci95
    assert f"about {(high - low) / 2:.3f} to show" in result.verdict
    assert 0.04 < (high - low) / 2 < 0.06  # 1.96 * 0.2 / sqrt(63)


def test_equal_scores_differ_in_nothing():
    result = compare_pairs(BASE.tolist(), BASE.tolist())
    assert (result.difference, result.ci95, result.p) == (0.0, [0.0, 0.0], 1.0)
    assert "no evidence" in result.verdict


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_handful_of_cases_is_no_evidence_however_alike(n):
    result = compare_pairs([0.1] * n, [0.9] * n)
    assert "no evidence" in result.verdict
    assert result.n == n
    assert (result.ci95 is None) == (n < 3)


def test_no_case_has_no_score():
    result = compare_pairs([], [])
    assert (result.n, result.first, result.p) == (0, None, None)
    assert result.verdict == "no evidence: too few cases"
