"""Sums of a case on the model's grid, and what its recipe leaves of the label."""

import numpy as np
import pytest

from ingest.recipe import Recipe
from ingest.slices.field import Field
from lungseg.explanation.case_sums import CaseSums

RECIPE = Recipe(size=8, drop_slices=0)


def seen(truth, probability, *, z=None, recipe=RECIPE):
    """Of a truth (x, y, z) and probabilities (z, size, size)."""
    field = Field.whole(truth.shape[1::-1], recipe.size)
    sums = CaseSums(truth, recipe, field, threshold=0.5)
    for number in range(len(probability)) if z is None else z:
        sums.add(number, probability[number])
    return sums


def drawn(seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (8, 8, 4)).astype(np.uint8)
    return truth, rng.random((4, 8, 8)).astype(np.float32)


def test_each_slice_has_its_sums():
    truth, probability = drawn()
    sums = seen(truth, probability)
    label = truth.transpose(2, 1, 0)
    called = probability >= 0.5
    for z in range(4):
        soft = (probability[z] * label[z]).sum(), probability[z].sum(), label[z].sum()
        hard = (called[z] & (label[z] == 1)).sum(), called[z].sum(), label[z].sum()
        assert sums.soft[z] == pytest.approx(soft)
        assert sums.hard[z].tolist() == list(hard)
    assert (sums.pixels, sums.num_tumor, sums.num_voxels) == (64, truth.sum(), 256)


def test_the_ceiling_of_a_grid_that_is_the_models_is_one_less_what_is_unread():
    truth, probability = drawn()
    assert seen(truth, probability).ceiling == 1
    read, total = truth[:, :, 2:].sum(), truth.sum()
    assert seen(truth, probability, z=[2, 3]).ceiling == pytest.approx(2 * read / (read + total))


def test_the_ceiling_of_a_finer_grid_is_what_comes_back_of_the_label():
    truth = np.zeros((32, 32, 1), np.uint8)
    truth[8:16, 8:16] = 1  # 2 x 2 pixels of the model: interpolation rounds their corners
    ceiling = seen(truth, np.zeros((1, 8, 8), np.float32)).ceiling
    assert 0.8 < ceiling < 1
    truth[:, :] = 1
    assert seen(truth, np.zeros((1, 8, 8), np.float32)).ceiling == 1
    assert seen(np.zeros_like(truth), np.zeros((1, 8, 8), np.float32)).ceiling is None


def test_everything_called_tumor_has_its_closed_form():
    truth, probability = drawn()
    n = truth.sum()
    assert seen(truth, probability).everything == pytest.approx(2 * n / (256 + n))
    assert seen(0 * truth, probability).everything is None


def test_another_cases_prediction_is_held_against_the_label_at_the_same_height():
    truth, probability = drawn()
    _, other = drawn(1)
    label = truth.transpose(2, 1, 0)
    rows = seen(truth, probability).of_other(seen(truth[:, :, :2], other[:2]))
    for z, there in enumerate((0, 0, 1, 1)):
        called = other[there] >= 0.5
        expected = [(called & (label[z] == 1)).sum(), called.sum(), label[z].sum()]
        assert rows[z].tolist() == expected
