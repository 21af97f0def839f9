"""What a trial trains with is the search's options, its own values and what it may use."""

import pytest

from cluster.gang import Shape
from cluster.resources import Resources
from lungseg.errors import TrainingError
from lungseg.training.run import fit
from tests.toy_shards import make_shards
from tune.options.config import SearchOptions
from tune.options.settings import fit_options

VALUES = {"loss": "dice", "lr": 0.002, "oversample": 4.0}


def options(tmp_path, rank, *, ranks=1, **given):
    search = SearchOptions.of(shards=str(tmp_path), out=tmp_path, **given)
    shape = Shape(nodes=1, per_node=ranks, rank=rank)
    return fit_options(search, VALUES, out=tmp_path / "attempt", shape=shape, resume=False)


def test_a_trial_has_its_values_and_an_even_share(tmp_path):
    made = options(tmp_path, Resources(cpus=4), width=8)
    assert (made.loss.loss, made.step.lr, made.draw.oversample) == ("dice", 0.002, 4.0)
    assert (made.run.devices, made.data.num_workers, made.net.width) == (1, 3, 8)
    assert made.machine.accelerator == "cpu"


def test_each_rank_of_a_trial_reads_with_its_own_processors(tmp_path):
    made = options(tmp_path, Resources(cpus=3, gpus=1.0), ranks=4)
    assert (made.run.devices, made.data.num_workers, made.machine.accelerator) == (4, 2, "gpu")


def test_a_trial_that_was_given_a_gpu_never_trains_on_the_processor(tmp_path):
    torch = pytest.importorskip("torch")
    made = options(make_shards(tmp_path), Resources(cpus=1, gpus=0.5), num_workers=0)
    assert made.machine.accelerator == "gpu"
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="--accelerator gpu"):
            fit(made)
