"""What a search can be told: the options of `python -m tune.search`."""

import dataclasses
from pathlib import Path
from typing import Literal

from lungseg.options.fit import TrainingOptions
from lungseg.options.loss import LOSSES, Loss

_RANGES = ("lr_range", "oversample_range")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchOptions(TrainingOptions):
    """Search loss, learning rate and oversampling for the best validation Dice per case.

    The training that the other options describe is the first trial, as far as it lies in the
    ranges; the further trials are it with other values of what is searched.
    """

    out: Path
    """Folder for the search and its results; the same command again goes on with it."""
    trials: int = 20
    """How many trainings the search may start; poor ones are ended early."""
    losses: tuple[Loss, ...] = LOSSES
    """Losses to choose from."""
    lr_range: tuple[float, float] = (1e-4, 1e-2)
    """Lowest and highest learning rate; the search goes by its logarithm."""
    oversample_range: tuple[float, float] = (1.0, 30.0)
    """Lowest and highest oversampling of slices with tumor; the search goes by its logarithm."""
    address: str | None = None
    """Ray cluster to search on: auto for the one this machine belongs to, or host:port of its
    head. Then every node must reach both --shards and --out under the same name (shared storage),
    and have lungseg installed. Without it, Ray is started on this machine."""
    concurrent: int | Literal["auto"] = "auto"
    """Trials side by side; auto: as many as the cluster has room for when the search starts."""
    cpus_per_trial: int | Literal["auto"] = "auto"
    """Processors of one trial; auto: an even share."""
    gpus_per_trial: float | Literal["auto"] = "auto"
    """GPUs of one trial: 1, 0, or a fraction where trials shall share one; auto: 1 where the
    cluster has any."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.trials < 1 or not self.losses:
            raise ValueError(
                f"--trials and --losses need at least one, got {self.trials} and {self.losses}"
            )
        for name in _RANGES:
            low, high = getattr(self, name)
            if not 0 < low <= high:
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"{flag} needs LOW HIGH with 0 < LOW <= HIGH, got {low} {high}")
        for name in ("concurrent", "cpus_per_trial"):
            value = getattr(self, name)
            if value != "auto" and value < 1:
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"{flag} must be auto or at least 1, got {value}")
        if self.gpus_per_trial != "auto" and not 0 <= self.gpus_per_trial <= 1:
            raise ValueError(
                "--gpus-per-trial must be auto or lie between 0 and 1, as a trial trains on one "
                f"device, got {self.gpus_per_trial}"
            )
