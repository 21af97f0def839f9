"""What became of each trial, for people."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tune.history.memory import SCORE, Memory, Status, Stint, TrialRecord
from tune.options.settings import trial_folder
from tune.options.space import Point
from tune.trials.attempts import BEST, attempts, fold_folder


@dataclass(frozen=True, kw_only=True)
class TrialOutcome:
    """A trial that is over.

    Attributes:
        number: 0-based, in the order of the suggestions.
        status: `ended early`: by the scheduler, in favor of better ones.
        values: Of the options that are searched.
        dice: Best validation Dice per case; None for a failed trial.
        missed: Cases that were missed altogether then.
        best_epoch: 1-based epoch of that Dice.
        folds: On how many it was scored.
        curve: Dice per case after each epoch, of the fold that was trained.
        seconds: Spent in training, over all attempts.
        stints: The times of its attempts.
        attempts: How often it was begun.
        node: Where it ended.
        reason: Why it failed, or was ended early; else empty.
        scores: File of its scores as its trainings left them.
        checkpoint: Its best.ckpt, of the first of its folds; gone where another trial was found to
            be better.
    """

    number: int
    status: Status
    values: Point
    dice: float | None
    missed: int | None
    best_epoch: int | None
    folds: int
    curve: tuple[float, ...]
    seconds: float
    stints: tuple[Stint, ...]
    attempts: int
    node: str
    reason: str
    scores: Path
    checkpoint: Path


def outcomes(memory: Memory, out: Path, *, first_fold: int | None = None) -> list[TrialOutcome]:
    """What became of the trials that are over, the best first and the failed last.

    Those that were scored on more folds come first. Of two with the same Dice the one that missed
    fewer cases is better, then the earlier one.

    Args:
        memory: Of the search.
        out: Its folder.
        first_fold: Where trials are scored on several.
    """
    over = [
        _outcome(record, record.status, out, first_fold)
        for record in memory.records.values()
        if record.status is not None
    ]
    return sorted(over, key=_rank)


def searched_names(trials: Iterable[TrialOutcome]) -> list[str]:
    """The options that any of the trials varies, in the order of the space."""
    return list(dict.fromkeys(name for trial in trials for name in trial.values))


def hours(trials: Iterable[TrialOutcome], what: Literal["cpus", "gpus"]) -> float:
    """Processor or GPU hours that the attempts at all trials held."""
    stints = [stint for trial in trials for stint in trial.stints]
    held = {"cpus": [s.cpus for s in stints], "gpus": [s.gpus for s in stints]}[what]
    return sum(n * (s.until - s.begun) for n, s in zip(held, stints, strict=True)) / 3600


def _rank(trial: TrialOutcome) -> tuple[bool, int, float, int, int]:
    failed = trial.dice is None
    return failed, -trial.folds, -(trial.dice or 0.0), trial.missed or 0, trial.number


def _outcome(
    record: TrialRecord, status: Status, out: Path, first_fold: int | None
) -> TrialOutcome:
    folder = trial_folder(out, record.number)
    tries = attempts(folder)
    newest = tries[-1].folder if tries else folder
    scored = record.last if status != "failed" else None
    dice, best_epoch = (scored[SCORE], scored["best_epoch"]) if scored else (None, None)
    return TrialOutcome(
        number=record.number,
        status=status,
        values=record.values,
        dice=dice,
        missed=scored.get("missed") if scored else None,
        best_epoch=best_epoch,
        folds=record.folds,
        curve=tuple(record.reports[epoch]["dice_case_mean"] for epoch in sorted(record.reports)),
        seconds=sum(stint.until - stint.begun for stint in record.stints),
        stints=tuple(record.stints),
        attempts=len(tries),
        node=record.last["node"] if record.last else "",
        reason=record.reason or (record.early if status == "ended early" else ""),
        scores=newest / "result.json",
        checkpoint=(newest if first_fold is None else fold_folder(newest, first_fold)) / BEST,
    )
