"""The picture of the curves has a curve for each column that has values."""

import numpy as np
import pytest
from PIL import Image

from lungseg.training.log.curves import curves_picture

BLUE, ORANGE = (11, 110, 153), (196, 81, 12)


def count(picture, color):
    return int((np.asarray(picture) == color).all(axis=2).sum())


def test_a_training_leaves_a_picture_of_its_curves(finished):
    with Image.open(finished / "curves.png") as picture:
        assert picture.size == (960, 320)


@pytest.mark.parametrize("num_epochs", [1, 2, 30])
def test_each_column_with_values_is_drawn(num_epochs):
    values = {"train/loss": "0.5", "val/loss": "", "val/dice_case_mean": "0.25"}
    picture = curves_picture([values | {"val/dice_pooled_soft": "0.75"}] * num_epochs)
    losses, dice = picture.crop((0, 0, 480, 272)), picture.crop((480, 0, 960, 272))
    assert (count(losses, BLUE) > 0, count(losses, ORANGE)) == (True, 0)
    assert count(dice, BLUE) == count(dice, ORANGE) > 0


@pytest.mark.parametrize(("num_epochs", "named"), [(1, 1), (2, 2), (30, 2)])
def test_the_first_and_the_last_epoch_are_named_once_each(num_epochs, named):
    below = curves_picture([{"val/loss": "0.5"}] * num_epochs).crop((0, 276, 480, 292))
    halves = (below.crop((0, 0, 240, 16)), below.crop((240, 0, 480, 16)))
    assert sum(np.asarray(half).min() < 200 for half in halves) == named


def test_higher_values_lie_higher():
    rows = [{"val/dice_case_mean": str(value)} for value in (0.1, 0.9)]
    found = np.asarray(curves_picture(rows).crop((480, 0, 960, 272)))
    y, x = np.nonzero((found == BLUE).all(axis=2))
    assert y[x.argmax()] < y[x.argmin()]
