"""The FROC curve in closed form."""

import pytest

from lungseg.scores.confidence.froc import RATES, froc
from lungseg.scores.lesions import Lesion


def lesions(*kinds):
    """From pairs of kind and confidence."""
    return [Lesion(kind=kind, volume_ml=1.0, confidence=level) for kind, level in kinds]


CASES = [
    lesions(("found", None), ("missed", None), ("true", 0.9), ("false", 0.8), ("false", 0.6)),
    lesions(("found", None), ("true", 0.7), ("false", 0.95), ("on a speck", 0.99)),
]


def test_each_level_of_confidence_is_a_point():
    curve = froc(CASES)
    assert curve.rates.tolist() == [0, 0.5, 0.5, 1.0, 1.0, 1.5]
    assert curve.sensitivities == pytest.approx([0, 0, 1 / 3, 1 / 3, 2 / 3, 2 / 3])


def test_sensitivity_is_the_best_that_a_rate_allows_and_stays_level_beyond():
    curve = froc(CASES)
    assert [curve.at(rate) for rate in (0, 0.4, 0.5, 0.9, 1, 8)] == pytest.approx(
        [0, 0, 1 / 3, 1 / 3, 2 / 3, 2 / 3]
    )
    said = curve.summary()
    assert list(said["sensitivity_at"]) == ["0.125", "0.25", "0.5", "1", "2", "4", "8"]
    assert said["score"] == pytest.approx((0 + 0 + 1 / 3 + 4 * 2 / 3) / 7)
    assert len(RATES) == 7


def test_a_perfect_model_has_all_at_no_false_lesion():
    curve = froc([lesions(("found", None), ("true", 0.6))] * 3)
    assert curve.summary()["score"] == 1
    assert curve.at(0) == 1


def test_lesions_of_equal_confidence_count_together():
    curve = froc([lesions(("found", None), ("true", 0.6), ("false", 0.6))])
    assert (curve.at(0), curve.at(0.5), curve.at(1)) == (0, 0, 1)


def test_masks_without_probabilities_and_labels_without_lesions_have_no_curve():
    assert froc([lesions(("found", None), ("true", None))]) is None
    assert froc([lesions(("false", 0.7))]) is None
    assert froc([]) is None
    assert froc([lesions(("missed", None))]).summary()["score"] == 0
