"""How many steps a training takes, and what each does to the weights."""

import dataclasses
from typing import Annotated, Literal

from shards.console.limits import SEED, Limited, Limits

Optimizer = Literal["adamw", "adam", "sgd"]
Schedule = Literal["cosine", "poly", "constant", "one_cycle"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepOptions(Limited):
    """How many steps there are, and what each does."""

    epochs: Annotated[int, Limits(least=1, most=1_000_000)] = 30
    """Epochs; one draws as many slices as the training cases have. A training that goes on may be
    given more: its learning rate then follows the --schedule of all of them."""
    batch_size: Annotated[int, Limits(least=1, most=65536)] = 32
    """Slices per step, over all devices together; any number that has one for each of them."""
    lr: Annotated[float, Limits(above=0, most=1000)] = 1e-3
    """Highest learning rate; --schedule says when."""
    schedule: Schedule = "cosine"
    """How the learning rate falls after --warm-up: cosine and poly to 0 at the last of --epochs,
    constant not at all; one_cycle rises over 30 % of the steps and falls as a cosine."""
    warm_up: Annotated[float, Limits(least=0, below=1)] = 0.05
    """Share of all steps over which the learning rate rises; one_cycle has its own."""
    optimizer: Optimizer = "adamw"
    """adamw, adam or sgd (Nesterov)."""
    momentum: Annotated[float, Limits(least=0, below=1)] = 0.99
    """Momentum of sgd."""
    weight_decay: Annotated[float, Limits(least=0, most=1000)] = 1e-4
    """Weight decay of the optimizer."""
    clip: Annotated[float | None, Limits(above=0, most=1_000_000)] = 1.0
    """Largest norm of the gradient, to which larger ones are shortened; None: any."""
    ema: Annotated[float | None, Limits(above=0, below=1)] = None
    """Validate and keep the moving average of the weights, with this decay, as 0.999."""
    seed: Annotated[int, SEED] = 0
    """Seed of weights, order and augmentation."""
