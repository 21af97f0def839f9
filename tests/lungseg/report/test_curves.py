"""Curves lie where their values say, under round ends of the axis, and are sound SVG."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungseg.report.curves import epoch_plot, spark
from lungseg.report.plot import x_at, y_at

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=80)


def places(picture):
    """Positions of each polyline."""
    return [
        [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        for line in ET.fromstring(picture).iter("polyline")
    ]


def top(picture):
    """The highest number on the vertical axis."""
    ticks = re.findall(r'text-anchor="end"[^>]*>([^<]+)<', picture)
    return max(map(float, ticks))


@given(values=VALUES)
def test_all_points_lie_within_the_frame_and_the_first_and_last_at_its_sides(values):
    points = list(enumerate(values, start=1))
    picture = epoch_plot({"loss": points}, "Loss")
    (line,) = places(picture)
    assert all(y_at(1) - 0.1 <= y <= y_at(0) + 0.1 for _, y in line)
    assert (line[0][0], line[-1][0]) == (x_at(0), x_at(1) if len(values) > 1 else x_at(0))


@pytest.mark.parametrize(
    ("highest", "least", "end"),
    [(0.646, 0, 0.8), (0.8, 0, 0.8), (45.4, 0, 80), (0, 0, 1), (3, 4, 4), (0.9, 1, 1), (9, 4, 10)],
)
def test_the_axis_ends_at_a_round_number(highest, least, end):
    picture = epoch_plot({"a": [(1, 0.0), (2, highest)]}, "A", least=least)
    assert top(picture) == pytest.approx(end)
    (line,) = places(picture)
    assert line[-1][1] == pytest.approx(y_at(highest / end), abs=0.1)


def test_a_validation_every_third_epoch_lies_at_its_epochs():
    picture = epoch_plot({"a": [(k, 1.0) for k in range(1, 8)], "b": [(3, 0.5), (6, 0.5)]}, "A")
    assert [x for x, _ in places(picture)[1]] == [
        pytest.approx(x_at(2 / 6), abs=0.1),
        pytest.approx(x_at(5 / 6), abs=0.1),
    ]


def test_names_are_escaped_and_many_points_have_one_dot():
    picture = epoch_plot({"<b>": [(k, 1.0) for k in range(1, 100)]}, "Loss & more")
    ET.fromstring(picture)
    assert picture.count("<circle") == 1
    assert epoch_plot({"a": [(1, 1.0), (2, 1.0)]}, "A").count("<circle") == 2


def test_the_best_epoch_is_marked():
    marked = ET.fromstring(epoch_plot({"a": [(1, 0.0), (5, 1.0)]}, "A", best=2))
    (mark,) = (line for line in marked.iter("line") if line.get("class") == "mean")
    assert float(mark.get("x1")) == float(mark.get("x2")) == pytest.approx(x_at(0.25), abs=0.1)


def test_a_case_has_a_small_curve_that_can_be_heard():
    picture = spark([(1, 0.0), (3, 1.0)], epochs=5, name="a&b")
    root = ET.fromstring(picture)
    assert root.get("aria-label") == "Dice of a&b by epoch: 0.00, 1.00"
    ((first, last),) = places(picture)
    _, _, width, height = map(float, root.get("viewBox").split())
    assert first == (2, height - 2)
    assert last == (pytest.approx(width / 2, abs=0.1), 2)
    assert "<circle" not in spark([], epochs=5, name="a")
