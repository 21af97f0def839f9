"""Slices scored side by side have the bits of slices scored one by one, on any threads."""

import pytest
import torch
from torch import nn

from lungseg.models.unet import UNet
from lungseg.training.side_by_side import SideBySide


@pytest.fixture
def threads():
    """Sets the number of torch's threads, until the test is over."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def one_by_one(net, images):
    with torch.inference_mode():
        return torch.cat([net(image) for image in images.split(1)])


@pytest.mark.parametrize("num_threads", [1, 2, 3])
def test_the_bits_are_those_of_one_slice_after_another_on_one_thread(threads, num_threads):
    torch.manual_seed(0)
    net, images = UNet(channels=(12, 24, 48)).eval(), torch.randn(7, 1, 40, 48)
    threads(1)
    expected = one_by_one(net, images)
    threads(num_threads)
    with SideBySide(net) as side_by_side:
        assert torch.get_num_threads() == 1
        assert torch.equal(side_by_side(images), expected)
        pieces = [side_by_side(piece) for piece in images.split(3)]
        assert torch.equal(torch.cat(pieces), expected)
    assert torch.get_num_threads() == num_threads


class Remembers(nn.Module):
    """Keeps its input from one layer for another, as nets with skips may."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, image):
        self.kept = image
        for _ in range(200):
            image = (image + 1).sqrt()
        return self.scale * self.kept


def test_a_net_that_keeps_a_slice_for_later_mixes_none_up_and_its_weights_are_shared(threads):
    threads(4)
    net, images = Remembers(), torch.randn(64, 1, 8, 8).abs()
    with SideBySide(net) as side_by_side:
        assert torch.equal(side_by_side(images), 2 * images)
        net.scale.data.fill_(3.0)  # as averaged weights are swapped in
        assert torch.equal(side_by_side(images), 3 * images)


def test_logits_have_32_bits_whatever_training_computes_in(threads):
    threads(2)
    net, images = nn.Conv2d(1, 1, 3, padding=1), torch.randn(5, 1, 16, 16)
    with SideBySide(net) as side_by_side:
        assert side_by_side(images).dtype == torch.float32
        with torch.autocast("cpu", torch.bfloat16):
            found = side_by_side(images)
    assert found.dtype == torch.float32
    assert torch.equal(found, one_by_one(net, images))


def test_an_error_of_the_net_is_the_callers_and_the_threads_come_back(threads):
    threads(2)
    with pytest.raises(RuntimeError), SideBySide(nn.Conv2d(3, 1, 1)) as side_by_side:
        side_by_side(torch.zeros(4, 1, 8, 8))
    assert torch.get_num_threads() == 2
