"""The faster ways give torch's own values, and are not taken where a graph is made."""

import pytest
import torch
from torch import nn

from lungseg.models.build import build_net
from lungseg.models.instance_norm import InstanceNorm
from lungseg.models.on_processor import halved, pays

KINDS = [torch.float32, torch.bfloat16, torch.float64]


@pytest.mark.parametrize("kind", KINDS)
def test_halves_are_those_of_max_pooling_bit_for_bit(kind):
    features = torch.randn(2, 3, 14, 22, generator=torch.Generator().manual_seed(0)).to(kind)
    features[0, 0, 3, 5], features[1, 2, 0, 0] = torch.nan, -torch.inf
    with torch.no_grad():
        assert pays(features)
        torch.testing.assert_close(
            halved(features), nn.functional.max_pool2d(features, 2), rtol=0, atol=0, equal_nan=True
        )


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_normalized_as_torch_does_it(kind):
    features = (4 * torch.randn(3, 5, 12, 9, generator=torch.Generator().manual_seed(0)) + 7).to(
        kind
    )
    ours, theirs = InstanceNorm(5, affine=True).eval(), nn.InstanceNorm2d(5, affine=True).eval()
    weights = {"weight": torch.linspace(0.5, 2, 5), "bias": torch.linspace(-1, 1, 5)}
    for norm in (ours, theirs):
        norm.load_state_dict(weights)
    tolerance = {"rtol": 2e-2, "atol": 2e-2} if kind == torch.bfloat16 else {}
    with torch.no_grad():
        expected = theirs.to(torch.float64)(features.double()).to(kind)
        torch.testing.assert_close(ours(features), expected, **tolerance)


def test_with_gradients_or_in_a_graph_torchs_own_is_taken(monkeypatch):
    features = torch.zeros(1, 1, 2, 2)
    assert not pays(features)
    with torch.no_grad():
        assert not pays(torch.zeros(2, 2, 2, 2).to(memory_format=torch.channels_last))
        monkeypatch.setattr("torch.onnx.is_in_onnx_export", lambda: True)
        assert not pays(features)


def test_a_net_predicts_what_it_is_trained_to_predict():
    torch.manual_seed(0)
    net = build_net({"neighbors": 1, "width": 4, "depth": 3, "norm": "instance"}).eval()
    slices = torch.randn(2, 1, 30, 33)
    with torch.no_grad():
        quick = net(slices)
    torch.testing.assert_close(quick, net(slices).detach(), rtol=1e-4, atol=1e-4)
