"""The scores of a set of scans."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungseg.scores.case_score import CaseScore
from lungseg.scores.dice import DEFINITION, GUARDED_DEFINITION
from lungseg.scores.intervals import bootstrap_interval
from lungseg.scores.lesions import Lesion, summarize_lesions
from lungseg.scores.summary import GRID, SOFT_DEFINITION, metrics
from lungseg.scores.surface import DEFINITION as SURFACE_DEFINITION
from lungseg.scores.surface import SurfaceScore


def score(tp, fp, fn, **given):
    values = {"case": "a", "role": "unseen", "fn_dropped": 0, "voxel_ml": 0.5, "slices": 9}
    values |= {"slices_dropped": 2, "soft": (1.5, 4.0)}
    return CaseScore(tp=tp, fp=fp, fn=fn, **values | given)


def test_metrics_stand_beside_what_they_mean():
    scores = [score(1, 0, 0), score(1, 1, 1), score(0, 0, 4), score(0, 6, 0), score(0, 4, 0)]
    scores = [replace(item, case=str(number)) for number, item in enumerate(scores)]
    assert metrics(scores, threshold=0.3) == {
        "dice_case_mean": 0.5,
        "n": 3,
        "missed": 1,
        "tumor_free": 2,
        "false_alarms": 2,
        "definition": DEFINITION,
        "dice_case_mean_ci95": bootstrap_interval([1.0, 0.5, 0.0]),
        "dice_guarded": pytest.approx((1 + 0.5 + 0 + 1 / 4 + 1 / 3) / 5),
        "dice_guarded_definition": GUARDED_DEFINITION,
        "false_volume_ml": (1 + 6 + 4) * 0.5 / 5,
        "dice_case_median": 0.5,
        "surface": {
            **dict.fromkeys(("nsd", "hd95_mm", "assd_mm"), NOTHING),
            "n": 0,
            "definition": SURFACE_DEFINITION,
        },
        "lesions": summarize_lesions([()] * 5),
        "grid": GRID,
        "threshold": 0.3,
        "false_alarm_ml": 5.0,
        "dice_pooled_soft": 2 * 1.5 * 5 / (4.0 * 5),
        "dice_pooled_soft_definition": SOFT_DEFINITION,
        "cases": [item.row() for item in scores],
    }


def test_without_probabilities_there_is_no_soft_score_at_all():
    said = metrics([score(1, 0, 0), score(1, 0, 0, soft=None)], threshold=None)
    assert "dice_pooled_soft" not in said
    assert "dice_pooled_soft_definition" not in said
    assert said["threshold"] is None


NOTHING = {"mean": None, "ci95": None, "median": None}


def test_surfaces_have_mean_median_and_interval_over_the_cases_with_tumor():
    distances = (1.0, 2.0, 9.0)
    scores = [
        score(1, 1, 1, surface=SurfaceScore(nsd=mm / 10, hd95_mm=mm, assd_mm=mm / 2))
        for mm in distances
    ]
    said = metrics([*scores, score(0, 3, 0)], threshold=0.5)["surface"]
    assert said["n"] == 3
    assert said["hd95_mm"] == {"mean": 4.0, "median": 2.0, "ci95": bootstrap_interval(distances)}
    assert said["assd_mm"]["median"] == 1.0
    assert said["nsd"]["mean"] == pytest.approx(0.4)


def test_masks_without_probabilities_are_neither_sure_nor_unsure():
    said = metrics([score(1, 0, 0), score(1, 0, 0)], threshold=None)
    assert not {"froc", "calibration", "risk_coverage", "volume_intervals"} & said.keys()


def test_how_sure_the_model_is_stands_beside_its_definition():
    lesions = [Lesion(kind="found", volume_ml=1.0), Lesion(kind="true", volume_ml=1.0)]
    sure = [replace(lesion, confidence=0.9) for lesion in lesions]
    intervals = [(0.4, 0.6), (0.6, 0.7), (0.5, 0.5)]
    scores = [score(1, 0, 0, lesions=sure, volume_interval_ml=pair) for pair in intervals]
    said = metrics(scores, threshold=0.5)
    assert said["froc"]["score"] == 1
    assert said["calibration"]["ece"] == pytest.approx(0.1)
    assert said["risk_coverage"]["aurc"] == 0
    assert (said["volume_intervals"]["n"], said["volume_intervals"]["hold_the_label"]) == (3, 2)
    for part in ("froc", "calibration", "risk_coverage", "volume_intervals"):
        assert said[part]["definition"]
    assert said["cases"][0]["predicted_ml_least"] == 0.4


def test_false_lesions_are_counted_over_all_scans_those_without_tumor_too():
    false = Lesion(kind="false", volume_ml=1.0)
    scores = [score(1, 0, 0), score(0, 3, 0, lesions=(false, false, false))]
    assert metrics(scores, threshold=0.5)["lesions"]["false_positives_per_scan"] == 1.5


@given(voxel_mm3=st.floats(0.05, 20), voxels=st.integers(1, 9999))
def test_an_interval_of_the_labels_own_volume_holds_it_however_it_was_rounded(voxel_mm3, voxels):
    exact = voxels * voxel_mm3 / 1000
    known = score(voxels, 0, 0, voxel_ml=voxel_mm3 / 1000, volume_interval_ml=(exact, exact))
    assert metrics([known], threshold=0.5)["volume_intervals"]["hold_the_label"] == 1
