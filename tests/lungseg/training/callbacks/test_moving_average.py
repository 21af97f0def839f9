"""The weights of a checkpoint are the moving average, by its recursion."""

import torch
from pytorch_lightning.callbacks import Callback

from lungseg.training.run import fit
from tests.toy_training import options, weights

DECAY = 0.7


class Average(Callback):
    """Averages a weight, and a mean of batch normalization, by the definition."""

    def __init__(self):
        self.values = {}

    def on_train_batch_end(self, trainer, pl_module, *_):
        state = pl_module.state_dict()
        for name in ("net.head.weight", "net.down.0.1.running_mean"):
            now = state[name].clone()
            self.values[name] = DECAY * self.values.get(name, now) + (1 - DECAY) * now


def test_what_is_kept_is_the_average_and_what_goes_on_is_not(shards, tmp_path):
    average = Average()
    fit(options(shards, tmp_path, epochs=2, ema=DECAY, lr=0.01), callbacks=[average])
    kept = weights(tmp_path / "last.ckpt")
    going_on = torch.load(tmp_path / "last.ckpt", weights_only=True)["current_model_state"]
    for name, value in average.values.items():
        torch.testing.assert_close(kept[name], value, rtol=0, atol=1e-6)
        assert not torch.equal(going_on[name], kept[name])
