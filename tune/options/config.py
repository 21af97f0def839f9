"""What a search can be told: the options of `python -m tune.search`."""

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from lungseg.options.fit import TrainingOptions
from lungseg.options.loss import Loss
from shards.console.limits import Limits, flag

_DEFAULT_SPACE = ("losses", "lr_range", "oversample_range")
_RANGES = ("lr_range", "oversample_range")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchOptions(TrainingOptions):
    """Search options of the training for the best validation Dice per case.

    The training that the other options describe is the first trial, as far as it lies in the
    ranges; the further trials are it with other values of what is searched.
    """

    EXCLUDING: ClassVar[tuple[tuple[str, ...], ...]] = tuple(
        ("space", name) for name in _DEFAULT_SPACE
    )

    out: Path
    """Folder for the search and its results; the same command again goes on with it. Or a URL, as
    s3://bucket/search, which then is all that the nodes must share beside the shards."""
    trials: Annotated[int, Limits(least=1, most=100_000)] = 20
    """How many trainings the search may start; poor ones are ended early. A larger number extends
    a search that has ended."""
    hours: Annotated[float | None, Limits(above=0, most=1_000_000)] = None
    """End after so long: no trial starts any more, those that run are cut off after their epoch,
    and the same command goes on with them."""
    space: Path | None = None
    """YAML file of what to search instead of the next three: options of the training, each with
    {choice: [A, B]}, {uniform: [LOW, HIGH]}, {log: [LOW, HIGH]} or {int: [LOW, HIGH]}, as `width:
    {choice: [16, 32]}`; parameters of losses are searched only with their losses. Under `first` a
    list of known good points, as `- {lr: 0.003, width: 16}`, which are tried first."""
    losses: tuple[Loss, ...] = ("bce", "dice", "bce_dice")
    """Losses to choose from, of all that `lungseg.fit --loss` knows; the parameters of focal and
    tversky losses are searched with them."""
    lr_range: Annotated[tuple[float, float], Limits(above=0, most=1000)] = (1e-4, 3e-2)
    """Lowest and highest learning rate; the search goes by its logarithm."""
    oversample_range: Annotated[tuple[float, float], Limits(above=0, most=1_000_000)] = (1.0, 30.0)
    """Lowest and highest oversampling of slices with tumor; the search goes by its logarithm."""
    folds: Annotated[int | None, Limits(least=2, most=100)] = None
    """Score each trial on so many folds instead of one: --fold and the next ones, a training for
    each, one after the other, by the mean Dice over the cases of all. Trials are ended early where
    they are behind others after the same epoch of the first fold or after as many whole folds, or
    after a fold clearly worse, case by case, than the best that came so far. best.ckpt is the best
    trial's model of the first fold."""
    refit: Annotated[int | Literal["folds"] | None, Limits(least=2, most=100)] = None
    """After the search train the best settings and those it began with again, with so many other
    seeds or on the folds that it did not choose by; the result then says mean and standard
    deviation of both and the interval of their difference."""
    storage: Path | None = None
    """File for all trials as an Optuna journal, written after each: `optuna-dashboard FILE` (pip
    install optuna-dashboard) opens it."""
    address: str | None = None
    """Ray cluster to search on: auto for the one this machine belongs to, or host:port of its
    head. Then every node must reach both --shards and --out under the same name (shared storage,
    or a URL), and have lungseg installed. Without it, Ray is started on this machine."""
    concurrent: Annotated[int | Literal["auto"], Limits(least=1, most=100_000)] = "auto"
    """Trials side by side; auto: as many as the cluster has room for, counted anew as nodes
    join and leave."""
    cpus_per_trial: Annotated[int | Literal["auto"], Limits(least=1, most=100_000)] = "auto"
    """Processors of one trial, shared evenly by its devices; auto: an even share of the node."""
    gpus_per_trial: Annotated[float | Literal["auto"], Limits(least=0, most=1024)] = "auto"
    """GPUs of one trial: a fraction where trials shall share one, 0, or a whole number, which train
    the trial together as `fit --devices` does, all on one node; auto: one for each of its devices
    where the cluster has any."""
    devices_per_trial: Annotated[int | Literal["auto"], Limits(least=1, most=1024)] = "auto"
    """Devices that train one trial together: its GPUs, or processes on its processors; auto: one
    for each of --gpus-per-trial."""
    stall_minutes: Annotated[float | Literal["auto"], Limits(above=0, most=1_000_000)] = "auto"
    """A trial that finishes no epoch for so long is ended and tried again; auto: ten times the
    longest epoch of the search, at least 10 minutes, and a day until one has been seen."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.losses:
            raise ValueError("--losses needs at least one loss")
        if self.folds is not None:
            self._check_folds()
        if self.refit == "folds" and self.validation.validation_cases:
            raise ValueError("--refit folds needs --fold, not --validation-cases")
        for name in _RANGES:
            low, high = getattr(self, name)
            if not low <= high:
                raise ValueError(f"{flag(name)} needs LOW HIGH with LOW <= HIGH, got {low} {high}")
        self._check_devices()

    @property
    def ranks(self) -> int:
        """Processes that train one trial together."""
        if self.devices_per_trial != "auto":
            return self.devices_per_trial
        return 1 if self.gpus_per_trial == "auto" else max(1, int(self.gpus_per_trial))

    @property
    def epochs_per_trial(self) -> int:
        """Epochs of a trial that is not ended early, over all of its folds."""
        return self.step.epochs * (self.folds or 1)

    def _check_folds(self) -> None:
        validation = self.validation
        if validation.validation_cases or validation.fold == "none":
            raise ValueError("--folds needs --fold with a number, the first of them")
        if validation.patience is not None:
            raise ValueError("--folds compares trainings of the same length: leave --patience out")

    def _check_devices(self) -> None:
        gpus, cpus, ranks = self.gpus_per_trial, self.cpus_per_trial, self.ranks
        if gpus != "auto" and gpus > 1 and gpus % 1:
            raise ValueError(
                f"--gpus-per-trial must be a fraction of one GPU or a whole number, got {gpus:g}"
            )
        if gpus != "auto" and gpus and ranks != max(1, gpus):
            raise ValueError(
                f"--devices-per-trial {ranks} needs as many --gpus-per-trial, or 0, got {gpus:g}: "
                "leave one of the two out"
            )
        if cpus != "auto" and cpus < ranks:
            raise ValueError(
                f"--cpus-per-trial must be one for each of the {ranks} devices, got {cpus}"
            )
