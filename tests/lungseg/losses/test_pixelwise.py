"""Pixelwise losses are what their formulas say, also where logits are extreme."""

import math

import pytest
import torch

from lungseg.losses.pixelwise import bce, focal


def one_pixel(loss, logit, target, **given):
    shape = (1, 1, 1, 1)
    return float(loss(torch.full(shape, logit), torch.full(shape, target), **given))


@pytest.mark.parametrize("logit", [-2.0, 0.0, 1.5])
def test_a_pixel_costs_minus_the_logarithm_of_what_its_truth_was_given(logit):
    probability = 1 / (1 + math.exp(-logit))
    assert one_pixel(bce, logit, 1.0) == pytest.approx(-math.log(probability), rel=1e-5)
    assert one_pixel(bce, logit, 0.0) == pytest.approx(-math.log(1 - probability), rel=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 3.5])
@pytest.mark.parametrize("logit", [-2.0, 0.0, 1.5])
def test_focal_weighs_a_pixel_by_how_badly_it_is_known(logit, gamma):
    probability = 1 / (1 + math.exp(-logit))
    for target, wrong in ((1.0, 1 - probability), (0.0, probability)):
        expected = wrong**gamma * one_pixel(bce, logit, target)
        assert one_pixel(focal, logit, target, gamma=gamma) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("soft", [False, True])
def test_focal_of_gamma_zero_is_cross_entropy(make_batch, soft):
    batch = make_batch(soft=soft)
    for pos_weight in (1.0, 4.0):
        torch.testing.assert_close(
            focal(*batch, gamma=0.0, pos_weight=pos_weight), bce(*batch, pos_weight=pos_weight)
        )


@pytest.mark.parametrize("loss", [bce, focal])
def test_a_positive_weight_counts_tumor_that_many_times(make_batch, loss):
    logits, _ = make_batch()
    tumor, background = torch.ones_like(logits), torch.zeros_like(logits)
    assert loss(logits, tumor, pos_weight=5.0) == 5 * loss(logits, tumor)
    assert loss(logits, background, pos_weight=5.0) == loss(logits, background)


@pytest.mark.parametrize("loss", [bce, focal])
@pytest.mark.parametrize("soft", [False, True])
def test_gradients_are_those_of_differences(make_batch, loss, soft):
    logits, target = make_batch(soft=soft)
    assert torch.autograd.gradcheck(
        lambda x: loss(x, target, pos_weight=3.0), logits.requires_grad_()
    )


def test_focal_equals_that_of_monai(make_batch):
    losses = pytest.importorskip("monai.losses", reason="MONAI is the oracle")
    for gamma in (0.5, 2.0):
        oracle = losses.FocalLoss(gamma=gamma)
        batch = make_batch(dtype=torch.float32)  # its own precision
        torch.testing.assert_close(focal(*batch, gamma=gamma), oracle(*batch))
