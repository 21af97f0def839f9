"""How many steps a training takes, and what each does to the weights."""

import dataclasses

from lungseg.options.limits import above_zero, at_least


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepOptions:
    """How many steps there are, and what each does."""

    epochs: int = 30
    """Epochs; one draws as many slices as the training cases have."""
    batch_size: int = 32
    """Slices per step, over all devices together."""
    lr: float = 1e-3
    """Highest learning rate of AdamW; it warms up over 5 % of the steps, then falls as a cosine."""
    seed: int = 0
    """Seed of weights, order and augmentation."""

    def __post_init__(self) -> None:
        at_least(self, 1, "epochs", "batch_size")
        at_least(self, 0, "seed")
        above_zero(self, "lr")
