"""A loss that is no number ends a training at that step, with the slices of its batch named."""

import json

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from lungseg.errors import TrainingError
from lungseg.training.run import fit
from tests.toy_training import OFTEN, options


class Spoil(Callback):
    """Makes the weights no numbers before a step, and notes the slices of the batch."""

    def __init__(self, step):
        self._step = step

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.global_step == self._step:
            self.rows = batch["rows"].tolist()
            with torch.no_grad():
                pl_module.net.get_parameter("head.bias").fill_(float("nan"))


@pytest.mark.parametrize("step", [3, 5])
def test_a_loss_that_is_no_number_ends_the_training_there(shards, tmp_path, step):
    """Also at the last step of an epoch; the checkpoint of before is kept."""
    spoil = Spoil(step)
    told = r"no number any more in epoch 1: .*lost-batch\.json names .*lower --lr \(it was 0\.001\)"
    with pytest.raises(TrainingError, match=told):
        fit(options(shards, tmp_path, epochs=2, **OFTEN), callbacks=[spoil])
    lost = json.loads((tmp_path / "lost-batch.json").read_text())
    assert (lost["step"], lost["epoch"], lost["loss"]) == (step + 1, 1, "nan")
    assert lost["slices"] == [f"lung_{row // 13:03d}-{row % 13:04d}" for row in spoil.rows]
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in kept["state_dict"].values())
    assert kept["global_step"] == step
