"""The U-Net keeps sizes, uses its skips, counts its weights and starts from the prior."""

import itertools

import pytest
import torch
from torch import nn

from lungseg.models.blocks import BlockStyle
from lungseg.models.unet import PRIOR, UNet, channels_of, max_depth

TUTORIAL = {"channels": (64, 128, 256, 512), "style": BlockStyle(norm="none"), "up": "bilinear"}


def small(**given):
    torch.manual_seed(0)
    return UNet(**{"channels": (4, 8, 8)} | given).eval()


def count(net):
    return sum(weight.numel() for weight in net.parameters())


def expected_count(in_channels, channels, up):
    """Weights of two convolutions with instance norm per level, and of a 1 x 1 head."""

    def pair(before, after):
        return 9 * (before + after) * after + 4 * after

    down = sum(
        pair(before, after) for before, after in itertools.pairwise([in_channels, *channels])
    )
    total = down + channels[0] + 1
    for above, below in itertools.pairwise(channels):
        if up == "transposed":
            total += 4 * below * above + above + pair(2 * above, above)
        else:
            total += pair(above + below, above)
    return total


@pytest.mark.parametrize("up", ["transposed", "bilinear"])
@pytest.mark.parametrize("channels", [(4,), (4, 8), (4, 8, 16, 16), (6, 10, 3)])
@pytest.mark.parametrize("in_channels", [1, 5])
def test_weights_are_counted_by_a_formula(in_channels, channels, up):
    net = UNet(in_channels=in_channels, channels=channels, up=up)
    assert count(net) == expected_count(in_channels, channels, up)


def test_the_net_of_the_tutorial_has_its_weights():
    assert count(UNet(**TUTORIAL)) == 7_781_761


@pytest.mark.parametrize("up", ["transposed", "bilinear"])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (8, 24), (9, 17), (5, 30), (31, 2)])
def test_logits_have_the_size_of_the_slices(height, width, up):
    net = small(up=up, deep_supervision=True)
    image = torch.randn(2, 1, height, width)
    assert net(image).shape == (2, 1, height, width)
    halves = [(-(-height // 2**level), -(-width // 2**level)) for level in range(2)]
    assert [tuple(part.shape[2:]) for part in net.train()(image)] == halves


def test_padding_does_not_move_the_picture():
    """What lies far from the padded edge is the same in a slice that needs none."""
    net = small(style=BlockStyle(norm="none"))
    image = torch.randn(1, 1, 64, 64)
    whole, cut = net(image), net(image[..., :62, :61])
    torch.testing.assert_close(whole[..., :32, :32], cut[..., :32, :32])


@pytest.mark.parametrize("part", ["skip", "raised"])
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("up", ["transposed", "bilinear"])
def test_each_level_uses_its_skip_and_what_comes_from_below(number, part, up):
    net, image = small(up=up, style=BlockStyle(norm="none")), torch.randn(1, 1, 16, 16)
    whole, above = net(image), (4, 8)[number]

    def without(module, inputs):
        joined = inputs[0].clone()
        joined[:, slice(above) if part == "skip" else slice(above, None)] = 0
        return (joined,)

    net.merge[number].register_forward_pre_hook(without)
    assert not torch.allclose(net(image), whole)


def test_a_skip_is_what_its_level_made_on_the_way_down():
    net, image = small(), torch.randn(1, 1, 16, 16)
    made, joined = [], []
    for convolve in net.down:
        convolve.register_forward_hook(lambda module, inputs, output: made.append(output))
    for merge in net.merge:
        merge.register_forward_pre_hook(lambda module, inputs: joined.insert(0, inputs[0]))
    net(image)
    for number, channels in enumerate((4, 8)):
        assert torch.equal(joined[number][:, :channels], made[number])


def test_an_untrained_net_gives_the_prior_where_it_knows_nothing():
    net = small(deep_supervision=True).train()
    for head in [net.head, *net.coarse_heads]:
        nn.init.zeros_(head.weight)
    for logits in net(torch.randn(1, 1, 16, 16)):
        torch.testing.assert_close(logits.sigmoid(), torch.full_like(logits, PRIOR))


def test_deep_supervision_teaches_the_lower_levels_and_does_not_change_the_answer():
    net, image = small(deep_supervision=True), torch.randn(1, 1, 16, 16)
    torch.testing.assert_close(net(image), net.train()(image)[0])
    net(image)[1].sum().backward()
    assert net.coarse_heads[0].weight.grad.abs().sum() > 0
    assert net.merge[1].get_parameter("0.weight").grad.abs().sum() > 0
    assert net.merge[0].get_parameter("0.weight").grad is None


def test_slices_of_a_batch_do_not_know_of_each_other():
    net, batch = small(), torch.randn(3, 1, 16, 16)
    torch.testing.assert_close(net(batch)[1:2], net(batch[1:2]))


@pytest.mark.parametrize(
    ("width", "depth", "expected"),
    [(32, 5, [32, 64, 128, 256, 512]), (200, 4, [200, 400, 512, 512]), (7, 1, [7])],
)
def test_channels_double_up_to_a_limit(width, depth, expected):
    assert channels_of(width, depth) == expected


@pytest.mark.parametrize(
    ("height", "width", "most"), [(256, 256, 8), (257, 300, 9), (512, 64, 6), (2, 2, 1), (1, 1, 1)]
)
def test_the_deepest_net_leaves_two_pixels_in_each_direction(height, width, most):
    assert max_depth(height, width) == most
    if most > 1:
        assert -(-min(height, width) // 2 ** (most - 1)) >= 2
        assert -(-min(height, width) // 2**most) < 2


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 40), (5, 5)])
def test_the_deepest_net_trains_on_such_slices(height, width):
    net = UNet(channels=[4] * max_depth(height, width)).train()
    net(torch.randn(1, 1, height, width)).mean().backward()
    assert net.down[-1].get_parameter("0.weight").grad is not None
