"""Calibration of lesions in closed form, and on draws whose probability is true."""

import numpy as np
import pytest

from lungseg.scores.confidence.reliability import reliability
from lungseg.scores.lesions import Lesion


def judged(pairs):
    return [
        Lesion(kind="true" if real else "false", volume_ml=1.0, confidence=confidence)
        for confidence, real in pairs
    ]


def test_each_step_has_its_share_and_the_error_is_weighted():
    said = reliability([judged([(0.82, True), (0.88, False)]), judged([(0.95, True)])])
    assert [(entry["n"], entry["real"]) for entry in said["bins"]] == [(2, 0.5), (1, 1.0)]
    assert [entry["confidence"] for entry in said["bins"]] == pytest.approx([0.85, 0.95])
    assert said["ece"] == pytest.approx((2 * 0.35 + 0.05) / 3)
    assert said["n"] == 3


def test_probabilities_that_are_true_have_hardly_an_error_and_others_have_theirs():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0, 1, 20_000)
    true = [judged(zip(confidence, rng.uniform(size=20_000) < confidence, strict=True))]
    assert reliability(true)["ece"] < 0.02
    boasting = [judged(zip(confidence, rng.uniform(size=20_000) < confidence / 2, strict=True))]
    assert reliability(boasting)["ece"] == pytest.approx(0.25, abs=0.02)


def test_certainty_itself_lies_in_the_last_step():
    assert reliability([judged([(1.0, True)])])["bins"] == [{"confidence": 1, "real": 1, "n": 1}]


def test_what_has_no_confidence_and_what_is_no_prediction_is_left_out():
    assert reliability([judged([(None, True)])]) is None
    assert reliability([]) is None
    others = [Lesion(kind=kind, volume_ml=1.0, confidence=0.9) for kind in ("found", "on a speck")]
    assert reliability([others]) is None
