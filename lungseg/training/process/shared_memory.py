"""Batches from loader processes: by shared memory where there is room, else through pipes."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_map_only

FOLDER = Path("/dev/shm")


def has_room(num_bytes: int) -> bool:
    """Whether shared memory has room for so much; containers often have 64 MB of it.

    Without room torch's loader processes would stand still, or die on a bus error.
    """
    return not FOLDER.is_dir() or shutil.disk_usage(FOLDER).free > num_bytes


def for_a_pipe(batch: Any) -> Any:
    """A batch whose tensors are arrays, which torch sends through a pipe."""
    return tree_map_only(torch.Tensor, lambda tensor: tensor.numpy(), batch)


def from_a_pipe(batch: Any) -> Any:
    """The batch as it was."""
    return tree_map_only(np.ndarray, torch.from_numpy, batch)
