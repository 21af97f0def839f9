"""What became of each trial."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ray.tune import ResultGrid

from tune.config import SearchOptions
from tune.trials.attempts import BEST, attempts
from tune.trials.settings import SEARCHED, trial_folder
from tune.trials.trial import EPOCH, FAILED, METRIC, dice_by_epoch

Status = Literal["finished", "ended early", "failed"]


@dataclass(frozen=True, kw_only=True)
class TrialOutcome:
    """A trial that is over.

    Attributes:
        number: 0-based, in the order of the suggestions.
        status: `ended early`: by the scheduler, in favor of better ones.
        values: Its `loss`, `lr` and `oversample`.
        dice: Best validation Dice per case; None for a failed trial.
        best_epoch: 1-based epoch of that Dice.
        curve: Dice per case after each epoch.
        seconds: Spent in training, over all attempts.
        attempts: How often it was begun.
        node: Where it ended.
        reason: Why it failed; else empty.
        checkpoint: Its best.ckpt.
    """

    number: int
    status: Status
    values: dict[str, Any]
    dice: float | None
    best_epoch: int | None
    curve: tuple[float, ...]
    seconds: float
    attempts: int
    node: str
    reason: str
    checkpoint: Path


def outcomes(grid: ResultGrid, options: SearchOptions) -> list[TrialOutcome]:
    """Collect what became of the trials, the best first and the failed last."""
    found = [_outcome(result, options) for result in grid]
    return sorted(found, key=lambda trial: -1 if trial.dice is None else trial.dice, reverse=True)


def _outcome(result: Any, options: SearchOptions) -> TrialOutcome:
    metrics, config = result.metrics or {}, result.config
    folder = trial_folder(options.out, config["number"])
    tries = [attempt.folder for attempt in attempts(folder)]
    last = tries[-1] if tries else folder
    reason = _reason(result.error) if result.error else str(metrics.get(FAILED, ""))
    curve = tuple(dice_by_epoch(last))
    status: Status = "finished" if metrics.get(EPOCH) == options.step.epochs else "ended early"
    return TrialOutcome(
        number=config["number"],
        status="failed" if reason else status,
        values={name: config[name] for name in SEARCHED},
        dice=None if reason else metrics[METRIC],
        best_epoch=None if reason else metrics["best_epoch"],
        curve=curve,
        seconds=sum(map(_seconds, tries)),
        attempts=len(tries),
        node=metrics.get("node", ""),
        reason=reason,
        checkpoint=last / BEST,
    )


def _seconds(attempt: Path) -> float:
    """Time from the first to the last file that the training of an attempt wrote."""
    begun, ended = attempt / "config.yaml", attempt / "metrics.csv"
    if not (begun.exists() and ended.exists()):
        return 0.0
    return max(0.0, ended.stat().st_mtime - begun.stat().st_mtime)


def _reason(error: Exception) -> str:
    """The line of a remote error that says what happened: the last one, without colors."""
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", str(error)).splitlines()]
    lines = [line for line in lines if line]
    return lines[-1] if lines else type(error).__name__
