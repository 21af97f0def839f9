"""What is counted of a case, and how cases are summed up."""

import time

import numpy as np
import pytest

from lungseg.scores.case_score import CaseScore, count_voxels
from lungseg.scores.dice import dice
from lungseg.scores.lesions import Lesion, lesions_of
from lungseg.scores.surface import SurfaceScore, surface_score


def score(tp, fp, fn, **given):
    values = {"case": "a", "role": "unseen", "fn_dropped": 0, "voxel_ml": 0.5, "slices": 9}
    values |= {"slices_dropped": 2, "soft": (1.5, 4.0)}
    return CaseScore(tp=tp, fp=fp, fn=fn, **values | given)


@pytest.mark.parametrize(
    ("counts", "verdict", "bad"),
    [
        ((0, 0, 0), "tumor-free", False),
        ((0, 1, 0), "false alarm", True),
        ((0, 0, 1), "missed", True),
        ((0, 1, 1), "found elsewhere", True),
        ((1, 0, 0), "scored", False),
        ((1, 9, 9), "scored", False),
    ],
)
def test_each_kind_of_case_has_its_verdict(counts, verdict, bad):
    assert (score(*counts).verdict, score(*counts).bad) == (verdict, bad)


def test_a_diagonal_stands_in_only_where_nothing_was_found():
    kinds = {
        "missed": (0, 0, 5),
        "found elsewhere": (0, 5, 5),
        "scored": (1, 0, 5),
        "free": (0, 0, 0),
    }
    assert [name for name, counts in kinds.items() if score(*counts).stands_in] == ["missed"]


def test_voxels_of_two_masks_are_counted_once_each():
    rng = np.random.default_rng(0)
    truth, found = (rng.integers(0, 2, (4, 5, 6)).astype(np.uint8) for _ in range(2))
    tp, fp, fn = count_voxels(truth, found)
    pairs = list(zip(truth.ravel().tolist(), found.ravel().tolist(), strict=True))
    assert (tp, fp, fn) == (pairs.count((1, 1)), pairs.count((0, 1)), pairs.count((1, 0)))
    assert count_voxels(found, truth) == (tp, fn, fp)
    assert count_voxels(truth * 255, found) == (tp, fp, fn)


def test_masks_of_two_grids_are_our_own_mistake():
    with pytest.raises(AssertionError, match=r"one grid.*\(2, 3\).*\(3, 2\)"):
        count_voxels(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))


def test_a_row_says_all_that_was_counted():
    surface = SurfaceScore(nsd=0.25, hd95_mm=7.000049, assd_mm=3.5)
    kinds = ("found", "missed", "missed", "speck", "true", "false", "false", "false")
    lesions = tuple(Lesion(kind=kind, volume_ml=1.0) for kind in kinds)
    given = {"role": "validation", "fn_dropped": 4, "surface": surface, "lesions": lesions}
    assert score(3, 2, 5, **given).row() == {
        "case": "a",
        "role": "validation",
        "verdict": "scored",
        "dice": dice(3, 2, 5),
        "nsd": 0.25,
        "hd95_mm": 7.0,
        "assd_mm": 3.5,
        "tp": 3,
        "fp": 2,
        "fn": 5,
        "fn_dropped": 4,
        "truth_ml": 4.0,
        "predicted_ml": 2.5,
        "predicted_ml_least": None,
        "predicted_ml_most": None,
        "false_positive_ml": 1.0,
        "volume_error_ml": -1.5,
        "volume_error_percent": -37.5,
        "lesions_found": 1,
        "lesions_missed": 2,
        "lesions_false": 3,
        "slices": 9,
        "slices_dropped": 2,
    }


def test_a_case_in_words_has_its_dice_and_volumes():
    said = score(1, 1, 1, case="lung_7").in_words()
    assert said == "lung_7: Dice 0.5000 (scored), labeled 1.00 mL, predicted 1.00 mL"
    assert "Dice none (tumor-free)" in score(0, 0, 0).in_words()


def test_without_tumor_there_is_no_share_and_no_surface():
    row = score(0, 4, 0).row()
    assert (row["nsd"], row["hd95_mm"], row["assd_mm"]) == (None, None, None)
    assert (row["volume_error_ml"], row["volume_error_percent"]) == (2.0, None)


def test_a_large_scan_takes_seconds_as_only_the_box_of_its_tumors_is_looked_at():
    """512 x 512 x 600 voxels with tumors of 40 mm: half a second, which would else be minutes."""
    truth, found = (np.zeros((512, 512, 600), np.uint8) for _ in range(2))
    truth[200:240, 300:340, 400:440] = found[205:245, 300:340, 395:430] = 1
    began = time.process_time()
    counts = count_voxels(truth, found)
    surface = surface_score(truth, found, axes_mm=np.diag((1, 1, 1)))
    lesions = lesions_of(truth, found, voxel_ml=0.001)
    assert time.process_time() - began < 10
    assert counts == (35 * 40 * 30, 40 * 40 * 35 - 42000, 40**3 - 42000)
    assert surface.hd95_mm == pytest.approx(10)
    assert [lesion.kind for lesion in lesions] == ["found", "true"]
