"""The interval of a mean over cases."""

import numpy as np
import pytest

from lungseg.scores.intervals import bootstrap_interval, mean_interval, share, share_interval


def sample(seed, n=200):
    return np.random.default_rng(seed).normal(0.6, 0.2, n).tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_is_as_wide_as_95_percent_of_a_normal_mean(seed):
    values = sample(seed)
    low, high = bootstrap_interval(values)
    error = np.std(values) / np.sqrt(len(values))
    assert low == pytest.approx(np.mean(values) - 1.96 * error, abs=0.1 * error)
    assert high == pytest.approx(np.mean(values) + 1.96 * error, abs=0.1 * error)


def test_the_interval_covers_the_true_mean_about_19_times_of_20():
    intervals = [bootstrap_interval(sample(seed, n=50)) for seed in range(300)]
    share = np.mean([low <= 0.6 <= high for low, high in intervals])
    assert 0.9 < share < 0.975


def test_the_interval_moves_and_stretches_with_the_values():
    values = sample(0, n=9)
    low, high = bootstrap_interval(values)
    moved = bootstrap_interval([10 * value - 3 for value in values])
    assert moved == pytest.approx([10 * low - 3, 10 * high - 3])


def test_equal_values_have_no_width_and_each_call_gives_the_same():
    assert bootstrap_interval([0.5, 0.5, 0.5]) == [0.5, 0.5]
    assert bootstrap_interval(sample(1)) == bootstrap_interval(sample(1))


def test_the_interval_of_three_values_reaches_from_the_least_to_the_largest():
    assert bootstrap_interval([0.0, 0.3, 0.9]) == [0.0, 0.9]


def test_unknown_values_are_left_out_and_two_are_too_few():
    known = [0.1, 0.5, 0.6, 0.9]
    assert bootstrap_interval([None, *known, None]) == bootstrap_interval(known)
    assert bootstrap_interval([0.1, 0.5, None]) is None
    assert bootstrap_interval([0.1, 0.5, 0.6]) is not None


def test_a_mean_of_few_has_students_interval():
    """Of 1, 2, 3: mean 2, standard error 1 / sqrt(3), quantile 4.3027 at two degrees."""
    assert mean_interval([1.0, 2.0, 3.0]) == pytest.approx((-0.4842, 4.4842), abs=1e-3)
    assert mean_interval([0.5, 0.5]) == (0.5, 0.5)


def test_a_share_of_equal_wholes_is_a_mean_with_the_same_interval():
    values = sample(2, n=30)
    parts = np.column_stack([values, np.ones(30)])
    assert share(parts) == pytest.approx(np.mean(values))
    assert share_interval(parts) == pytest.approx(bootstrap_interval(values))
    assert share_interval(3 * parts) == pytest.approx(bootstrap_interval(values))


def test_a_share_is_of_all_together_and_rows_without_a_whole_say_nothing():
    parts = np.array([(1, 1), (0, 9), (2, 10), (0, 0)], float)
    assert share(parts) == pytest.approx(3 / 20)
    low, high = share_interval(parts)
    assert (low, high) == (0, 1)
    assert share_interval(parts) == share_interval(parts[:3])
    assert (share_interval(parts[1:]), share(parts[3:])) == (None, None)
