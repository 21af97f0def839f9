"""Where the values of each step go: TensorBoard, and what `--logger` names beside it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning_utilities.core.rank_zero import rank_zero_only
from pytorch_lightning.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from lungseg.errors import TrainingError
from lungseg.options.fit import FitOptions
from shards.console.whole import write_json
from shards.console.words import in_a_line

KNOWN = "loggers.json"
"""Which run of each service a training that goes on belongs to."""

_PROJECT = "lungseg"


def tensorboard(out: Path) -> TensorBoardLogger:
    """The logger that every training has."""
    return TensorBoardLogger(out / "tensorboard", name="", version="", default_hp_metric=False)


def further_loggers(options: FitOptions, *, goes_on: bool) -> list[Logger]:
    """The loggers that `--logger` names; each has begun its run, or goes on with that of before.

    Args:
        options: The options of the training.
        goes_on: Whether the training goes on.

    Raises:
        TrainingError: If a package is missing, or a service does not let us in.
    """
    file = options.run.out / KNOWN
    known = json.loads(file.read_text(encoding="utf-8")) if goes_on and file.exists() else {}
    loggers = [_begun(name, options.run.out, known) for name in options.run.logger]
    if loggers and getattr(rank_zero_only, "rank", 0) == 0:
        runs = dict(zip(options.run.logger, (logger.version for logger in loggers), strict=True))
        write_json(file, known | runs)
    return loggers


class _OneRunMlflow(MLFlowLogger):
    """Waits for no server in a step, and gives the options once.

    MLflow refuses other options than those of before, and a training may go on to more epochs.
    """

    def __init__(self, *, run_id: str | None, **given: Any) -> None:
        super().__init__(run_id=run_id, synchronous=False, **given)
        self._goes_on = run_id is not None

    def log_hyperparams(self, params: Any) -> None:
        if not self._goes_on:
            super().log_hyperparams(params)

    def finalize(self, status: str = "success") -> None:
        """End the run once all its values have arrived."""
        if self._initialized:
            import mlflow

            mlflow.flush_async_logging()
        super().finalize(status)


def _wandb(out: Path, run: str | None) -> Logger:
    project = os.environ.get("WANDB_PROJECT", _PROJECT)
    return WandbLogger(project=project, name=_name(out), save_dir=out, id=run)


def _mlflow(out: Path, run: str | None) -> Logger:
    local = f"sqlite:///{out.absolute() / 'mlflow.db'}"
    return _OneRunMlflow(
        experiment_name=os.environ.get("MLFLOW_EXPERIMENT_NAME", _PROJECT),
        run_name=_name(out),
        tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", local),
        run_id=run,
    )


_MAKERS: dict[str, Callable[[Path, str | None], Logger]] = {"wandb": _wandb, "mlflow": _mlflow}
_ADVICE = {
    "wandb": "run `wandb login`, or set WANDB_MODE=offline",
    "mlflow": "check MLFLOW_TRACKING_URI",
}


def _begun(name: str, out: Path, known: dict[str, str]) -> Logger:
    try:
        out.mkdir(parents=True, exist_ok=True)
        logger = _MAKERS[name](out, known.get(name))
        _ = logger.experiment  # type: ignore[attr-defined]  # begins it, where a step would
    except ImportError as error:
        raise TrainingError(
            f"--logger {name} needs a package that is not installed ({error}): "
            f"pip install 'lungseg[{name}]', or leave --logger out"
        ) from error
    except Exception as error:  # each service has errors of its own
        what = in_a_line(error)
        raise TrainingError(f"--logger {name} cannot begin ({what}): {_ADVICE[name]}") from error
    return logger


def _name(out: Path) -> str:
    """What a run is called: its folder, that of a fold with the one it lies in."""
    return "/".join(out.absolute().parts[-2:])
