"""The frame of a plot: positions from 0 to 1 lie between its edges, and it is one sound SVG."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungseg.report.plot import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    frame,
    line,
    svg,
    tick,
    x_at,
    y_at,
)

SHARES = st.floats(0, 1)


def test_the_ends_of_the_axes_leave_room_for_their_labels():
    assert (x_at(0), x_at(1)) == (LEFT, WIDTH - RIGHT)
    assert (y_at(0), y_at(1)) == (HEIGHT - BOTTOM, TOP)


@given(SHARES, SHARES)
def test_positions_are_linear_x_to_the_right_and_y_upward(one, other):
    middle = (one + other) / 2
    for at in (x_at, y_at):
        assert at(middle) == pytest.approx((at(one) + at(other)) / 2)
    if one - other > 1e-6:
        assert x_at(one) > x_at(other)
        assert y_at(one) < y_at(other)


def test_each_tick_has_its_line_across_and_its_label_at_the_axis():
    parts = frame([(0.25, "a"), (1.0, "b")], [(0.5, "c")], "below", "beside")
    drawn = ET.fromstring(svg(parts, "what it shows"))
    lines = [{k: float(v) for k, v in e.attrib.items() if k != "class"} for e in drawn.iter("line")]
    assert lines == [
        {"x1": x, "x2": x, "y1": y_at(0), "y2": y_at(1)} for x in (x_at(0.25), x_at(1))
    ] + [{"x1": x_at(0), "x2": x_at(1), "y1": y_at(0.5), "y2": y_at(0.5)}]
    assert {e.get("class") for e in drawn.iter("line")} == {"grid"}  # as the page's style has it
    ticks = {e.text: e.attrib for e in drawn.iter("text") if e.get("class") == "tick"}
    assert set(ticks) == set("abc")
    assert float(ticks["a"]["x"]) == x_at(0.25)
    assert float(ticks["a"]["y"]) > y_at(0)
    assert float(ticks["c"]["x"]) < x_at(0)
    assert 0 < float(ticks["c"]["y"]) - y_at(0.5) < 6  # letters stand on their line
    assert (ticks["b"]["text-anchor"], ticks["c"]["text-anchor"]) == ("middle", "end")


@pytest.mark.parametrize("pixels", [12, 15])  # of the letters, in a wide and in a narrow window
def test_long_labels_end_within_the_picture_and_beside_the_title(pixels):
    label = "10000"
    width = 0.64 * pixels * len(label)
    drawn = ET.fromstring(svg(frame([(1.0, label)], [(1.0, label)], "x", "y"), "it"))
    below, beside = (e for e in drawn.iter("text") if e.get("class") == "tick")
    assert float(below.get("x")) + width / 2 <= WIDTH
    assert float(beside.get("x")) - width >= 13  # where the letters of the title stand


def test_titles_stand_in_the_middle_of_their_axes_within_the_picture():
    drawn = ET.fromstring(svg(frame([], [], "below", "beside"), "it"))
    below, beside = (e for e in drawn.iter("text") if e.get("class") == "title")
    assert (below.text, beside.text) == ("below", "beside")
    assert float(below.get("x")) == x_at(0.5)
    assert y_at(0) < float(below.get("y")) < HEIGHT
    assert beside.get("transform") == f"translate(13 {y_at(0.5)}) rotate(-90)"


def test_the_picture_has_its_size_and_says_what_it_shows():
    drawn = ET.fromstring(svg([line(1, 2, 3, 4, "kind"), tick(5, 6, "it", "start")], "Dice"))
    assert drawn.get("viewBox") == f"0 0 {WIDTH} {HEIGHT}"
    assert drawn.get("aria-label") == "Dice"
    assert "".join(drawn.itertext()) == "it"
    one, label = drawn
    assert one.attrib == {"class": "kind", "x1": "1.0", "y1": "2.0", "x2": "3.0", "y2": "4.0"}
    assert (label.text, label.get("text-anchor")) == ("it", "start")
