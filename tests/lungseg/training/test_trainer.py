"""The trainer is what the options say, and looks at nothing else."""

import pytest
import torch

from lungseg.errors import TrainingError
from lungseg.training.checkpoint_io import WholeCheckpoints
from lungseg.training.process.world import world_of
from lungseg.training.trainer import build_trainer
from tests.toy_training import options


def trainer(tmp_path, **given):
    told = options("x", tmp_path, **given)
    world = world_of(told.run)
    return build_trainer(told, [], loggers=[], world=world, checkpoint_io=WholeCheckpoints())


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"clip": 0.25}, "gradient_clip_val", 0.25),
        ({"clip": None}, "gradient_clip_val", None),
        ({"epochs": 7}, "max_epochs", 7),
        ({"precision": "bf16"}, "precision", "bf16-mixed"),
        ({"fold": "none"}, "limit_val_batches", 0),
        ({"devices": 2, "batch_size": 8}, "world_size", 2),
    ],
)
def test_it_is_what_the_options_say(tmp_path, given, name, value):
    assert getattr(trainer(tmp_path, **given), name) == value


def test_a_batch_that_devices_cannot_share_is_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"--batch-size .* got 1 for 2 devices"):
        trainer(tmp_path, batch_size=1, devices=2)


def test_the_checkpoints_are_written_by_ours(tmp_path):
    assert isinstance(trainer(tmp_path).strategy.checkpoint_io, WholeCheckpoints)


def test_ranks_exchange_nothing_of_lightning_s_in_a_step(tmp_path, monkeypatch):
    """It would ask the GPU of each for a signal, and wait."""
    asked = []
    monkeypatch.setattr(torch.distributed, "broadcast", lambda *_, **__: asked.append(1))
    loop = trainer(tmp_path, devices=2).fit_loop.epoch_loop
    loop._broadcast_sigterm_tensor()
    assert asked == []
    type(loop)._broadcast_sigterm_tensor(loop)
    assert asked == [1]
