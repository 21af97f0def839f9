"""A mean over ranks weighs each value alike, not each rank."""

import torch

from lungseg.losses.over_ranks import mean, this_rank


def test_alone_it_is_the_mean():
    values = torch.tensor([1.0, 2.0, 6.0])
    assert mean(values.sum(), 3, reduce=this_rank) == 3


def test_ranks_weigh_by_how_many_values_they_have():
    others = torch.tensor([10.0, 1.0])  # one rank with the single value 10
    values = torch.tensor([1.0, 2.0, 3.0])
    assert mean(values.sum(), 3, reduce=lambda sums: sums + others) == 4
