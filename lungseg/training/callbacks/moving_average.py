"""The moving average of the weights, which is validated and kept."""

from pytorch_lightning.callbacks import WeightAveraging
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage(WeightAveraging):
    """Averages the weights exponentially after each step.

    A checkpoint holds the average as its weights, and those that a training goes on with apart.

    Args:
        decay: What of the average stays in each step.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]
