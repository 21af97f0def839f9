"""A net compiled for its machine; a checkpoint is the same with it and without."""

import torch
from torch import nn

from lungseg.errors import TrainingError


def compile_net(net: nn.Module, device: torch.device) -> None:
    """Have a net compiled when it is first called. Copies of it are not.

    Args:
        net: The net of a training.
        device: Where it trains.

    Raises:
        TrainingError: If nothing can be compiled here.
    """
    _check_compiler(device)
    net.compile()


def _check_compiler(device: torch.device) -> None:
    """Compile a line: what that takes is different from machine to machine."""
    try:
        torch.compile(_line)(torch.zeros(8, device=device))
    except (RuntimeError, ImportError, OSError) as error:
        raise TrainingError(
            f"--compile finds no way to compile here ({str(error).strip().splitlines()[0]}): "
            "install a C++ compiler, as g++, or leave --compile out"
        ) from error


def _line(values: torch.Tensor) -> torch.Tensor:
    return values.sin() + 1
