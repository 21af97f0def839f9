"""Risk against coverage in closed form."""

import pytest

from lungseg.scores.confidence.coverage import risk_coverage
from lungseg.scores.lesions import Lesion


def judged(*pairs):
    return [
        Lesion(kind="true" if real else "false", volume_ml=1.0, confidence=confidence)
        for confidence, real in pairs
    ]


def test_the_most_confident_are_used_first():
    said = risk_coverage([judged((0.6, False), (0.9, True)), judged((0.8, True), (0.7, False))])
    assert said["coverage"] == [0.25, 0.5, 0.75, 1.0]
    assert said["risk"] == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert said["aurc"] == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


def test_lesions_of_equal_confidence_are_used_together():
    said = risk_coverage([judged((0.9, True), (0.9, False), (0.5, False))])
    assert said["coverage"] == pytest.approx([2 / 3, 1])
    assert said["risk"] == pytest.approx([1 / 2, 2 / 3])
    assert said["aurc"] == pytest.approx((2 * 1 / 2 + 2 / 3) / 3)


def test_without_confidence_there_is_no_curve():
    assert risk_coverage([judged((None, True))]) is None
    assert risk_coverage([[]]) is None
