"""Every trial is a line through its own values."""

import re

from tests.toy_trials import outcome
from tune.results.parallel import parallel_plot


def lines(plot):
    found = re.findall(r'points="([^"]*)"', plot)
    return [[tuple(map(float, point.split(","))) for point in line.split()] for line in found]


def test_a_line_goes_over_all_values_to_dice_and_the_best_is_last_and_thick(tmp_path):
    trials = [outcome(tmp_path, n, 0.9 - 0.2 * n) for n in range(3)]
    plot = parallel_plot(trials)
    assert [len(line) for line in lines(plot)] == [4, 4, 4]
    ends = [line[-1][1] for line in lines(plot)]
    assert ends == sorted(ends, reverse=True)  # y points down: the best is drawn last
    assert plot.count(" best") == 1
    assert len({line[-1][0] for line in lines(plot)}) == 1


def test_a_value_that_a_trial_does_not_have_is_left_out_of_its_line(tmp_path):
    trials = [outcome(tmp_path, n, 0.5) for n in range(2)]
    trials[0].values["focal_gamma"] = 2.0
    assert sorted(len(line) for line in lines(parallel_plot(trials))) == [4, 5]


def test_failed_trials_and_none_at_all_are_drawn(tmp_path):
    assert lines(parallel_plot([outcome(tmp_path, 0, None, reason="x")])) == []
