"""What the first rank has, for all ranks: of what each looks at itself, another may see less."""

from typing import TypeVar

import torch.distributed as dist
from lightning_fabric.utilities.rank_zero import rank_zero_only

Value = TypeVar("Value")


def is_first_rank() -> bool:
    """Whether this is the first of the processes that train together, as Lightning sees it."""
    return not getattr(rank_zero_only, "rank", 0)


def of_first_rank(value: Value) -> Value:
    """What rank 0 has, on every rank; each must call it.

    It goes by way of the processors, and needs no device.

    Args:
        value: Of this rank; something picklable.

    Returns:
        That of rank 0; on one rank the value itself.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return value
    held = [value]
    dist.broadcast_object_list(held, src=0, group=dist.new_group(backend="gloo"))
    return held[0]
