"""The loss of an epoch is the mean of its steps, also over a break."""

import types

import pytest
import torch

from lungseg.training.callbacks import epoch_loss
from lungseg.training.callbacks.epoch_loss import EpochLoss


class Log:
    def log(self, name, value):
        self.found = (name, float(value))


def feed(callback, losses):
    for loss in losses:
        callback.on_train_batch_end(None, None, {"loss": torch.tensor(loss)}, None, 0)


def mean(callback):
    log = Log()
    callback.on_train_epoch_end(types.SimpleNamespace(), log)
    assert log.found[0] == "train/loss_epoch"
    return log.found[1]


@pytest.mark.parametrize("cut", range(5))
def test_the_mean_is_that_of_all_steps_wherever_it_was_cut(cut):
    losses = [0.5, 3.0, 1.25, 7.0]
    first, second = EpochLoss(), EpochLoss()
    feed(first, losses[:cut])
    second.load_state_dict(first.state_dict())
    feed(second, losses[cut:])
    assert mean(second) == pytest.approx(sum(losses) / 4)


def test_each_epoch_begins_anew():
    callback = EpochLoss()
    for losses in ([1.0, 2.0], [10.0]):
        feed(callback, losses)
        assert mean(callback) == pytest.approx(sum(losses) / len(losses))


def test_what_ranks_exchange_lies_on_their_device_whenever_a_checkpoint_is_written(monkeypatch):
    """GPUs exchange nothing that lies on the processor, as a sum did that began anew."""
    exchanged = []

    def over_ranks(values):
        exchanged.append(values.device.type)
        return torch.zeros(())

    monkeypatch.setattr(epoch_loss, "mean_over_ranks", over_ranks)
    callback = EpochLoss()
    callback.load_state_dict({"sum": 1.5, "num_batches": 2})
    callback.on_train_start(None, types.SimpleNamespace(device=torch.device("meta")))
    callback.state_dict()
    callback.on_train_batch_end(None, None, {"loss": torch.zeros((), device="meta")}, None, 0)
    mean(callback)
    callback.state_dict()
    assert exchanged == ["meta"] * 3
