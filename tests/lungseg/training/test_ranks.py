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

from lungseg.training.ranks import mean_over_ranks, sum_over_ranks
from lungseg.training.run import fit
from tests.toy_training import flags, options

STEPS = 20


def square_of_sum(scale, values):
    """A loss that no mean over ranks gives: the square of a sum over all values."""
    return sum_over_ranks((scale * values).sum()) ** 2


def one_of_two(rank, store, results):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    scale = torch.nn.Parameter(torch.tensor(2.0))
    net = torch.nn.Module()
    net.scale = scale
    net.forward = lambda values: square_of_sum(scale, values)
    model = torch.nn.parallel.DistributedDataParallel(net)
    loss = model(torch.tensor([1.0, 2.0, 3.0, 4.0])[rank::2])
    loss.backward()
    mean = mean_over_ranks(torch.tensor(float(rank)))
    torch.save([loss.detach(), scale.grad, mean], f"{results}/{rank}")
    dist.destroy_process_group()


def test_a_sum_over_ranks_has_the_loss_and_the_gradient_of_one_rank(tmp_path):
    scale = torch.nn.Parameter(torch.tensor(2.0))
    alone = square_of_sum(scale, torch.tensor([1.0, 2.0, 3.0, 4.0]))
    alone.backward()
    mp.start_processes(one_of_two, (tmp_path / "store", tmp_path), 2, start_method="fork")
    for rank in ("0", "1"):
        loss, gradient, mean = torch.load(tmp_path / rank)
        assert (loss, gradient, mean) == (alone, scale.grad, 0.5)


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
@pytest.mark.parametrize("loss", ["bce"])
def test_the_losses_of_two_devices_are_those_of_one(shards, tmp_path, loss):
    given = {"epochs": 4, "lr": 0.01, "loss": loss}
    fit(options(shards, tmp_path / "one", **given), callbacks=[Losses(tmp_path / "one.txt")])
    code = (
        "import sys; from pathlib import Path; from lungseg.options.fit import FitOptions;"
        "from lungseg.training.run import fit; from shards.console.command import parse;"
        "from tests.lungseg.training.test_ranks import Losses;"
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
