"""Coarser levels count half as much each, against averaged targets."""

import itertools

import pytest
import torch

from lungseg.losses.deep_supervision import at_all_levels, level_weights


@pytest.mark.parametrize("num_levels", [1, 2, 4])
def test_weights_halve_and_sum_to_one(num_levels):
    weights = level_weights(num_levels)
    assert len(weights) == num_levels
    assert sum(weights) == pytest.approx(1)
    assert all(fine == 2 * coarse for fine, coarse in itertools.pairwise(weights))


def mean_gap(logits, target):
    assert logits.shape == target.shape
    return (logits - target).abs().mean()


def test_one_level_is_the_loss_itself():
    logits, target = torch.rand(2, 1, 5, 7), torch.rand(2, 1, 5, 7)
    assert at_all_levels(mean_gap, logits, target) == mean_gap(logits, target)
    assert at_all_levels(mean_gap, [logits], target) == mean_gap(logits, target)


def test_each_level_is_held_against_the_mean_of_what_its_pixels_cover():
    target = torch.arange(35, dtype=torch.float32).reshape(1, 1, 5, 7)
    half = torch.tensor([[4.0, 6, 8, 9.5], [18, 20, 22, 23.5], [28.5, 30.5, 32.5, 34]])
    quarter = torch.tensor([[12.0, 15.5], [29.5, 33]])
    exact = [target, half.reshape(1, 1, 3, 4), quarter.reshape(1, 1, 2, 2)]
    assert at_all_levels(mean_gap, exact, target) == 0
    for level, weight in enumerate((4 / 7, 2 / 7, 1 / 7)):
        shifted = [logits + (place == level) for place, logits in enumerate(exact)]
        assert at_all_levels(mean_gap, shifted, target) == pytest.approx(weight)


def test_masks_of_bytes_are_averaged_too():
    mask = torch.tensor([[0, 1], [1, 1]], dtype=torch.uint8).reshape(1, 1, 2, 2)
    exact = [mask.float(), torch.full((1, 1, 1, 1), 0.75)]
    assert at_all_levels(lambda x, t: (x - t).abs().mean(), exact, mask) == 0
