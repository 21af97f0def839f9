"""The laws of the space: its points lie inside it."""

import pytest

from tune.options.space import SEARCHED, Space

SPACE = Space(losses=("bce", "dice", "bce_dice"), lr=(1e-4, 1e-2), oversample=(1.0, 30.0))


def test_the_nearest_point_to_one_inside_is_itself():
    plain = {"loss": "bce_dice", "lr": 1e-3, "oversample": 7.5}
    assert SPACE.nearest(plain) == plain


@pytest.mark.parametrize("lr", [0.1, 1e-9])
def test_the_nearest_point_lies_inside_a_narrow_space(lr):
    narrow = Space(losses=("dice",), lr=(1e-5, 1e-4), oversample=(2.0, 4.0))
    far = {"loss": "bce_dice", "lr": lr, "oversample": 100.0}
    limit = 1e-4 if lr > 1e-4 else 1e-5
    assert narrow.nearest(far) == {"loss": "dice", "lr": limit, "oversample": 4.0}


def test_what_is_searched_has_its_distribution():
    assert set(SPACE.distributions()) == set(SEARCHED)
