"""Options describe the net, those of earlier versions too."""

import pytest
import torch
from torch import nn

from lungseg.models.blocks import Residual
from lungseg.models.build import build_net, check_crop, check_net, num_channels
from lungseg.models.imported import NetError
from lungseg.models.unet import UNet

EARLIER = {"neighbors": 3, "width": 4, "depth": 3, "norm": "group"}


def test_options_of_an_earlier_version_give_its_net():
    net = build_net(EARLIER)
    names = set(net.state_dict())
    assert {"down.0.0.weight", "down.2.3.weight", "up.1.bias", "merge.0.4.weight"} <= names
    assert not {name for name in names if "coarse" in name}
    assert net.get_parameter("down.0.0.weight").shape == (4, 3, 3, 3)
    assert net.get_parameter("down.2.0.weight").shape == (16, 8, 3, 3)
    assert isinstance(net.down[0][1], nn.GroupNorm)


def test_each_option_reaches_the_net():
    given = {"convolutions": 3, "residual": True, "dropout": 0.25, "up": "bilinear"}
    net = build_net(EARLIER | given | {"deep_supervision": True, "channels": [5, 6, 7, 8]})
    residual, dropout = net.down[0]
    assert isinstance(residual, Residual)
    assert sum(isinstance(layer, nn.Conv2d) for layer in residual.layers) == 3
    assert dropout.p == 0.25
    assert not list(net.up.parameters())
    assert [head.in_channels for head in net.coarse_heads] == [6, 7]
    assert [made[0].layers[0].out_channels for made in net.down] == [5, 6, 7, 8]


def test_neighbors_and_windows_are_channels():
    assert num_channels({"neighbors": 3}) == 3
    assert num_channels({"neighbors": 3, "hu_window": []}) == 3
    assert num_channels({"neighbors": 3, "hu_window": [[-1000, 400], [-160, 240]]}) == 6


def test_any_module_is_a_net_of_its_own():
    given = {"net": "torch.nn:Conv2d", "net_args": ["out_channels=1", "kernel_size=1"]}
    net = build_net({"neighbors": 5} | given)
    assert isinstance(net, nn.Conv2d)
    assert net.in_channels == 5
    check_net(net, {"neighbors": 5}, height=6, width=7)
    with pytest.raises(NetError, match="cannot take slices of 3 x 6 x 7"):
        check_net(net, {"neighbors": 3}, height=6, width=7)


def test_a_net_too_deep_for_the_slices_is_refused_by_arithmetic():
    options = EARLIER | {"depth": 5}
    net = build_net(options)
    check_net(net, options, height=17, width=40)
    with pytest.raises(NetError, match=r"5 levels .* 16 x 40 .* at most --depth 4"):
        check_net(net, options, height=16, width=40)


def test_the_largest_net_that_is_let_through_trains():
    for size in (9, 16, 17):
        options = EARLIER | {"depth": (size - 1).bit_length(), "norm": "instance"}
        net = build_net(options)
        check_net(net, options, height=size, width=size)
        assert isinstance(net, UNet)
        net(torch.randn(1, 3, size, size)).sum().backward()


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (64, r"--crop-px 64 is more than slices of 40 x 48 pixels .* at most 40"),
        (30, r"--crop-px must be a multiple of 4 for 3 levels, got 30: give 28"),
        (3, r"--crop-px must be a multiple of 4 for 3 levels, got 3: give 8"),
        (4, r"3 levels are too many for slices of 4 x 4 pixels: give at most --depth 2"),
    ],
)
def test_squares_that_slices_or_levels_have_no_room_for_are_refused(size, said):
    net = build_net(EARLIER)
    with pytest.raises(NetError, match=said):
        check_crop(net, EARLIER | {"crop_px": size}, height=40, width=48)


def test_squares_that_fit_and_none_at_all_are_accepted():
    for size in (None, 8, 40):
        check_crop(build_net(EARLIER), EARLIER | {"crop_px": size}, height=40, width=48)
    check_crop(build_net(EARLIER), EARLIER, height=40, width=48)
    own = nn.Conv2d(3, 1, kernel_size=1)
    check_crop(own, EARLIER | {"net": "torch.nn:Conv2d", "crop_px": 7}, height=40, width=48)
