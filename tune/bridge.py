"""Ray Tune asks the search's memory what to try and who goes on, and tells it what happened."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray.tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from tune.history.memory import SCORE, Memory
from tune.trials.trial import FAILED, POOR, REPORTED


class Suggestions(Searcher):  # type: ignore[misc]
    """Hands out the memory's trials, as many at a time as there is room for now.

    Args:
        memory: Of the search.
        room: How many trials may run side by side; asked again and again.
    """

    def __init__(self, memory: Memory, room: Callable[[], int]) -> None:
        super().__init__(metric=SCORE, mode="max")
        self._memory, self._room = memory, room

    def suggest(self, trial_id: str) -> Any:
        """Number and values of the next trial; None: not now."""
        del trial_id
        if not self._memory.left:
            return Searcher.FINISHED
        if self._memory.running >= max(1, self._room()):
            return None
        record = self._memory.next()
        return record and {"number": record.number, **record.values}

    def on_trial_complete(self, *_: Any, **__: Any) -> None:
        """The memory is told by `Ends`, which knows why."""

    def save(self, checkpoint_path: str) -> None:
        """What there is to keep is in the journal."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """A search goes on by its journal."""


class GoesOn(FIFOScheduler):  # type: ignore[misc]
    """Notes each epoch of a trial and ends those that the memory has not go on."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self._memory = memory

    def on_trial_result(self, _: Any, trial: Trial, result: dict[str, Any]) -> str:
        """One of Tune's decisions."""
        if FAILED in result:
            return str(TrialScheduler.CONTINUE)
        report = {name: result[name] for name in REPORTED}
        goes_on = self._memory.report(trial.config["number"], report)
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)


class Ends(ray.tune.Callback):  # type: ignore[misc]
    """Notes how trials end, and has the results written after each.

    Args:
        memory: Of the search.
        leave: Writes what there is so far.
    """

    def __init__(self, memory: Memory, leave: Callable[[], object]) -> None:
        self._memory, self._leave = memory, leave
        self._news = False

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **_: Any
    ) -> None:
        """A trial has ended by itself, or was ended early."""
        del iteration, trials
        last = trial.last_result
        self._memory.end(
            trial.config["number"], reason=last.get(FAILED, ""), poor=last.get(POOR, False)
        )
        self._news = True

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """A trial was given up."""
        del iteration, trials
        self._memory.end(trial.config["number"], reason=_reason(trial))
        self._news = True

    def on_step_end(self, iteration: int, trials: list[Trial], **_: Any) -> None:
        """Outside of Tune's handling of a trial, whose failure an error in here is not."""
        del iteration, trials
        if self._news:
            self._news = False
            self._leave()


def _reason(trial: Trial) -> str:
    """The line of a remote error that says what happened: the last one, without colors."""
    file = trial.error_file and Path(trial.error_file)
    text = file.read_text(encoding="utf-8") if file and file.exists() else ""
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", text).splitlines()]
    return next((line for line in reversed(lines) if line), "failed time after time")
