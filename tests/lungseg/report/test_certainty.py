"""Curves lie where their numbers say, and their labels say them too."""

import itertools
import re

import numpy as np
import pytest

from lungseg.report.certainty import difference_plot, froc_plot, reliability_plot, risk_plot
from lungseg.report.plot import x_at, y_at
from lungseg.scores.confidence.froc import Froc


def dots(text):
    found = re.findall(r'<circle class="dot" r="([\d.]+)" cx="([\d.]+)" cy="([\d.]+)">', text)
    return [tuple(map(float, dot)) for dot in found]


def path(text):
    (line,) = re.findall(r'class="curve" d="M([^"]*)"', text)
    return [tuple(map(float, point.split())) for point in line.split(" L")]


def test_froc_rises_in_steps_from_an_eighth_to_eight():
    curve = Froc(rates=np.array([0, 0.05, 1, 99.0]), sensitivities=np.array([0, 0.25, 0.5, 1.0]))
    text = froc_plot(curve)
    points = path(text)
    assert points[0] == pytest.approx((x_at(0), y_at(0.25)), abs=0.1)
    assert points[-1] == pytest.approx((x_at(1), y_at(0.5)), abs=0.1)
    assert all(a[0] == b[0] or a[1] == b[1] for a, b in itertools.pairwise(points))
    middle = [y for _, x, y in dots(text) if x == pytest.approx(x_at(0.5), abs=0.1)]
    assert middle == pytest.approx([y_at(0.5)], abs=0.1)
    assert "0.25 at 0.125" in text
    assert "0.50 at 8" in text


def test_reliability_has_a_dot_for_each_step_the_larger_the_more():
    bins = [{"confidence": 0.55, "real": 0.25, "n": 4}, {"confidence": 0.9, "real": 1.0, "n": 90}]
    text = reliability_plot({"bins": bins})
    small, large = dots(text)
    assert small[1:] == pytest.approx((x_at(0.55), y_at(0.25)), abs=0.1)
    assert large[0] > small[0]
    assert "0.25 at 0.55 (n = 4)" in text


def test_risk_is_a_line_over_coverage():
    text = risk_plot({"coverage": [0.5, 1.0], "risk": [0.0, 0.25]})
    first, last = path(text)
    assert first == pytest.approx((x_at(0.5), y_at(0)), abs=0.1)
    assert last == pytest.approx((x_at(1), y_at(0.25)), abs=0.1)
    assert "0.00 of the surest, 0.25 of all" in text
    assert len(dots(text)) == 2
    assert len(dots(risk_plot({"coverage": [1.0], "risk": [0.5]}))) == 1


def test_a_case_lies_above_the_line_where_the_second_is_better_and_names_are_escaped():
    cases = [{"case": '<b>"', "first": 0.25, "second": 0.75}]
    text = difference_plot([*cases, {"case": "b", "first": 0.5, "second": 0.5}])
    assert dots(text)[0][1:] == pytest.approx((x_at(0.25), y_at(0.75)), abs=0.1)
    assert "<b>" not in text
    assert "1 better by the second, 0 by the first" in text
