"""Options of a step -> the optimizer and its learning rate at each step."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from lungseg.options.step import StepOptions
from lungseg.training.schedule import factor


def build_optimizer(
    parameters: Iterable[nn.Parameter], options: StepOptions
) -> torch.optim.Optimizer:
    """The optimizer at its highest learning rate.

    Args:
        parameters: What it changes.
        options: Which one, and how.
    """
    lr, decay = options.lr, options.weight_decay
    match options.optimizer:
        case "adamw":
            return torch.optim.AdamW(parameters, lr, weight_decay=decay)
        case "adam":
            return torch.optim.Adam(parameters, lr, weight_decay=decay)
    momentum = options.momentum
    return torch.optim.SGD(parameters, lr, momentum, weight_decay=decay, nesterov=True)


def build_schedule(
    optimizer: torch.optim.Optimizer, options: StepOptions, *, num_steps: int
) -> LambdaLR:
    """The learning rate at each step.

    Args:
        optimizer: At its highest learning rate.
        options: Which schedule.
        num_steps: Steps of the whole training.
    """
    return LambdaLR(
        optimizer,
        lambda step: factor(
            step, kind=options.schedule, num_steps=num_steps, warm_up=options.warm_up
        ),
    )
