"""Ranks with a share of a batch each, equal or not, learn what one rank with all of it learns."""

import json
import os
import subprocess
import sys

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from lungseg.losses.build import build_loss
from lungseg.options.loss import LOSSES, LossOptions
from lungseg.training.process.ranks import mean_over_ranks, sum_over_ranks
from lungseg.training.run import fit
from tests.toy_training import Losses, flags, losses_of_steps, options

STEPS = 20


def batch(step, size):
    """Slices of which the last three have no tumor."""
    generator = torch.Generator().manual_seed(step)
    images = torch.randn(size, 1, 6, 5, generator=generator)
    masks = (torch.rand(size, 1, 6, 5, generator=generator) > 0.7).to(torch.uint8)
    masks[-3:] = 0
    return images, masks


def learn(loss, wrap, *, size, rank=0, world_size=1):
    """Losses and gradients of a tiny net at each step, on a rank's slices."""
    torch.manual_seed(0)
    net = torch.nn.Conv2d(1, 1, 3, padding=1)
    model, of_steps = wrap(net), []
    optimizer = torch.optim.SGD(net.parameters(), 0.5)
    evaluate = build_loss(LossOptions(loss=loss), reduce=sum_over_ranks)
    for step in range(STEPS):
        images, masks = (whole[rank::world_size] for whole in batch(step, size))
        optimizer.zero_grad()
        value = evaluate(model(images), masks)
        value.backward()
        of_steps.append(torch.cat([value.detach().reshape(1), net.weight.grad.flatten()]))
        optimizer.step()
    return torch.stack(of_steps)


def one_of_several(rank, store, results, world_size, size):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=world_size)
    wrap, where = torch.nn.parallel.DistributedDataParallel, {"rank": rank}
    where |= {"world_size": world_size, "size": size}
    torch.save({loss: learn(loss, wrap, **where) for loss in LOSSES}, results / str(rank))
    dist.destroy_process_group()


@pytest.mark.parametrize(("world_size", "size"), [(2, 4), (2, 7), (3, 8)])
def test_every_loss_and_its_gradient_over_ranks_are_those_of_one(tmp_path, world_size, size):
    """In each of 20 steps, whether or not the ranks have equally many slices."""
    given = (tmp_path / "store", tmp_path, world_size, size)
    mp.start_processes(one_of_several, given, world_size, start_method="fork")
    expected = {name: learn(name, lambda net: net, size=size) for name in LOSSES}
    for rank in range(world_size):
        found = torch.load(tmp_path / str(rank))
        for name in LOSSES:
            torch.testing.assert_close(
                *(found[name], expected[name]), rtol=1e-4, atol=1e-6, msg=name
            )


def test_one_rank_alone_sums_nothing():
    values = torch.tensor([1.0, 2.0])
    assert sum_over_ranks(values) is values
    assert torch.equal(mean_over_ranks(values), values)


@pytest.mark.slow
def test_the_losses_of_two_devices_are_those_of_one(shards, tmp_path):
    """Of batches of 7, of which one device has 4 and the other 3, normalized over both."""
    given = {"epochs": 4, "batch_size": 7, "lr": 0.01, "norm": "batch"}
    fit(options(shards, tmp_path / "one", **given), callbacks=[Losses(tmp_path / "one.txt")])
    code = (
        "import sys; from pathlib import Path; from lungseg.options.fit import FitOptions;"
        "from lungseg.training.run import fit; from shards.console.command import parse;"
        "from tests.toy_training import Losses;"
        f"fit(parse(FitOptions, sys.argv[1:], prog='', description=''),"
        f" callbacks=[Losses(Path({json.dumps(str(tmp_path / 'two.txt'))}))])"
    )
    (tmp_path / "run.py").write_text(code)
    words = flags(shards, tmp_path / "two", devices=2, **given)
    done = subprocess.run(
        [sys.executable, tmp_path / "run.py", *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    one, two = losses_of_steps(tmp_path / "one.txt"), losses_of_steps(tmp_path / "two.txt")
    assert len(one) > STEPS
    assert two == pytest.approx(one, rel=1e-5)
