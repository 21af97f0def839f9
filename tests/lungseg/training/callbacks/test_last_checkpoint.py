"""last.ckpt is written after each epoch, and inside one between two of its batches."""

import pytest
import torch
from pytorch_lightning.callbacks import Callback

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
