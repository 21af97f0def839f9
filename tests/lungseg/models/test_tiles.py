"""In squares a net sees all of a slice, each part as it was trained on such."""

import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lungseg.models.tiles import OVERLAP, Tiles, starts, tiled


class LessMean(nn.Module):
    """As normalizations do, it asks for the mean of all that it sees."""

    def forward(self, image):
        return image[:, :1] - image.mean(dim=(1, 2, 3), keepdim=True)


@given(st.integers(1, 300), st.integers(0, 500))
def test_squares_cover_an_edge_evenly_and_overlap(size, more):
    edge = size + more
    begins = starts(edge, size)
    assert (begins[0], begins[-1]) == (0, edge - size)
    steps = [after - before for before, after in itertools.pairwise(begins)]
    assert all(1 <= step <= max(1, round(size * (1 - OVERLAP))) for step in steps)
    assert max(steps, default=0) - min(steps, default=0) <= 1


def test_only_nets_that_look_around_see_squares_and_only_where_they_learned_on_such():
    for norm in (nn.InstanceNorm2d(1), nn.GroupNorm(1, 1)):
        net = nn.Sequential(nn.Conv2d(1, 1, 1), norm)
        assert tiled(net, None) is net
        assert isinstance(tiled(net, 8), Tiles)
    for norm in (nn.BatchNorm2d(1), nn.Identity()):
        net = nn.Sequential(nn.Conv2d(1, 1, 1), norm)
        assert tiled(net, 8) is net


@given(st.integers(8, 24), st.integers(8, 24))
def test_what_decides_pixel_by_pixel_is_the_same_in_squares(height, width):
    net = nn.Conv2d(3, 1, kernel_size=1)
    image = torch.rand(2, 3, height, width)
    with torch.no_grad():
        torch.testing.assert_close(Tiles(net, 8)(image), net(image))


def test_a_square_is_seen_by_itself_and_where_two_overlap_their_mean_counts():
    image = torch.rand(2, 3, 8, 14)
    left, right = LessMean()(image[..., :8]), LessMean()(image[..., 6:])
    found = Tiles(LessMean(), 8)(image)
    torch.testing.assert_close(found[..., :6], left[..., :6])
    torch.testing.assert_close(found[..., 8:], right[..., 2:])
    torch.testing.assert_close(found[..., 6:8], (left[..., 6:] + right[..., :2]) / 2)
    torch.testing.assert_close(Tiles(LessMean(), 8)(image[..., :8]), left)
