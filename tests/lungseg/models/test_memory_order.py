"""Channels lie last where that was measured to be faster, and a training learns the same."""

import pytest
import torch
from torch import nn

from lungseg.models.blocks import BlockStyle
from lungseg.models.memory_order import order_for_prediction, order_memory
from lungseg.models.unet import UNet

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def lies_last(net):
    weight = next(w for w in net.parameters() if w.dim() == 4 and min(w.shape[:2]) > 1)
    return weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("wanted", "norm", "device", "last"),
    [
        ("auto", "instance", CPU, True),
        ("auto", "batch", CPU, True),
        ("auto", "none", CPU, True),
        ("auto", "group", CPU, False),
        ("auto", "instance", GPU, False),
        ("yes", "group", GPU, True),
        ("no", "instance", CPU, False),
    ],
)
def test_auto_is_where_it_pays(wanted, norm, device, last):
    net = UNet(channels=(4, 8), style=BlockStyle(norm=norm))
    order_memory(net, {"channels_last": wanted, "norm": norm}, device)
    assert lies_last(net) == last


def test_a_net_of_the_user_is_left_as_it_is_unless_told():
    net = nn.Sequential(nn.Conv2d(3, 4, 3))
    order_memory(net, {"channels_last": "auto", "norm": "instance"}, CPU)
    assert not lies_last(net)


@pytest.mark.parametrize("norm", ["instance", "batch", "group", "none"])
@pytest.mark.parametrize("size", [(30, 33), (64, 64)])
def test_predictions_are_those_of_features_in_the_plain_order(norm, size):
    """In one order as in the other, and as with gradients, by which a net is trained."""
    torch.manual_seed(0)
    net = UNet(channels=(4, 8, 16), style=BlockStyle(norm=norm)).eval()
    slices = torch.randn(2, 1, *size)
    expected = net(slices).detach()
    assert lies_last(order_for_prediction(net, CPU))
    with torch.inference_mode():
        torch.testing.assert_close(net(slices), expected, rtol=1e-4, atol=1e-4)


def test_a_net_predicts_in_one_order_however_it_was_trained():
    for order in (torch.channels_last, torch.contiguous_format):
        net = UNet(channels=(4, 8)).to(memory_format=order)
        assert not lies_last(order_for_prediction(net, GPU))
    own = nn.Sequential(nn.Conv2d(3, 4, 3)).to(memory_format=torch.channels_last)
    assert not lies_last(order_for_prediction(own, CPU))
