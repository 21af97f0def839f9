"""Channels lie last where that was measured to be faster, and a training learns the same."""

import pytest
import torch
from torch import nn

from lungseg.models.blocks import BlockStyle
from lungseg.models.unet import UNet
from lungseg.training.machine.memory_order import order_memory, plain_copy
from lungseg.training.run import fit
from tests.toy_training import options, weights

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def lies_last(net):
    weight = next(w for w in net.parameters() if w.dim() == 4 and min(w.shape[:2]) > 1)
    return weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("wanted", "norm", "device", "last"),
    [
        ("auto", "instance", CPU, True),
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


def test_a_plain_copy_has_the_weights_and_not_the_order():
    net = UNet(channels=(4, 8)).to(memory_format=torch.channels_last)
    plain = plain_copy(net)
    assert (lies_last(net), lies_last(plain)) == (True, False)
    torch.testing.assert_close(plain.state_dict(), net.state_dict(), rtol=0, atol=0)


def test_a_training_learns_the_same_in_either_order(shards, tmp_path):
    for wanted in ("yes", "no"):
        given = {"epochs": 1, "channels_last": wanted, "ema": 0.9}
        fit(options(shards, tmp_path / wanted, **given))
    one, other = (weights(tmp_path / name / "last.ckpt") for name in ("yes", "no"))
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
