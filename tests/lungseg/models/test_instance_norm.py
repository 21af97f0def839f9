"""Normalized slice by slice, channels last, features and gradients are those of torch's own."""

import pytest
import torch
from torch import nn

from lungseg.models.instance_norm import InstanceNorm

SHAPE = (3, 5, 12, 9)


def outcome(norm, order, kind):
    """Features, and gradients of input, weight and bias, of a sum that tells them apart."""
    generator = torch.Generator().manual_seed(0)
    features = (4 * torch.randn(SHAPE, generator=generator) + 7).to(kind)
    features = features.contiguous(memory_format=order).requires_grad_()
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.5, 2, SHAPE[1]))
        norm.bias.copy_(torch.linspace(-1, 1, SHAPE[1]))
    found = norm(features)
    assert found.is_contiguous(memory_format=order)
    (found.double() ** 3).sum().backward()
    return found.detach(), features.grad, norm.weight.grad, norm.bias.grad


@pytest.mark.parametrize(
    ("kind", "weights", "tolerance"),
    [
        (torch.float64, torch.float64, {"rtol": 1e-9, "atol": 1e-9}),
        (torch.float32, torch.float32, {"rtol": 1e-4, "atol": 1e-3}),
        (torch.bfloat16, torch.float32, {"rtol": 2e-2, "atol": 2e-2}),
    ],
)
def test_features_and_gradients_are_torchs(kind, weights, tolerance):
    ours, theirs = (
        norm(SHAPE[1], affine=True).to(weights) for norm in (InstanceNorm, nn.InstanceNorm2d)
    )
    found = outcome(ours, torch.channels_last, kind)
    expected = outcome(theirs, torch.contiguous_format, kind)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, **tolerance)


def test_each_slice_has_mean_0_and_variance_1_by_itself():
    features = torch.randn(SHAPE) * torch.tensor([1.0, 10.0, 100.0]).reshape(3, 1, 1, 1)
    found = InstanceNorm(SHAPE[1], affine=True)(features.to(memory_format=torch.channels_last))
    torch.testing.assert_close(found.mean(dim=(2, 3)), torch.zeros(3, 5), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        found.var(dim=(2, 3), unbiased=False), torch.ones(3, 5), atol=1e-4, rtol=0
    )


def test_a_checkpoint_of_torchs_own_fits():
    InstanceNorm(4, affine=True).load_state_dict(nn.InstanceNorm2d(4, affine=True).state_dict())
