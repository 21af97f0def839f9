"""Where a run lies, and how it begins."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from shards.console.limits import Limited, Limits


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions(Limited):
    """Where the run lies, and how it begins."""

    out: Path
    """Folder for checkpoints, logs and the result; it must not hold a run yet, except to resume.
    Or a URL, as s3://bucket/run: the training then writes in a temporary folder, and what it wrote
    is put there after every last.ckpt and at the end."""
    folds: Annotated[tuple[int | Literal["all"], ...], Limits(least=0, most=1000)] = ()
    """Cross-validation over these folds, or all: a training for each, one after the other, in
    --out/fold_N, and the scores of all cases together. With --resume, folds that have ended are not
    trained again."""
    devices: Annotated[int | Literal["auto"], Limits(least=1, most=1024)] = "auto"
    """How many devices of this machine, or of each of --nodes, train together (DDP): GPUs where
    there are any, else CPU processes."""
    nodes: Annotated[int, Limits(least=1, most=1024)] = 1
    """How many machines train together. On a Ray cluster (--address) the training goes on by
    itself when one is lost; else torchrun or srun start this command on each of them."""
    address: str | None = None
    """Ray cluster to train on: auto for the one this machine belongs to, or host:port of its head.
    Every node must reach --out and --shards under the same name (shared storage, or URLs)."""
    resume: bool | Literal["auto"] = False
    """Go on from last.ckpt in --out, at the very next batch. What decides the training must be as
    it was, which --config OUT/config.yaml sees to; there may be more --epochs, and --devices,
    --nodes, --address, --accelerator, --num-workers, --checkpoint-minutes, --cache, --cache-gb and
    the place of the same shards may change. auto: begin where there is nothing to go on from, so
    that one command line serves however often it is cut off."""
    logger: tuple[Literal["wandb", "mlflow"], ...] = ()
    """Services that get the values too, beside metrics.csv and TensorBoard: wandb, mlflow or both.
    Where they are, their own variables tell (WANDB_MODE, MLFLOW_TRACKING_URI); without one, MLflow
    writes to --out/mlflow.db. pip install 'lungseg[wandb]' or 'lungseg[mlflow]'."""
    init_from: Path | None = None
    """Begin with the weights of this checkpoint (or URL) of the same net, to fine-tune them."""
    validate_every: Annotated[int, Limits(least=1, most=1_000_000)] = 1
    """Validate after every so many epochs, and after the last."""
    validate: Path | None = None
    """Only score this checkpoint on the validation cases; leaves validation.json in --out."""

    def __post_init__(self) -> None:
        if isinstance(self.folds, str):
            raise ValueError(f"folds must be a list, ['all'] or [0, 1], got {self.folds!r}")
        super().__post_init__()
        if len(set(self.folds)) < len(self.folds) or ("all" in self.folds and self.folds[1:]):
            raise ValueError(f"--folds must be all, or each fold once, got {_said(self.folds)}")
        if self.folds and self.validate:
            raise ValueError("--folds and --validate exclude each other: leave one of them out")


def _said(folds: tuple[int | str, ...]) -> str:
    return " ".join(map(str, folds))
