"""Each reason to doubt a number is said where it holds, and nowhere else."""

import re

import pytest

from lungseg.evaluation.cautions import cautions
from lungseg.scores.case_score import CaseScore

GOOD = {"failed": {}, "n": 10, "threshold": 0.5}


def score(case="a", role="unseen", fn_dropped=0, slices_dropped=0):
    return CaseScore(
        case=case, role=role, tp=5, fp=0, fn=fn_dropped, fn_dropped=fn_dropped, voxel_ml=0.1,
        slices=9, slices_dropped=slices_dropped, soft=None,
    )  # fmt: skip


def said(*scores, own_threshold=0.5, **metrics):
    return cautions(scores or [score()], GOOD | metrics, own_threshold=own_threshold)


def test_new_scans_read_whole_give_no_reason_to_doubt():
    assert said() == []


@pytest.mark.parametrize(
    ("scores", "metrics", "sentence"),
    [
        ([score("b", "training")], {}, "trained on these scans.*: b.$"),
        ([score("b", "validation")], {}, "chose its best epoch; expect a little less.*: b.$"),
        ([score("b", "unknown")], {}, "Nothing here tells whether"),
        ([score(slices_dropped=2)], {}, "^In 1 scan there are slices .* --all-slices reads them"),
        ([score("b", fn_dropped=3)], {}, r"counts as missed: b \(3 voxels\)\.$"),
        ([], {"failed": {"b": "broken"}}, r"^Not scored, .*: b \(broken\)\.$"),
        ([], {"n": 9}, "over n = 9 only"),
        ([], {"threshold": 0.4}, "^The threshold 0.4 is not the checkpoint's own, 0.5.$"),
    ],
)
def test_each_reason_is_one_sentence_of_its_own(scores, metrics, sentence):
    (only,) = said(score(), *scores, **metrics)
    assert re.search(sentence, only)


def test_masks_without_a_threshold_are_not_doubted_for_it():
    assert said(threshold=None, own_threshold=None) == []


def test_names_go_to_their_reason_and_many_are_counted():
    scores = [score(f"t{n}", "training") for n in range(10)] + [score("v", "validation")]
    trained, chose = said(*scores)
    assert trained.endswith("t2, t3 and 6 more.")
    assert chose.endswith(": v.")
