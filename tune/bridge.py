"""Ray Tune asks the search's memory what to try and who goes on, and tells it what happened."""

import re
from collections.abc import Callable, Set
from pathlib import Path
from typing import Any

import ray.tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from cluster.lost_rank import without_guesses
from tune.faults import Faults
from tune.history.disk import FullDisk
from tune.history.fault import Fault
from tune.history.memory import EPOCH, SCORE, Memory
from tune.history.nodes import Node, Nodes
from tune.stalls import Stalls
from tune.trials.trial import CAUSE, FAILED, NODE, NODE_ID, REPORTED

NUMBER, VALUES, AVOIDED = "number", "values", "avoided"


class Suggestions(Searcher):  # type: ignore[misc]
    """Hands out the memory's trials, as many at a time as there is room for now.

    Args:
        memory: Of the search.
        faults: Know where a trial is not to run.
        nodes: Which are set aside.
        disk: Of the search's folder.
        room: How many trials may run side by side; asked again and again.
        living: Ids of the nodes that have room for a trial; asked again and again.
        time_is_up: Whether no trial is to start any more.

    Attributes:
        gave_up: Whether no node is left to try.
    """

    def __init__(
        self,
        memory: Memory,
        *,
        faults: Faults,
        nodes: Nodes,
        disk: FullDisk,
        room: Callable[[], int],
        living: Callable[[], Set[str]],
        time_is_up: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(metric=SCORE, mode="max")
        self._memory, self._faults, self._nodes = memory, faults, nodes
        self._disk, self._room, self._living = disk, room, living
        self._time_is_up = time_is_up
        self.gave_up = False

    def suggest(self, trial_id: str) -> Any:
        """Number and values of the next trial, and the nodes that it avoids; None: not now."""
        del trial_id
        memory = self._memory
        if not (memory.left or memory.running) or self._time_is_up():
            return Searcher.FINISHED
        if not memory.left or memory.running >= max(1, self._room()) or self._disk.lasts():
            return None
        outlook = self._nodes.outlook(self._living())
        if outlook == "none" and not memory.running:
            self.gave_up = True
            return Searcher.FINISHED
        if outlook != "free":
            return None
        record = memory.next()
        return record and {
            NUMBER: record.number,
            VALUES: record.values,
            AVOIDED: sorted(self._faults.avoided(record.number)),
        }

    def on_trial_complete(self, *_: Any, **__: Any) -> None:
        """The memory is told by `Ends`, which knows why."""

    def save(self, checkpoint_path: str) -> None:
        """What there is to keep is in the journal."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """A search goes on by its journal."""


class GoesOn(FIFOScheduler):  # type: ignore[misc]
    """Notes each begin and epoch of a trial and ends those that the memory has not go on.

    Args:
        memory: Of the search.
        nodes: Learn which of them work.
        cpus: Of a trial.
        gpus: Of a trial.
        time_is_up: Whether trials are to be cut off.
    """

    def __init__(
        self,
        memory: Memory,
        nodes: Nodes,
        *,
        cpus: float,
        gpus: float,
        time_is_up: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__()
        self._time_is_up = time_is_up
        self._memory, self._nodes = memory, nodes
        self._held = {"cpus": cpus, "gpus": gpus}

    def on_trial_result(self, _: Any, trial: Trial, result: dict[str, Any]) -> str:
        """One of Tune's decisions."""
        number = trial.config[NUMBER]
        if FAILED in result:
            return str(TrialScheduler.CONTINUE)
        if not result[EPOCH]:
            self._memory.begin(number, node=result[NODE], **self._held)
            return str(TrialScheduler.CONTINUE)
        self._nodes.works(Node(id=result[NODE_ID], name=result[NODE]))
        goes_on = self._memory.report(number, {name: result[name] for name in REPORTED})
        goes_on = goes_on and not self._time_is_up()
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)


class Ends(ray.tune.Callback):  # type: ignore[misc]
    """Notes how attempts at trials end, and has the results written after each trial.

    Args:
        memory: Of the search.
        faults: Decide what becomes of a trial whose attempt failed.
        stalls: Know which processes they ended.
        leave: Writes what there is so far.
        time_is_up: Whether trials are cut off.
    """

    def __init__(
        self,
        memory: Memory,
        faults: Faults,
        stalls: Stalls,
        leave: Callable[[], object],
        time_is_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self._time_is_up = time_is_up
        self._memory, self._faults, self._stalls, self._leave = memory, faults, stalls, leave
        self._news = False

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **_: Any
    ) -> None:
        """A trial has ended by itself, was ended early, or cut off as the time is up."""
        del iteration, trials
        if FAILED in (trial.last_result or {}):
            self._failed(trial)
        elif self._memory.is_over(trial.config[NUMBER]) or not self._time_is_up():
            self._memory.end(trial.config[NUMBER])
        self._news = True

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """An attempt has failed, and its process with it."""
        del iteration, trials
        self._failed(trial)
        self._news = True

    def on_step_end(self, iteration: int, trials: list[Trial], **_: Any) -> None:
        """Outside of Tune's handling of a trial, whose failure an error in here is not."""
        del iteration, trials
        if self._news:
            self._news = False
            self._leave()

    def _failed(self, trial: Trial) -> None:
        last = trial.last_result or {}
        node = Node(id=last[NODE_ID], name=last[NODE]) if NODE_ID in last else None
        self._faults.judge(trial.config[NUMBER], self._fault(trial, last), node)

    def _fault(self, trial: Trial, last: dict[str, Any]) -> Fault:
        stalled = self._stalls.reason(trial)
        if stalled is not None:
            return Fault(cause="process", reason=stalled)
        if FAILED in last:
            return Fault(cause=last[CAUSE], reason=last[FAILED])
        return _of_process(trial)


def _of_process(trial: Trial) -> Fault:
    """Why a process ended that could not say it itself, by what Ray knows."""
    file = trial.error_file and Path(trial.error_file)
    text = file.read_text(encoding="utf-8") if file and file.exists() else ""
    if "OutOfMemoryError" in text or "low on memory" in text:
        return Fault(
            cause="memory",
            reason="the memory of its node did not suffice, so Ray ended it: lower --concurrent, "
            "--batch-size or --width",
        )
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", text).splitlines()]
    last = next((line for line in reversed(lines) if line), "its process ended")
    return Fault(cause="process", reason=without_guesses(last) or last)
