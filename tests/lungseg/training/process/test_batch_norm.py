"""Batch normalization of ranks with a share of a batch each is that of one rank with all of it."""

import contextlib

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from lungseg.errors import TrainingError
from lungseg.training.process.batch_norm import BatchNormOverRanks, over_ranks
from lungseg.training.process.ranks import sum_over_ranks

PIXELS = (0, 2, 3)
KINDS = {"plain": {}, "no weights": {"affine": False}, "all steps alike": {"momentum": None}}


def tiny_net(**given):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3, **given)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.Sequential(norm, nn.ReLU()), nn.Conv2d(3, 1, 3))


def learn(net, model, *, rank=0, world_size=1):
    """What ten steps leave: outputs' sums, weights, running means."""
    optimizer, sums = torch.optim.SGD(net.parameters(), 0.1), []
    for step in range(10):
        generator = torch.Generator().manual_seed(step)
        images = 5 + torch.randn(7, 1, 8, 9, generator=generator)
        optimizer.zero_grad()
        loss = sum_over_ranks(model(images[rank::world_size]).square().sum()) / 100
        loss.backward()
        optimizer.step()
        sums.append(loss.detach())
    return torch.stack(sums), net.state_dict()


def each(values):
    """(c,) -> (c, 1, 1)."""
    return values[:, None, None]


def stats(x, eps):
    return x.mean(PIXELS), (x.var(PIXELS, correction=0) + eps).rsqrt()


def gather_stats(x, means, scales, running_mean, running_var, share, eps, counts):
    total, weights = counts.sum(), (counts / counts.sum())[:, None]
    mean = (weights * means).sum(0)
    var = (weights * (scales**-2 - eps + (means - mean) ** 2)).sum(0)
    if running_mean is not None:
        running_mean.lerp_(mean, share)
        running_var.lerp_(var * total / (total - 1), share)
    return mean, (var + eps).rsqrt()


def elemt(x, weight, bias, mean, scale, eps):
    unit = (x - each(mean)) * each(scale)
    return unit if weight is None else unit * each(weight) + each(bias)


def backward_reduce(g, x, mean, scale, weight, *_):
    sums = g.sum(PIXELS), (g * (x - each(mean))).sum(PIXELS)
    return *sums, sums[1] * scale, sums[0].clone()


def backward_elemt(g, x, mean, scale, weight, sum_g, sum_gx, counts):
    rest = (x - each(mean)) * each(scale**2 * sum_gx / counts.sum())
    g = (g - each(sum_g / counts.sum()) - rest) * each(scale)
    return g if weight is None else g * each(weight)


@contextlib.contextmanager
def kernels_of_gpus():
    """What torch has for GPUs alone, by its definition, and used here."""
    library = torch.library.Library("aten", "IMPL")
    for name, made in {
        "stats": stats,
        "gather_stats_with_counts": gather_stats,
        "elemt": elemt,
        "backward_reduce": backward_reduce,
        "backward_elemt": backward_elemt,
    }.items():
        library.impl(f"batch_norm_{name}", made, "CPU")
    before = BatchNormOverRanks._over_ranks
    BatchNormOverRanks._over_ranks = BatchNormOverRanks._on_gpus
    yield
    BatchNormOverRanks._over_ranks = before
    library._destroy()


def one_of_several(rank, store, results, world_size, kernels):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=world_size)
    with kernels():
        learn_all(rank, results, world_size)
    dist.destroy_process_group()


def learn_all(rank, results, world_size):
    for name, given in KINDS.items():
        net = over_ranks(tiny_net(**given))
        model = nn.parallel.DistributedDataParallel(net)
        found = learn(net, model, rank=rank, world_size=world_size)
        torch.save(found, results / f"{name}-{rank}")


@pytest.mark.parametrize("kernels", [contextlib.nullcontext, kernels_of_gpus])
def test_ranks_learn_and_remember_what_one_does(tmp_path, kernels):
    """Of batches of 7, of which one rank has 3, the others 2 slices."""
    given = (tmp_path / "store", tmp_path, 3, kernels)
    mp.start_processes(one_of_several, given, 3, start_method="fork")
    for name, given in KINDS.items():
        net = tiny_net(**given)
        sums, state = learn(net, net)
        for rank in range(3):
            found_sums, found_state = torch.load(tmp_path / f"{name}-{rank}")
            torch.testing.assert_close(found_sums, sums, rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(found_state, state, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("net", [nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm2d(3))])
def test_a_single_value_of_a_channel_is_refused_in_training_alone(net):
    net, one = over_ranks(net), torch.zeros(1, 3, 1, 1)
    with pytest.raises(TrainingError, match="raise --batch-size, or give another --norm"):
        net(one)
    assert net.eval()(one).shape == one.shape


def test_alone_and_in_validation_it_is_torchs_own():
    images = torch.randn(4, 1, 8, 9)
    for training in (True, False):
        expected, found = tiny_net().train(training), over_ranks(tiny_net()).train(training)
        assert torch.equal(found(images), expected(images))
    assert [type(part) for part in found[1]] == [BatchNormOverRanks, nn.ReLU]
