"""Logits of several slices at a time on a processor, to the last bit those of one after another."""

import copy
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from queue import SimpleQueue
from typing import Self

import torch
from torch import nn


class SideBySide:
    """Runs a net on single slices, as many at a time as torch has threads here, each on one.

    A convolution's last bit depends on the number of threads that share it and on what else is in
    its batch, so a slice alone on one thread has the same logits wherever it is scored. Inside the
    `with` block torch has one thread, after it as many as before.

    Args:
        net: Maps (1, channels, h, w) to (1, 1, h, w). Each thread has a copy that shares the
            weights, so a net may keep things from one layer for another.
    """

    def __init__(self, net: nn.Module) -> None:
        self._net = net

    def __enter__(self) -> Self:
        self._num_threads = torch.get_num_threads()
        self._idle: SimpleQueue[nn.Module] = SimpleQueue()
        for _ in range(self._num_threads):
            self._idle.put(_sharing_weights(self._net))
        torch.set_num_threads(1)
        self._pool = ThreadPoolExecutor(
            self._num_threads, initializer=torch.set_num_threads, initargs=(1,)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        torch.set_num_threads(self._num_threads)

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """(b, channels, h, w) -> (b, 1, h, w) logits, in order, of 32 bits as in prediction."""
        return torch.cat(list(self._pool.map(self._logits, torch.split(image, 1))))

    def _logits(self, image: torch.Tensor) -> torch.Tensor:
        net = self._idle.get()
        try:
            with torch.inference_mode():  # autocast is a thread's own, and none of these has it
                logits: torch.Tensor = net(image)
                return logits
        finally:
            self._idle.put(net)


def _sharing_weights(net: nn.Module) -> nn.Module:
    """A copy of a net that shares all tensors with it but what its layers keep of a slice."""
    shared = {id(tensor): tensor for tensor in chain(net.parameters(), net.buffers())}
    return copy.deepcopy(net, shared)
