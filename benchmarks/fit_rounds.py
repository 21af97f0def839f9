"""What a round of steps took: seconds of the clock and of the processor, waiting, memory."""

import contextlib
import json
import os
import resource
import sys
import time
from pathlib import Path

import torch


class Rounds:
    """Waits for the word to begin a round, and tells what it took."""

    def __init__(self, settings, flops: int | None) -> None:
        self._settings, self._flops = settings, flops
        self._step = 0
        self._each = settings.warm + settings.steps

    def fetching(self) -> None:
        """Call before a batch is asked for."""
        in_round = self._step % self._each
        if in_round == 0 and not sys.stdin.readline():
            _leave()
        if in_round == self._settings.warm:
            self._synchronize()
            self._began, self._processor = time.monotonic(), _processor_seconds()
            self._waited = 0.0
        self._asked = time.monotonic()

    def stepping(self) -> None:
        """Call when the batch is where the net is."""
        if self._step % self._each >= self._settings.warm:
            self._waited += time.monotonic() - self._asked

    def stepped(self) -> None:
        """Call behind a step."""
        self._step += 1
        if self._step % self._each == 0:
            self._synchronize()
            seconds = time.monotonic() - self._began
            processor = _processor_seconds() - self._processor
            self._tell(seconds, processor)

    def _synchronize(self) -> None:
        if self._settings.device != "cpu":
            torch.cuda.synchronize()

    def _tell(self, seconds: float, processor: float) -> None:
        count = self._settings.steps * self._settings.batch
        told = {
            "slices_per_s": count / seconds,
            "processor_ms": 1000 * processor / count,
            "wait": self._waited / seconds,
            "memory_gb": _peak_gb(),
        }
        if self._settings.device != "cpu":
            told["gpu_gb"] = torch.cuda.max_memory_allocated() / 1e9
            told["gpu_reserved_gb"] = torch.cuda.max_memory_reserved() / 1e9
            torch.cuda.empty_cache()  # for the loop whose turn it is
        if self._flops is not None:
            told["tflops"] = self._flops * count / seconds / 1e12
        print(json.dumps(told), file=sys.__stdout__, flush=True)


def _children() -> list[int]:
    return [child.pid for child in torch.multiprocessing.active_children()]


def _processor_seconds() -> float:
    """Of this process, all its threads, and its loader processes."""
    ticks = os.sysconf("SC_CLK_TCK")
    seconds = time.process_time()
    for pid in _children():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            seconds += (int(fields[11]) + int(fields[12])) / ticks
    return seconds


def _peak_gb() -> float:
    """Of this process and its loader processes; pages that they share count for each."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for pid in _children():
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak += int(line.split()[1]) * 1024
    return peak / 1e9


def _leave() -> None:
    """End without the rest of the epoch, and without the loader processes."""
    for child in torch.multiprocessing.active_children():
        child.terminate()
    os._exit(0)
