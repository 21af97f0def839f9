"""Where the steps of `lungseg.fit` spend their time: torch's profile of some of them.

python benchmarks/fit_profile.py [--width 64 --size 256 --batch 64 --steps 20]
"""

import argparse
import tempfile
import time
from pathlib import Path

import pytorch_lightning as pl
import torch
from fit_data import Slices, write_shards
from torch.profiler import ProfilerActivity, profile

from lungseg.options.fit import FitOptions
from lungseg.training.run import fit

WARM = 5
ROWS = 20
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")


class Profiled(pl.Callback):
    """Profiles the steps behind the first ones."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        kinds = [ProfilerActivity.CPU]
        kinds += [ProfilerActivity.CUDA] if torch.cuda.is_available() else []
        self.profile = profile(activities=kinds)
        self.seconds = 0.0

    def on_train_batch_end(self, trainer, *given) -> None:
        batch_idx = given[-1]
        if batch_idx + 1 == WARM:
            self.profile.start()
            self._began = time.monotonic()
        if batch_idx + 1 == WARM + self._steps:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.seconds = time.monotonic() - self._began
            self.profile.stop()
            trainer.should_stop = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("width", 64), ("size", 256), ("batch", 64), ("steps", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    profiled = Profiled(given.steps)
    with tempfile.TemporaryDirectory(prefix="fit-") as folder:
        slices = Slices(given.batch * (WARM + given.steps), given.size)
        write_shards(slices, Path(folder) / "shards")
        options = FitOptions.of(
            shards=f"{folder}/shards",
            out=Path(folder) / "run",
            channels=tuple(given.width * 2**level for level in range(5)),
            batch_size=given.batch,
            fold="none",
            epochs=1,
            devices=1,
            checkpoint_minutes=1000.0,
        )
        fit(options, callbacks=[profiled])
    report(profiled, given.steps, given.batch)


def report(profiled: Profiled, steps: int, batch: int) -> None:
    events = profiled.profile.key_averages()
    on_gpu = torch.cuda.is_available()
    speed = steps * batch / profiled.seconds
    print(f"{steps} steps in {profiled.seconds:.2f} s, {speed:.0f} slices/s")
    if on_gpu:
        busy = sum(event.self_device_time_total for event in events) / 1e6
        print(f"the GPU was busy for {busy / profiled.seconds:.0%} of that time")
        for event in events:
            if event.key in WAITS:
                print(f"{event.key}: {event.count / steps:.1f} a step")
    order = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    print(events.table(sort_by=order, row_limit=ROWS, max_name_column_width=50))


if __name__ == "__main__":
    main()
