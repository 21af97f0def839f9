"""Lesions one by one: found, missed, false, specks."""

import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label

from lungseg.scores.lesions import SIZE_CLASSES, Lesion, lesions_of, summarize_lesions

VOXEL_ML = 0.001  # 1 mm a side


def masks(truth, found, shape=(40, 30, 20)):
    """Cubes: (corner, edge) in the label and in the prediction."""
    pair = []
    for cubes in (truth, found):
        mask = np.zeros(shape, np.uint8)
        for (x, y, z), edge in cubes:
            mask[x : x + edge, y : y + edge, z : z + edge] = 1
        pair.append(mask)
    return pair


def kinds(truth, found):
    return [lesion.kind for lesion in lesions_of(*masks(truth, found), voxel_ml=VOXEL_ML)]


BIG = ((2, 2, 2), 8)


def test_each_lesion_has_its_kind():
    found = kinds([BIG, ((20, 2, 2), 6), ((30, 20, 10), 2)], [((3, 2, 2), 8), ((20, 20, 2), 4)])
    assert found == ["found", "missed", "speck", "true", "false"]


def test_a_touch_is_no_hit():
    assert kinds([BIG], [((9, 9, 9), 5)]) == ["missed", "false"]


def test_a_predicted_lesion_is_as_sure_as_its_surest_voxel():
    truth, found = masks([BIG], [((3, 2, 2), 8), ((20, 20, 2), 4)])
    probability = np.full(found.shape, 0.6, np.float32)
    probability[9, 9, 9], probability[20, 20, 2], probability[2, 2, 2] = 0.9, 0.75, 1.0
    values = probability[tuple(np.argwhere(found).T)]
    result = lesions_of(truth, found, voxel_ml=VOXEL_ML, probability=values)
    sure = {lesion.kind: lesion.confidence for lesion in result}
    assert sure == {"found": None, "true": pytest.approx(0.9), "false": 0.75}
    unsure = lesions_of(truth, found, voxel_ml=VOXEL_ML)
    assert {lesion.confidence for lesion in unsure} == {None}


@pytest.mark.parametrize(("edge", "hit"), [(3, False), (4, True)])  # IoU 27/512 and 64/512
def test_a_tenth_of_the_union_is_a_hit(edge, hit):
    expected = ["found", "true"] if hit else ["missed", "false"]
    assert kinds([BIG], [((2, 2, 2), edge)]) == expected


def test_the_intersection_over_union_is_that_of_the_pair():
    one, other = lesions_of(*masks([BIG], [((4, 2, 2), 8)]), voxel_ml=VOXEL_ML)
    assert one.iou == other.iou == pytest.approx(6 * 64 / (10 * 64))


def test_one_prediction_finds_one_lesion_only():
    truth = [((2, 2, 2), 5), ((8, 2, 2), 5)]
    truth_mask, found = masks(truth, [])
    found[2:13, 2:7, 2:7] = 1
    result = [lesion.kind for lesion in lesions_of(truth_mask, found, voxel_ml=VOXEL_ML)]
    assert sorted(result) == ["found", "missed", "true"]


def test_as_many_are_matched_as_can_be():
    truth, found = masks([((2, 2, 2), 6), ((2, 9, 2), 6)], [((2, 2, 2), 2)])
    found[2:8, 5:14, 2:8] = 1  # overlaps both, the first one more than the small cube does
    found[2:8, 2:4, 2:8] = 1
    result = [lesion.kind for lesion in lesions_of(truth, found, voxel_ml=VOXEL_ML)]
    assert result == ["found", "found", "true", "true"]


def best_matching(iou):
    """The most pairs that reach a tenth, of these the largest sum: by trying all matchings."""
    small, large = sorted(iou.shape)
    wide = iou if iou.shape[0] == small else iou.T
    every = [
        [wide[row, column] for row, column in enumerate(columns) if wide[row, column] >= 0.1]
        for columns in itertools.permutations(range(large), small)
    ]
    return sorted(max(every, key=lambda pairs: (len(pairs), sum(pairs))))


