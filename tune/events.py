"""What a search shows while it runs: one plain line per event, with the time to go."""

import logging
import time
from typing import Any

import ray.tune
from ray.tune.experiment import Trial

from tune.bridge import NUMBER
from tune.history.memory import EPOCH, SCORE, Memory, TrialRecord
from tune.trials.trial import FAILED

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_EPOCH_LINES = 20.0


class EventLines(ray.tune.Callback):  # type: ignore[misc]
    """Says what happens to the trials.

    Args:
        memory: Of the search; told before.
        epochs: Epochs of a trial that is not ended early.
    """

    def __init__(self, memory: Memory, epochs: int) -> None:
        self._memory, self._epochs = memory, epochs
        self._said = time.monotonic()

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Say with what a trial starts."""
        del iteration, trials
        number = trial.config[NUMBER]
        values = self._memory.records[number].values
        logger.info("trial %d starts: %s", number, ", ".join(map(said, values, values.values())))

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **_: Any
    ) -> None:
        """Say how far a trial is, but not all the time."""
        del iteration, trials
        now = time.monotonic()
        silent = FAILED in result or result[EPOCH] in (0, self._epochs)
        if silent or now - self._said < _SECONDS_BETWEEN_EPOCH_LINES:
            return
        self._said = now
        logger.info(
            "trial %d: epoch %d/%d, Dice per case %.4f",
            *(trial.config[NUMBER], result[EPOCH], self._epochs, result["dice_case_mean"]),
        )

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **_: Any
    ) -> None:
        """Say how a trial ended."""
        del iteration, trials
        last = trial.last_result
        if FAILED in last:
            self._failed(trial)
            return
        if self._memory.records[trial.config[NUMBER]].status is None:
            logger.info("trial %d is cut off after epoch %d", trial.config[NUMBER], last[EPOCH])
            return
        early = "" if last[EPOCH] >= self._epochs else ", ended early"
        score = f"Dice per case {last[SCORE]:.4f} at epoch {last['best_epoch']} of {last[EPOCH]}"
        self._ended(trial, score + early)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Say that an attempt failed."""
        del iteration, trials
        self._failed(trial)

    def _failed(self, trial: Trial) -> None:
        """The memory knows whether it is tried again."""
        record = self._memory.records[trial.config[NUMBER]]
        if record.status is None:
            why = record.stints[-1].fault if record.stints else "its process did not start"
            logger.info("trial %d goes on in another process: %s", record.number, why)
        else:
            self._ended(trial, f"failed: {record.reason}")

    def _ended(self, trial: Trial, how: str) -> None:
        ended, trials = self._memory.ended, self._memory.trials
        logger.info(
            "trial %d: %s (%d of %d trials, about %s to go)",
            *(trial.config[NUMBER], how, ended, trials),
            duration(seconds_to_go(self._memory, now=time.time(), freed=1)),
        )


def seconds_to_go(memory: Memory, *, now: float, freed: int = 0) -> float:
    """How long a search will take, if its trials take as long as those that ended so far.

    Args:
        memory: Of the search.
        now: Seconds since 1970.
        freed: Trials that have just ended, whose room the next ones take.
    """
    ended = [record for record in memory.records.values() if record.status is not None]
    running = [record for record in memory.records.values() if record.status is None]
    took = [_seconds(record, until=None) for record in ended if record.stints]
    if not took:
        return 0.0
    mean = sum(took) / len(took)
    begun = [record for record in running if record.stints]
    left = sum(max(0.0, mean - _seconds(record, until=now)) for record in begun)
    waiting = memory.trials - len(ended) - len(begun)
    return (left + waiting * mean) / max(1, len(begun) + min(freed, waiting))


def _seconds(record: TrialRecord, *, until: float | None) -> float:
    """What a trial has taken; its last attempt until now, where it still runs."""
    stints = record.stints
    whole = sum(stint.until - stint.begun for stint in stints)
    return whole if until is None else whole + max(0.0, until - stints[-1].until)


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def said(name: str, value: object) -> str:
    """A searched value for people."""
    return f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
