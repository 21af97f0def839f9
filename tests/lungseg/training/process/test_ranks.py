"""Two ranks with half of a batch each learn what one rank with all of it learns."""

import json
import os
import subprocess
import sys

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from pytorch_lightning.callbacks import Callback

from lungseg.losses.build import build_loss
from lungseg.options.loss import LOSSES, LossOptions
from lungseg.training.process.ranks import mean_over_ranks, sum_over_ranks
from lungseg.training.run import fit
from tests.toy_training import flags, options

STEPS = 20


def batch():
    """Four slices, of which the last two have no tumor."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(4, 1, 6, 5, generator=generator)
    masks = (torch.rand(4, 1, 6, 5, generator=generator) > 0.7).to(torch.uint8)
    masks[2:] = 0
    return images, masks


def learn(loss, wrap, *, rank=0, world_size=1):
    """Loss and gradient of a tiny net on a rank's slices."""
    torch.manual_seed(0)
    net = torch.nn.Conv2d(1, 1, 3, padding=1)
    model = wrap(net)
    images, masks = (whole[rank::world_size] for whole in batch())
    value = build_loss(LossOptions(loss=loss), reduce=sum_over_ranks)(model(images), masks)
    value.backward()
    return mean_over_ranks(value), net.weight.grad


def one_of_two(rank, store, results):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    wrap = torch.nn.parallel.DistributedDataParallel
    found = {loss: learn(loss, wrap, rank=rank, world_size=2) for loss in LOSSES}
    torch.save(found, results / str(rank))
    dist.destroy_process_group()


def test_every_loss_and_its_gradient_over_two_ranks_are_those_of_one(tmp_path):
    mp.start_processes(one_of_two, (tmp_path / "store", tmp_path), 2, start_method="fork")
    for rank in ("0", "1"):
        found = torch.load(tmp_path / rank)
        for name in LOSSES:
            value, gradient = learn(name, lambda net: net)
            assert torch.allclose(found[name][0], value, rtol=1e-5), name
            assert torch.allclose(found[name][1], gradient, rtol=1e-4, atol=1e-7), name


def test_one_rank_alone_sums_nothing():
    values = torch.tensor([1.0, 2.0])
    assert sum_over_ranks(values) is values
    assert torch.equal(mean_over_ranks(values), values)


class Losses(Callback):
    """Writes the logged loss of each step."""

    def __init__(self, path):
        self._path = path

    def on_train_batch_end(self, trainer, *_):
        if trainer.is_global_zero:
            with self._path.open("a") as file:
                file.write(f"{float(trainer.callback_metrics['train/loss'])!r}\n")


def losses(path):
    return [float(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["bce_dice"])
def test_the_losses_of_two_devices_are_those_of_one(shards, tmp_path, loss):
    given = {"epochs": 4, "lr": 0.01, "loss": loss}
    fit(options(shards, tmp_path / "one", **given), callbacks=[Losses(tmp_path / "one.txt")])
    code = (
        "import sys; from pathlib import Path; from lungseg.options.fit import FitOptions;"
        "from lungseg.training.run import fit; from shards.console.command import parse;"
        "from tests.lungseg.training.process.test_ranks import Losses;"
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
    one, two = losses(tmp_path / "one.txt"), losses(tmp_path / "two.txt")
    assert len(one) == len(two) > STEPS
    assert two == pytest.approx(one, rel=2e-4)
