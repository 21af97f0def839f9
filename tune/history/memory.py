"""What became of every trial, kept in a journal from which it all comes back after a kill."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tune.history.fault import Fault
from tune.history.journal import Event, Journal
from tune.history.pairs import Pairs
from tune.history.rungs import Rungs
from tune.options.errors import SearchError
from tune.options.space import Point

Status = Literal["finished", "ended early", "failed"]
Report = dict[str, Any]

EPOCH = "epoch"
SCORE = "best_dice_case_mean"
FOLDS = "folds"
CASES = "cases"


class Suggesting(Protocol):
    """Who says what to try next."""

    def suggest(self) -> Point:
        """The values of the next trial, which runs from now on."""

    def add(self, point: Point) -> None:
        """Take a suggestion of an earlier process as the next trial, which runs."""

    def tell(self, number: int, score: float | None, *, of_part: int | None = None) -> None:
        """Learn how a trial ended; None: its settings were not to blame.

        Where the score is of a part of the cases, it is said how far the trial came.
        """


@dataclass(kw_only=True)
class Stint:
    """The time of one attempt at a trial.

    Attributes:
        node: Where it ran, for people.
        cpus: Processors that it held.
        gpus: GPUs that it held.
        begun: When, in seconds since 1970.
        until: When it was last heard of.
        fault: Why it could not go on; empty where it could.
    """

    node: str
    cpus: float
    gpus: float
    begun: float
    until: float
    fault: str = ""


@dataclass(kw_only=True)
class TrialRecord:
    """A trial so far.

    Attributes:
        number: 0-based, in the order of the suggestions.
        values: What it trains with.
        reports: By their 1-based epoch.
        early: Why it was to be ended early; empty while it goes on.
        status: How it ended; None before.
        reason: Why it failed; else empty.
        poor: Whether it failed by its settings.
        stints: Of its attempts, in their order.
    """

    number: int
    values: Point
    reports: dict[int, Report] = field(default_factory=dict)
    early: str = ""
    status: Status | None = None
    reason: str = ""
    poor: bool = False
    stints: list[Stint] = field(default_factory=list, compare=False)

    @property
    def goes_on(self) -> bool:
        """False once it was to be ended early."""
        return not self.early

    @property
    def last(self) -> Report | None:
        """The report of its latest epoch."""
        return self.reports[max(self.reports)] if self.reports else None

    @property
    def folds(self) -> int:
        """On how many folds it was scored."""
        return int((self.last or {}).get(FOLDS, 1))

    @property
    def rank(self) -> tuple[int, float]:
        """Higher is better: scores of as many folds are compared, and those of more are first."""
        return self.folds, (self.last or {}).get(SCORE, -1.0)


class Memory:
    """All trials of a search. Every event is in the journal before it counts.

    Trials that were under way when an earlier process ended, or that failed for a reason which lies
    not in their settings, are handed out again before new ones.

    Args:
        journal: Of the search; its events are gone through again.
        study: Suggests values.
        rungs: Decides who goes on.
        trials: Of the whole search.
        epochs: Of a trial that is not ended early.
        folds: Of the same; its epochs are those of all folds.
    """

    def __init__(
        self,
        journal: Journal,
        study: Suggesting,
        rungs: Rungs,
        *,
        trials: int,
        epochs: int,
        folds: int = 1,
    ) -> None:
        self.records: dict[int, TrialRecord] = {}
        self._journal, self._study = journal, study
        self._rungs, self._pairs = rungs, Pairs()
        self._trials, self._epochs, self._folds = trials, epochs, folds
        for event in journal.events():
            self._apply(event)
        for record in self.records.values():
            if record.status == "failed" and not record.poor:
                record.status, record.reason = None, ""
            elif record.status is None and self.is_over(record.number):
                self.end(record.number)
        self._again = deque(
            record.number for record in self.records.values() if record.status is None
        )

    @property
    def trouble(self) -> SearchError | None:
        """Why nothing can be remembered any more."""
        return self._journal.trouble

    @property
    def trials(self) -> int:
        """Of the whole search, those of earlier and larger calls included."""
        return max(self._trials, len(self.records))

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return sum(record.status is not None for record in self.records.values())

    @property
    def running(self) -> int:
        """How many trials are handed out and have not ended."""
        return len(self.records) - self.ended - len(self._again)

    @property
    def left(self) -> int:
        """How many trials are still to be handed out."""
        return len(self._again) + self.trials - len(self.records)

    def next(self) -> TrialRecord | None:
        """Hand out a trial; None when there is none left."""
        if self._again:
            return self.records[self._again.popleft()]
        if not self.left:
            return None
        number = len(self.records)
        self._journal.add(event := _event("suggested", number, values=self._study.suggest()))
        self.records[number] = TrialRecord(number=number, values=event["values"])
        return self.records[number]

    def begin(self, number: int, *, node: str, cpus: float, gpus: float) -> None:
        """Note that an attempt at a trial has begun.

        Args:
            number: Of the trial.
            node: Where, for people.
            cpus: Processors that it holds.
            gpus: GPUs that it holds.
        """
        self._note(_event("begun", number, node=node, cpus=cpus, gpus=gpus))

    def report(self, number: int, report: Report) -> bool:
        """Note an epoch of a trial.

        Args:
            number: Of the trial.
            report: `epoch` (number of finished ones), `best_dice_case_mean`, at the end of a fold
                name and Dice of its `cases`, and what else to know.

        Returns:
            Whether the trial goes on.
        """
        record = self.records[number]
        if report[EPOCH] not in record.reports:
            self._note(_event("reported", number, report=report))
        return record.goes_on

    def fail(self, number: int, fault: Fault, *, again: bool) -> None:
        """Note that an attempt at a trial has failed.

        Args:
            number: Of the trial.
            fault: Why.
            again: Whether the trial is handed out again; else it has ended.
        """
        self._note(_event("faltered", number, cause=fault.cause, reason=fault.reason))
        if again:
            self._again.append(number)
        else:
            self.end(number, reason=fault.reason, poor=fault.cause == "settings")

    def is_over(self, number: int) -> bool:
        """Whether a trial has nothing left to train."""
        record = self.records[number]
        return not record.goes_on or self._epochs in record.reports

    def end(self, number: int, *, reason: str = "", poor: bool = False) -> None:
        """Note the end of a trial.

        Args:
            number: Of the trial.
            reason: Why it failed; empty where it did not.
            poor: Whether its settings were to blame, so that the search learns from it.
        """
        self._note(_event("ended", number, reason=reason, poor=poor))
        if reason and not poor:
            self._study.tell(number, None)

    def _note(self, event: Event) -> None:
        self._journal.add(event)
        self._apply(event)

    def _apply(self, event: Event) -> None:
        number: int = event["trial"]
        if number in self.records:
            self._apply_time(self.records[number], event)
        match event["event"]:
            case "suggested":
                self._study.add(event["values"])
                self.records[number] = TrialRecord(number=number, values=event["values"])
            case "reported":
                self._apply_report(self.records[event["trial"]], event["report"])
            case "ended":
                self._apply_end(self.records[event["trial"]], event["reason"], event["poor"])

    def _apply_time(self, record: TrialRecord, event: Event) -> None:
        now = event.get("time", 0.0)
        if event["event"] == "begun":
            held = {name: event[name] for name in ("node", "cpus", "gpus")}
            record.stints.append(Stint(**held, begun=now, until=now))
        elif record.stints and record.status is None:
            record.stints[-1].until = now
            record.stints[-1].fault = event.get("reason", "")

    def _apply_report(self, record: TrialRecord, report: Report) -> None:
        record.reports[report[EPOCH]] = report
        number, epoch = record.number, report[EPOCH]
        among = self._rungs.goes_on(number, epoch=epoch, score=report[SCORE])
        behind = "" if among else "not in the best third of those that got so far"
        worse = self._pairs.worse(number, epoch=epoch, cases=dict(report.get(CASES, ())))
        if self._rungs.ends_early:
            record.early = record.early or behind or worse

    def _apply_end(self, record: TrialRecord, reason: str, poor: bool) -> None:
        record.reason, record.poor = reason, poor
        if reason:
            record.status = "failed"
        else:
            record.status = "finished" if self._epochs in record.reports else "ended early"
        if poor:
            self._study.tell(record.number, 0.0)
        elif record.last and not reason:
            part = self._folds > 1 and record.status == "ended early"
            of_part = record.last[EPOCH] if part else None
            self._study.tell(record.number, record.last[SCORE], of_part=of_part)


def _event(kind: str, number: int, **what: Any) -> Event:
    return {"event": kind, "trial": number, **what, "time": round(time.time(), 1)}
