"""A trial that finishes no epoch for too long is ended, whatever its process hangs in."""

import time
from collections.abc import Callable
from typing import Any, Literal

import ray
import ray.tune
from ray.tune.experiment import Trial

from tune.trials.trial import FAILED

_TIMES_AN_EPOCH = 10
_LEAST_S = 600.0
_FIRST_EPOCH_S = 24 * 3600.0
_LOOK_EVERY_S = 1.0


class Stalls(ray.tune.Callback):  # type: ignore[misc]
    """Ends the processes of trials that have not been heard of within a limit.

    Args:
        minutes: The limit; `auto`: ten times the longest epoch of the search, at least ten minutes,
            and a day until one has been seen.
        clock: Seconds.
    """

    def __init__(
        self, minutes: float | Literal["auto"], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._minutes, self._clock = minutes, clock
        self._heard: dict[str, float] = {}
        self._told: set[str] = set()
        self._ended: dict[str, str] = {}
        self._longest: float | None = None
        self._looked = clock()

    def reason(self, trial: Trial) -> str | None:
        """Why a trial's process was ended; None where it was not ended here."""
        return self._ended.get(trial.trial_id)

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Its time runs."""
        del iteration, trials
        self._heard[trial.trial_id] = self._clock()

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **_: Any
    ) -> None:
        """It was heard of: the first time it has begun, later it has finished an epoch."""
        del iteration, trials
        now, before = self._clock(), self._heard.get(trial.trial_id)
        if trial.trial_id in self._told and before is not None and FAILED not in result:
            self._longest = max(self._longest or 0.0, now - before)
        self._told.add(trial.trial_id)
        self._heard[trial.trial_id] = now

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **_: Any
    ) -> None:
        """It is over."""
        del iteration, trials
        self._heard.pop(trial.trial_id, None)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """It is over."""
        del iteration, trials
        self._heard.pop(trial.trial_id, None)

    def on_step_end(self, iteration: int, trials: list[Trial], **_: Any) -> None:
        """End those that stand still."""
        del iteration
        now = self._clock()
        if now - self._looked < _LOOK_EVERY_S:
            return
        self._looked = now
        limit = self._limit_s()
        for trial in trials:
            if now - self._heard.get(trial.trial_id, now) > limit:
                self._end(trial, limit)

    def _limit_s(self) -> float:
        if self._minutes != "auto":
            return 60 * self._minutes
        if self._longest is None:
            return _FIRST_EPOCH_S
        return max(_LEAST_S, _TIMES_AN_EPOCH * self._longest)

    def _end(self, trial: Trial, limit_s: float) -> None:
        del self._heard[trial.trial_id]
        self._ended[trial.trial_id] = f"no epoch within {limit_s / 60:.3g} minutes"
        ray.kill(trial.temporary_state.ray_actor)
