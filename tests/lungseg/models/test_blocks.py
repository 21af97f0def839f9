"""Blocks keep the size, count their weights, and add what they say they add."""

import pytest
import torch
from torch import nn

from lungseg.models.blocks import (
    NORMALIZATIONS,
    Bilinear,
    BlockStyle,
    Residual,
    level,
    normalization,
)

NORM_WEIGHTS = {"instance": 2, "batch": 2, "group": 2, "none": 1}
"""Weights per channel: scale and shift, or the convolution's bias."""


def count(module):
    return sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize("norm", NORMALIZATIONS)
@pytest.mark.parametrize("num_convolutions", [1, 2, 3])
def test_a_level_has_the_weights_of_its_convolutions(norm, num_convolutions):
    made = level(3, 8, BlockStyle(norm=norm, num_convolutions=num_convolutions))
    convolutions = 9 * 3 * 8 + (num_convolutions - 1) * 9 * 8 * 8
    assert count(made) == convolutions + num_convolutions * NORM_WEIGHTS[norm] * 8
    assert made(torch.zeros(2, 3, 5, 7)).shape == (2, 8, 5, 7)


@pytest.mark.parametrize(("before", "extra"), [(3, 3 * 8), (8, 0)])
def test_a_residual_level_projects_only_where_channels_change(before, extra):
    plain, residual = (level(before, 8, BlockStyle(residual=value)) for value in (False, True))
    assert count(residual) == count(plain) + extra


def test_a_residual_level_without_weights_hands_on_its_input():
    made = Residual(4, 4, [nn.Conv2d(4, 4, 3, padding=1)])
    nn.init.zeros_(made.layers[0].weight)
    nn.init.zeros_(made.layers[0].bias)
    features = torch.randn(1, 4, 5, 5)
    torch.testing.assert_close(made(features), nn.functional.leaky_relu(features, 0.01))


@pytest.mark.parametrize("residual", [False, True])
def test_dropout_leaves_out_whole_channels_in_training_only(residual):
    torch.manual_seed(0)
    made = level(2, 64, BlockStyle(dropout=0.5, residual=residual))
    features = torch.randn(1, 2, 8, 8)
    left_out = (made(features) == 0).all(dim=(2, 3))
    assert 10 < left_out.sum() < 54
    assert not (made.eval()(features) == 0).all(dim=(2, 3)).any()


def test_bilinear_doubles_and_keeps_a_slope():
    slope = torch.arange(6, dtype=torch.float32).expand(1, 1, 4, 6)
    found = Bilinear()(slope)
    assert found.shape == (1, 1, 8, 12)
    torch.testing.assert_close(found[0, 0, 3, 1:-1], torch.arange(0.25, 5, 0.5))


@pytest.mark.parametrize("norm", ["instance", "group"])
def test_normalized_channels_have_mean_0_and_deviation_1(norm):
    features = 5 + 3 * torch.randn(2, 1, 32, 32)
    found = normalization(norm, 1)(features)
    torch.testing.assert_close(found.mean(dim=(2, 3)), torch.zeros(2, 1), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.std(dim=(2, 3)), torch.ones(2, 1), atol=1e-2, rtol=0)


@pytest.mark.parametrize(("channels", "groups"), [(32, 8), (4, 4), (12, 4), (3, 1)])
def test_groups_divide_the_channels(channels, groups):
    assert normalization("group", channels).num_groups == groups


def test_a_norm_that_is_none_of_them_is_named():
    with pytest.raises(ValueError, match=r"norm must be one of instance, .* got layer"):
        normalization("layer", 8)