@pytest.mark.parametrize("seed", range(60))
def test_no_other_matching_finds_more_or_overlaps_more(seed):
    numbers = np.random.default_rng(seed)
    noise = gaussian_filter(numbers.normal(size=(2, 14, 12, 8)), (0, 1.5, 1.5, 1.5))
    truth = (noise[0] > 0.16).astype(np.uint8)
    found = (0.6 * noise[0] + 0.6 * noise[1] > 0.16).astype(np.uint8)
    (labels, n), (others, m) = (label(mask, np.ones((3, 3, 3))) for mask in (truth, found))
    iou = np.zeros((min(n, 6), min(m, 6)))
    for row, column in np.ndindex(iou.shape):
        one, other = labels == row + 1, others == column + 1
        iou[row, column] = (one & other).sum() / (one | other).sum()
    truth[labels > 6], found[others > 6] = 0, 0
    ours = lesions_of(truth, found, voxel_ml=1.0)
    assert np.allclose(
        sorted(each.iou for each in ours if each.kind == "found"), best_matching(iou)
    )
    assert [each.of_label for each in ours].count(True) == len(iou)


def test_what_lies_on_a_speck_is_neither_right_nor_wrong():
    assert kinds([((5, 5, 5), 2)], [((4, 4, 4), 4)]) == ["speck", "on a speck"]


def test_voxels_that_touch_at_a_corner_are_one_lesion():
    truth, nothing = masks([((2, 2, 2), 4), ((6, 6, 6), 4)], [])
    (lesion,) = lesions_of(truth, nothing, voxel_ml=VOXEL_ML)
    assert lesion.volume_ml == pytest.approx(0.128)


def test_two_empty_masks_have_no_lesions():
    assert kinds([], []) == []
    assert kinds([], [BIG]) == ["false"]


@pytest.mark.parametrize(
    ("diameter_mm", "name"),
    [(3.1, "0 to 6 mm"), (5.9, "0 to 6 mm"), (6.1, "6 to 10 mm"), (19.9, "10 to 20 mm"),
     (20.1, "20 to 30 mm"), (30.1, "30 mm and more"), (99, "30 mm and more")],
)  # fmt: skip
def test_a_ball_is_in_the_class_of_its_diameter(diameter_mm, name):
    lesion = Lesion(kind="found", volume_ml=np.pi * diameter_mm**3 / 6000)
    assert lesion.diameter_mm == pytest.approx(diameter_mm)
    assert lesion.size_class == name


def test_a_row_says_all_of_a_lesion():
    lesion = Lesion(kind="true", volume_ml=np.pi * 12**3 / 6000, iou=0.5, confidence=0.87654321)
    assert lesion.row() == {
        "of": "prediction",
        "kind": "true",
        "size": "10 to 20 mm",
        "diameter_mm": 12.0,
        "volume_ml": 0.9048,
        "iou": 0.5,
        "confidence": 0.8765,
    }
    assert Lesion(kind="missed", volume_ml=1.0).row()["of"] == "label"


def test_lesions_are_summed_up_over_cases_and_by_size():
    small, large = np.pi * 5**3 / 6000, np.pi * 25**3 / 6000
    cases = [
        [Lesion(kind="found", volume_ml=large), Lesion(kind="missed", volume_ml=small)],
        [Lesion(kind="found", volume_ml=small), Lesion(kind="false", volume_ml=large)],
        [Lesion(kind="false", volume_ml=small), Lesion(kind="speck", volume_ml=0.001)],
        [Lesion(kind="true", volume_ml=small), Lesion(kind="on a speck", volume_ml=small)],
    ]
    said = summarize_lesions(cases)
    assert (said["n"], said["found"], said["sensitivity"]) == (3, 2, pytest.approx(2 / 3))
    assert (said["false_positives"], said["false_positives_per_scan"]) == (2, 0.5)
    assert said["specks"] == 1
    assert [row["size"] for row in said["by_size"]] == list(SIZE_CLASSES)
    assert [(row["n"], row["found"]) for row in said["by_size"]] == [
        (2, 1), (0, 0), (0, 0), (1, 1), (0, 0),
    ]  # fmt: skip
    assert said["by_size"][1]["sensitivity"] is None
    assert "intersection over union" in said["definition"]


def test_no_case_has_no_rate():
    assert summarize_lesions([])["false_positives_per_scan"] is None
    assert summarize_lesions([[]])["sensitivity"] is None
