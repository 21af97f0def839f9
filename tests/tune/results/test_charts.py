"""The charts show every trial where its numbers are."""

import re

import pytest

from tests.toy_trials import outcome
from tune.results.charts import curves_plot, value_plot


@pytest.fixture
def trials(tmp_path):
    found = [outcome(tmp_path, n, dice) for n, dice in enumerate((0.9, 0.5, 0.1))]
    return [*found, outcome(tmp_path, 3, None, reason="no memory")]


def circles(svg):
    """(x, y) of each dot."""
    found = re.findall(r'<circle [^>]*cx="([\d.]+)" cy="([\d.]+)"', svg)
    return [(float(x), float(y)) for x, y in found]


def test_every_trial_has_its_curve_and_the_best_is_thick(trials):
    svg = curves_plot(trials, epochs=10, rungs=[3, 9])
    assert svg.count("<polyline") == len(trials)
    assert svg.count(" best") == 1


def test_dots_rise_with_dice_and_go_right_with_the_value(trials):
    dots = circles(value_plot(trials, "lr", "learning rate"))
    assert len(dots) == 3
    by_x = sorted(dots)
    assert [y for _, y in by_x] == sorted(y for _, y in by_x)  # y points down: Dice falls with lr


def test_the_axis_is_logarithmic(tmp_path):
    """Learning rates 1, 2 and 4 times a value stand equally far apart."""
    trials = [outcome(tmp_path, n, 0.5) for n in (0, 1, 3)]
    low, middle, high = sorted(x for x, _ in circles(value_plot(trials, "lr", "learning rate")))
    assert middle - low == pytest.approx(high - middle, abs=0.2)


def test_equal_values_and_no_scored_trial_are_drawn(tmp_path):
    one = [outcome(tmp_path, 0, 0.5)]
    assert len(circles(value_plot(one, "oversample", "oversampling"))) == 1
    failed = [outcome(tmp_path, 1, None, reason="x")]
    for svg in (
        value_plot(failed, "lr", "learning rate"),
        curves_plot(failed, epochs=1, rungs=[1]),
    ):
        assert "nan" not in svg


def test_numbers_near_each_other_have_a_plain_axis_with_round_ticks(tmp_path):
    trials = [outcome(tmp_path, n, 0.5) for n in (0, 1, 2)]
    plot = value_plot(trials, "lr", "learning rate")
    low, middle, high = sorted(x for x, _ in circles(plot))
    assert middle - low == pytest.approx(high - middle, abs=0.2)
    for label in ("0.001", "0.002", "0.003"):
        assert f">{label}</text>" in plot


def test_a_trial_without_the_value_is_left_out(trials):
    trials[0].values.pop("lr")
    assert len(circles(value_plot(trials, "lr", "learning rate"))) == 2
