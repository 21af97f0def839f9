"""Strengths are probabilities, and each contains the weaker ones."""

import dataclasses

from lungseg.augment.strength import STRENGTHS
from lungseg.options.augmentation import AugmentationOptions


def test_each_strength_does_what_the_weaker_does_and_none_does_nothing():
    none, light, full = (dataclasses.astuple(STRENGTHS[name]) for name in ("none", "light", "full"))
    assert set(none) == {0.0}
    assert all(weak <= strong for weak, strong in zip(light, full, strict=True))
    assert all(0 < chance < 1 for chance in full)
    assert 0.0 in light


def test_every_strength_that_can_be_asked_for_is_there():
    for name in STRENGTHS:
        assert AugmentationOptions(augment=name).augment == name
    assert STRENGTHS["full"].noise
    assert not STRENGTHS["light"].noise
