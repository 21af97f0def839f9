"""Memory for batches, used again as soon as nobody holds the batch that was in it."""

import sys
import threading
from typing import Any

import numpy.typing as npt
import torch
from torch.utils.data import get_worker_info

_MAX_KEPT = 16


class Buffers:
    """Hands out uninitialized tensors for batches.

    Fresh memory costs page faults, more than filling it, so a ring of buffers is kept. A buffer is
    handed out again only when no tensor, array or view of it is left anywhere, so a batch never
    changes while somebody uses it, however far readers run ahead. Where there is a GPU, memory is
    page-locked and torch keeps the ring: it also waits for copies to the device that are under way.

    It may be used by several threads; a process that gets a copy starts with no buffers.
    """

    def __init__(self) -> None:
        self._kept: list[npt.NDArray[Any]] = []
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["Buffers"], tuple[()]]:
        return Buffers, ()

    def take(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """A tensor of any content that nobody else holds.

        Args:
            shape: Its shape; memory that was kept for more rows (the first axis) serves too.
            dtype: Its type.

        Returns:
            The tensor, in main memory.
        """
        if is_pinned():
            return torch.empty(shape, dtype=dtype, pin_memory=True)
        with self._lock:
            return self._free(shape, dtype)[: shape[0]]

    def _free(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        for place in range(len(self._kept)):
            if _is_free(self._kept, place):
                found = torch.from_numpy(self._kept[place])
                if found.dtype == dtype and found.shape[1:] == shape[1:] and len(found) >= shape[0]:
                    return found
        fresh = torch.empty(shape, dtype=dtype).numpy()
        if len(self._kept) < _MAX_KEPT:
            self._kept.append(fresh)
        return torch.from_numpy(fresh)


def is_pinned() -> bool:
    """Whether what this process or thread reads is to lie where a GPU can fetch it."""
    return get_worker_info() is None and torch.cuda.is_available()


def _is_free(kept: list[npt.NDArray[Any]], place: int) -> bool:
    """Whether the list's reference is the only one; `getrefcount` adds its argument's own."""
    return sys.getrefcount(kept[place]) == 2
