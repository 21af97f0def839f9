"""What a search shows while it runs: one plain line per event, with the time to go."""

import logging
import time
from typing import Any

import ray.tune
from ray.tune.experiment import Trial

from tune.trials.trial import EPOCH, FAILED, METRIC

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_EPOCH_LINES = 20.0


class EventLines(ray.tune.Callback):  # type: ignore[misc]
    """Says what happens to the trials. Tune pickles it into its snapshots.

    Args:
        trials: Trials of the search.
        epochs: Epochs of a trial that is not ended early.
    """

    def __init__(self, trials: int, epochs: int) -> None:
        self._trials = trials
        self._epochs = epochs
        self._since = self._said = time.monotonic()
        self._ended_here = 0

    def setup(self, **_: Any) -> None:
        """Start the clock, of this run only."""
        self._since = self._said = time.monotonic()
        self._ended_here = 0

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Say with what a trial starts."""
        del iteration, trials
        values = trial.config
        logger.info(
            "trial %d starts: loss %s, lr %.3g, oversample %.3g",
            *(values["number"], values["loss"], values["lr"], values["oversample"]),
        )

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **_: Any
    ) -> None:
        """Say how far a trial is, but not all the time."""
        del iteration, trials
        now = time.monotonic()
        if now - self._said < _SECONDS_BETWEEN_EPOCH_LINES or result[EPOCH] == self._epochs:
            return
        self._said = now
        logger.info(
            "trial %d: epoch %d/%d, Dice per case %.4f",
            *(trial.config["number"], result[EPOCH], self._epochs, result["dice_case_mean"]),
        )

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Say that a trial is tried again."""
        del iteration, trials
        logger.info("trial %d lost its process and goes on in another", trial.config["number"])

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **_: Any
    ) -> None:
        """Say how a trial ended."""
        del iteration
        last = trial.last_result
        if FAILED in last:
            self._ended(trials, trial, f"failed: {last[FAILED]}")
            return
        early = "" if last[EPOCH] >= self._epochs else ", ended early"
        score = f"Dice per case {last[METRIC]:.4f} at epoch {last['best_epoch']} of {last[EPOCH]}"
        self._ended(trials, trial, score + early)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Say that a trial was given up."""
        del iteration
        self._ended(trials, trial, "failed time after time")

    def _ended(self, trials: list[Trial], trial: Trial, how: str) -> None:
        self._ended_here += 1
        ended = len({other.trial_id for other in trials if other.is_finished()} | {trial.trial_id})
        each = (time.monotonic() - self._since) / self._ended_here
        logger.info(
            "trial %d: %s (%d of %d trials, about %s to go)",
            *(trial.config["number"], how, ended, self._trials),
            _duration(each * (self._trials - ended)),
        )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
