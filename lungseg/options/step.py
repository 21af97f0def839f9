"""How many steps a training takes, and what each does to the weights."""

import dataclasses
from typing import Literal

from lungseg.options.limits import above_zero, at_least, below_one

Optimizer = Literal["adamw", "adam", "sgd"]
Schedule = Literal["cosine", "poly", "constant", "one_cycle"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepOptions:
    """How many steps there are, and what each does."""

    epochs: int = 30
    """Epochs; one draws as many slices as the training cases have."""
    batch_size: int = 32
    """Slices per step, over all devices together."""
    lr: float = 1e-3
    """Highest learning rate; --schedule says when."""
    schedule: Schedule = "cosine"
    """How the learning rate falls after --warm-up: cosine and poly to 0 at the last of --epochs,
    constant not at all; one_cycle rises over 30 % of the steps and falls as a cosine."""
    warm_up: float = 0.05
    """Share of all steps over which the learning rate rises; one_cycle has its own."""
    optimizer: Optimizer = "adamw"
    """adamw, adam or sgd (Nesterov)."""
    momentum: float = 0.99
    """Momentum of sgd."""
    weight_decay: float = 1e-4
    """Weight decay of the optimizer."""
    clip: float | None = 1.0
    """Largest norm of the gradient, to which larger ones are shortened; None: any."""
    seed: int = 0
    """Seed of weights, order and augmentation."""

    def __post_init__(self) -> None:
        at_least(self, 1, "epochs", "batch_size")
        at_least(self, 0, "seed", "weight_decay")
        above_zero(self, "lr", "clip")
        below_one(self, "warm_up", "momentum")
