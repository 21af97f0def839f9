"""The cost of a step is its arithmetic: operations, what is kept of them, and the weights."""

import pytest
import torch
from torch import nn

from lungseg.errors import TrainingError
from lungseg.training.machine.cost import check_memory, seconds_on_processors, step_cost
from lungseg.training.run import fit
from tests.toy_training import options

SHAPE = (4, 3, 32, 32)


def test_a_convolution_costs_what_its_formula_says():
    cost = step_cost(nn.Conv2d(3, 8, 3, padding=1, bias=False), SHAPE, half=False)
    weights = 8 * 3 * 9
    assert cost.flops == 3 * 2 * weights * 4 * 32 * 32
    assert cost.num_bytes == 4 * (4 * weights) + 4 * 4 * 3 * 32 * 32  # and its input


def test_what_is_kept_grows_with_the_batch_and_halves_with_the_bits():
    def activations(batch, *, half=False):
        net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.LeakyReLU(), nn.Conv2d(8, 1, 1))
        weights = 16 * sum(weight.numel() for weight in net.parameters())
        return step_cost(net, (batch, *SHAPE[1:]), half=half).num_bytes - weights

    assert activations(8) == 2 * activations(4)
    assert activations(4, half=True) == activations(4) // 2


class NeedsNumbers(nn.Module):
    def forward(self, image):
        return image if image.sum().item() > 0 else -image


def test_a_net_that_needs_numbers_has_no_known_cost():
    assert step_cost(NeedsNumbers(), SHAPE, half=False) is None


def test_a_step_that_no_memory_holds_is_refused_before_it_is_taken(shards, tmp_path):
    with pytest.raises(TrainingError, match=r"a step needs about .* GB of memory, cpu has"):
        fit(options(shards, tmp_path / "run", width=512, depth=4, batch_size=65536))
    assert not (tmp_path / "run").exists()


def test_processes_of_one_machine_share_its_memory():
    half = torch.zeros(()).device
    with pytest.raises(TrainingError):
        check_memory(2**45, half, num_processes=2**5)
    check_memory(1000, half, num_processes=2)


def test_twice_the_work_takes_twice_the_time():
    assert seconds_on_processors(2 * 10**12) == 2 * seconds_on_processors(10**12) > 0
