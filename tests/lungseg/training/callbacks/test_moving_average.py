"""The weights of a checkpoint are the moving average, by its recursion."""

import torch
from pytorch_lightning.callbacks import Callback

from lungseg.training.run import fit
from tests.toy_training import options, weights

DECAY = 0.7


class Average(Callback):
    """Averages one weight by the definition."""

    value = None

    def on_train_batch_end(self, trainer, pl_module, *_):
        now = pl_module.net.get_parameter("head.weight").detach().clone()
        self.value = now if self.value is None else DECAY * self.value + (1 - DECAY) * now


def test_what_is_kept_is_the_average_and_what_goes_on_is_not(shards, tmp_path):
    average = Average()
    fit(options(shards, tmp_path, epochs=2, ema=DECAY, lr=0.01), callbacks=[average])
    kept = weights(tmp_path / "last.ckpt")["net.head.weight"]
    assert torch.allclose(kept, average.value, atol=1e-6)
    content = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert not torch.equal(content["current_model_state"]["net.head.weight"], kept)
