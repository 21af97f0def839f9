"""Options of a step -> the optimizer and its learning rate at each step."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from lungseg.options.step import StepOptions
from lungseg.training.schedule import factor


def build_optimizer(
    parameters: Iterable[nn.Parameter], options: StepOptions, *, fused: bool = False
) -> torch.optim.Optimizer:
    """The optimizer at its highest learning rate.

    Args:
        parameters: What it changes.
        options: Which one, and how.
        fused: Whether all weights are changed by few kernels; they must be, and their gradients,
            in the same order of memory as what the optimizer keeps: see `keep_order`.
    """
    lr, decay = options.lr, options.weight_decay
    match options.optimizer:
        case "adamw":
            return torch.optim.AdamW(parameters, lr, weight_decay=decay, fused=fused)
        case "adam":
            return torch.optim.Adam(parameters, lr, weight_decay=decay, fused=fused)
    momentum = options.momentum
    return torch.optim.SGD(parameters, lr, momentum, weight_decay=decay, nesterov=True, fused=fused)


def keep_order(optimizer: torch.optim.Optimizer) -> None:
    """Bring what an optimizer keeps of each weight into the weight's order of memory.

    A checkpoint may come from a training with another order.
    """
    for weight, kept in optimizer.state.items():
        for name, value in kept.items():
            if isinstance(value, torch.Tensor) and value.shape == weight.shape:
                kept[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


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
