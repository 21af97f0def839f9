"""What a training costs, by arithmetic: memory and operations of a step, before one is taken."""

import copy
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from lungseg.errors import TrainingError

_COPIES_OF_WEIGHTS = 4  # themselves, their gradients and two moments
_BACK_AND_FORTH = 3  # a backward pass costs two forward ones
_FLOPS_OF_CORE = 2.5e10
"""What a core does of them in a second, roughly; it only tells hours from days."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one step costs one process.

    Attributes:
        num_bytes: Memory, that of the program itself left out.
        flops: Floating point operations.
    """

    num_bytes: int
    flops: int


def step_cost(net: nn.Module, shape: tuple[int, int, int, int], *, half: bool) -> Cost | None:
    """The cost of a step, from a pass without numbers.

    Args:
        net: The net.
        shape: Of a batch, (b, channels, h, w).
        half: Whether layers compute in 16 bits.

    Returns:
        The cost; None for a net that cannot run without numbers.
    """
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor  # noqa: SLF001 (no public name for it)
        return tensor

    try:
        empty = copy.deepcopy(net).to("meta")
        counter = FlopCounterMode(display=False)
        with counter, saved_tensors_hooks(keep, lambda tensor: tensor):
            result = empty(torch.empty(shape, device="meta"))
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        return None
    weights = {parameter.untyped_storage()._cdata for parameter in empty.parameters()}  # noqa: SLF001
    activations = sum(
        tensor.untyped_storage().nbytes() for name, tensor in kept.items() if name not in weights
    )
    num_weights = sum(parameter.numel() for parameter in net.parameters())
    del result
    return Cost(
        num_bytes=activations // (2 if half else 1) + 4 * _COPIES_OF_WEIGHTS * num_weights,
        flops=_BACK_AND_FORTH * counter.get_total_flops(),
    )


def check_memory(num_bytes: int, device: torch.device, *, num_processes: int) -> None:
    """Refuse a step that no memory of this machine holds.

    Args:
        num_bytes: Of a process.
        device: Where it runs.
        num_processes: How many run there.

    Raises:
        TrainingError: If there is not as much.
    """
    if device.type == "cuda":
        there, need = torch.cuda.get_device_properties(device).total_memory, num_bytes
    else:
        there, need = _memory_of_machine(), num_bytes * num_processes
    if need > there:
        raise TrainingError(
            f"a step needs about {need / 1e9:.3g} GB of memory, {device.type} has "
            f"{there / 1e9:.3g} GB: lower --batch-size (8 goes with --lr 0.003), --width or "
            "--depth, or raise --accumulate with --norm instance and --transplant 0"
        )


def seconds_on_processors(flops: int) -> float:
    """Roughly how long the cores that this process may use take for so many operations."""
    return flops / (_FLOPS_OF_CORE * len(os.sched_getaffinity(0)))


def _memory_of_machine() -> int:
    """Bytes of the machine, or of the container that this process is in."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = Path(path).read_text().strip() if Path(path).is_file() else ""
        total = min(total, int(text)) if text.isdigit() else total
    return total
