"""last.ckpt is written after each epoch, and inside one between two of its batches."""

import json
import types

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from pytorch_lightning.callbacks import Callback

from lungseg.training.callbacks.last_checkpoint import LastCheckpointInsideEpoch
from lungseg.training.run import fit
from tests.toy_training import OFTEN, options


class Written(Callback):
    """The step that last.ckpt holds at the start of each step."""

    def __init__(self, path):
        self._path, self.steps = path, []

    def on_train_batch_start(self, trainer, *_):
        trainer.strategy.checkpoint_io.settle()
        there = self._path.exists()
        content = torch.load(self._path, weights_only=True) if there else {"global_step": None}
        self.steps.append(content["global_step"])


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        ({}, [None] * 6 + [6] * 6),
        (OFTEN, [None, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ],
)
def test_it_is_as_old_as_its_minutes_at_most(shards, tmp_path, given, steps):
    written = Written(tmp_path / "last.ckpt")
    fit(options(shards, tmp_path, epochs=2, **given), callbacks=[written])
    assert written.steps == steps


def test_where_a_training_goes_on_folder_and_times_may_be_others(finished):
    callbacks = torch.load(finished / "last.ckpt", weights_only=True)["callbacks"]
    assert [state for name, state in callbacks.items() if name.startswith("LastCheckpoint")] == []


def one_of_two(rank, folder):
    """Ten steps of two epochs; by the other rank's clock it is always time."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    inside = LastCheckpointInsideEpoch(folder, minutes=[10, 1e-9][rank])
    saved = []
    trainer = types.SimpleNamespace(is_global_zero=rank == 0)
    trainer.save_checkpoint = lambda path: saved.append([path.name, trainer.step])
    inside.on_train_start(trainer, None)
    for step in range(10):
        trainer.step, trainer.is_last_batch = step, step in (4, 9)
        if rank == 0 and step in (1, 3):
            inside._since -= 600
        inside.on_train_batch_end(trainer, None, None, None, step)
    (folder / str(rank)).write_text(json.dumps(saved))
    dist.destroy_process_group()


def test_all_ranks_save_after_the_same_step_by_the_clock_of_the_first(tmp_path):
    """A step late, as they tell each other by the way; the last of an epoch is left out."""
    mp.start_processes(one_of_two, (tmp_path,), 2, start_method="fork")
    found = [json.loads((tmp_path / str(rank)).read_text()) for rank in range(2)]
    assert found == 2 * [[["last.ckpt", 2], ["last.ckpt", 6]]]
