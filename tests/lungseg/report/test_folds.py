"""The page of a cross-validation names every case with its fold, worst first."""

import re
import xml.etree.ElementTree as ET
from typing import NamedTuple

import pytest

from lungseg.report.folds import folds_plot, render
from lungseg.report.plot import y_at
from lungseg.scores.case_counts import CaseCounts


class Fold(NamedTuple):
    fold: int
    cases: list


def case(name, tp, fp, fn):
    return CaseCounts(case=name, tp=tp, fp=fp, fn=fn, false_volume_ml=0.5 * fp)


FOLDS = [
    Fold(0, [case("good", 9, 1, 1), case("<lost>", 0, 0, 5)]),
    Fold(3, [case("half", 1, 1, 1), case("free", 0, 0, 0), case("alarm", 0, 8, 0)]),
]
ROW = {"dice_case_mean": 0.45, "n": 2, "missed": 1, "false_volume_ml": 0.25, "epoch": 7}
RESULT = {
    "dice_case_mean": 0.467, "dice_case_mean_ci95": [0.0, 0.9], "n": 3, "missed": 1,
    "tumor_free": 2, "false_alarms": 1, "false_volume_ml": 1.0, "definition": "Dice is so and so",
    "grid": "the grid", "threshold": 0.5, "folds_from": "folds.csv", "caution": "take care",
    "folds": [{"fold": 0, **ROW}, {"fold": 3, **ROW}], "folds_missing": [1, 2],
}  # fmt: skip


def test_every_case_stands_in_the_page_with_its_fold_worst_first():
    rows = re.findall(
        r'<th scope="row">([^<]+)</th>\s*<td>(\d)</td>\s*<td data-value="([\d.]+)">',
        render(FOLDS, RESULT),
    )
    assert [(name, fold) for name, fold, _ in rows] == [
        ("&lt;lost&gt;", "0"),
        ("alarm", "3"),
        ("half", "3"),
        ("good", "0"),
        ("free", "3"),
    ]


@pytest.mark.parametrize(
    "said",
    [
        "0.467", "0.000 to 0.900", "1, 2 missing", "take care", "Dice is so and so", "the grid",
        "Made by folds.csv", 'href="fold_3/report.html"', "5 cases in 2 folds",
    ],
)  # fmt: skip
def test_scores_stand_beside_what_they_mean(said):
    assert said in render(FOLDS, RESULT)


def test_the_page_needs_nothing_from_outside():
    assert not re.search(r'(src|href)="(https?:)?//|@import|url\(', render(FOLDS, RESULT))


def test_dots_are_the_cases_with_tumor_and_lines_the_means_of_folds():
    root = ET.fromstring(folds_plot(FOLDS))
    dots = [(dot.get("class"), float(dot.get("cy"))) for dot in root.iter("circle")]
    assert dots == [
        ("dot", pytest.approx(y_at(0.9), abs=0.1)),
        ("bad", pytest.approx(y_at(0.0), abs=0.1)),
        ("dot", pytest.approx(y_at(0.5), abs=0.1)),
    ]
    levels = [float(line.get("y1")) for line in root.iter("line") if line.get("class") == "level"]
    assert levels == [pytest.approx(y_at(0.45), abs=0.1), pytest.approx(y_at(0.5), abs=0.1)]
