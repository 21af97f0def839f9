"""Numbers as pictures: what is drawn where."""

import re
from itertools import pairwise

import pytest

from lungseg.report.charts import dice_plot, volume_plot
from lungseg.report.plot import x_at, y_at
from lungseg.scores.case_score import CaseScore


def score(case, tp, fp, fn):
    return CaseScore(
        case=case,
        role="unseen",
        tp=tp,
        fp=fp,
        fn=fn,
        fn_dropped=0,
        voxel_ml=0.1,
        slices=9,
        slices_dropped=0,
        soft=None,
    )


def bars(text):
    found = re.findall(r'<rect class="(\w+)" .*? height="([\d.]+)"', text)
    return [(kind, float(height)) for kind, height in found]


def names(text):
    return re.findall(r'class="name".*?>([^<]*)<', text)


def test_bars_are_as_high_as_their_dice_and_each_has_its_name():
    text = dice_plot([score("bad", 0, 5, 5), score("half", 1, 1, 1), score("whole", 1, 0, 0)])
    full = y_at(0) - y_at(1)
    assert bars(text) == [
        ("bad", 2.0),
        ("bar", pytest.approx(full / 2)),
        ("bar", pytest.approx(full)),
    ]
    assert names(text) == ["bad", "half", "whole"]
    assert "mean 0.500" in text


def test_a_long_name_keeps_the_end_that_tells_it_from_others():
    text = dice_plot([score("Task06_lung_001", 1, 0, 0), score("<b>", 1, 0, 0)])
    assert names(text) == ["…lung_001", "&lt;b&gt;"]
    assert 'href="#case-Task06_lung_001"' in text
    assert "<b>" not in text


@pytest.mark.parametrize("count", [1, 20, 63, 400])
def test_names_never_stand_closer_than_they_are_high(count):
    text = dice_plot([score(f"case_{n}", 1, 1, 1) for n in range(count)])
    places = [float(x) for x in re.findall(r'class="name".*?translate\(([\d.]+)', text)]
    assert len(bars(text)) == count
    assert places
    assert all(right - left > 13 for left, right in pairwise(places))


def test_cases_without_tumor_have_no_bar():
    assert bars(dice_plot([score("free", 0, 0, 0), score("alarm", 0, 3, 0)])) == []


def test_equal_volumes_lie_on_the_diagonal_and_nothing_on_the_axis():
    text = volume_plot([score("right", 50, 0, 0), score("missed", 0, 0, 50), score("n", 0, 0, 0)])
    places = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', text)
    (x, y), missed, nothing = [(float(a), float(b)) for a, b in places]
    assert (x - x_at(0)) / (x_at(1) - x_at(0)) == pytest.approx(
        (y - y_at(0)) / (y_at(1) - y_at(0)), abs=1e-3
    )
    assert missed == (x, y_at(0))
    assert nothing == (x_at(0), y_at(0))
