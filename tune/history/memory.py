"""What became of every trial, kept in a journal from which it all comes back after a kill."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from tune.history.journal import Event, Journal
from tune.history.rungs import Rungs
from tune.history.study import Study
from tune.options.space import Point

Status = Literal["finished", "ended early", "failed"]
Report = dict[str, Any]

EPOCH = "epoch"
SCORE = "best_dice_case_mean"


@dataclass(kw_only=True)
class TrialRecord:
    """A trial so far.

    Attributes:
        number: 0-based, in the order of the suggestions.
        values: What it trains with.
        reports: By their 1-based epoch.
        goes_on: False once it was to be ended early.
        status: How it ended; None before.
        reason: Why it failed; else empty.
        poor: Whether it failed by its settings.
    """

    number: int
    values: Point
    reports: dict[int, Report] = field(default_factory=dict)
    goes_on: bool = True
    status: Status | None = None
    reason: str = ""
    poor: bool = False

    @property
    def last(self) -> Report | None:
        """The report of its latest epoch."""
        return self.reports[max(self.reports)] if self.reports else None


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
    """

    def __init__(
        self, journal: Journal, study: Study, rungs: Rungs, *, trials: int, epochs: int
    ) -> None:
        self.records: dict[int, TrialRecord] = {}
        self._journal, self._study, self._rungs = journal, study, rungs
        self._trials, self._epochs = trials, epochs
        for event in journal.events():
            self._apply(event)
        for record in self.records.values():
            if record.status == "failed" and not record.poor:
                record.status, record.reason = None, ""
            elif record.status is None and self._is_over(record):
                self.end(record.number)
        self._again = deque(
            record.number for record in self.records.values() if record.status is None
        )

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

    def report(self, number: int, report: Report) -> bool:
        """Note an epoch of a trial.

        Args:
            number: Of the trial.
            report: `epoch` (number of finished ones), `best_dice_case_mean`, and what else to know.

        Returns:
            Whether the trial goes on.
        """
        record = self.records[number]
        if report[EPOCH] not in record.reports:
            self._note(_event("reported", number, report=report))
        return record.goes_on

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
        match event["event"]:
            case "suggested":
                self._study.add(event["values"])
                number = event["trial"]
                self.records[number] = TrialRecord(number=number, values=event["values"])
            case "reported":
                self._apply_report(self.records[event["trial"]], event["report"])
            case "ended":
                self._apply_end(self.records[event["trial"]], event["reason"], event["poor"])

    def _apply_report(self, record: TrialRecord, report: Report) -> None:
        record.reports[report[EPOCH]] = report
        record.goes_on &= self._rungs.goes_on(
            record.number, epoch=report[EPOCH], score=report[SCORE]
        )

    def _apply_end(self, record: TrialRecord, reason: str, poor: bool) -> None:
        record.reason, record.poor = reason, poor
        if reason:
            record.status = "failed"
        else:
            record.status = "finished" if self._epochs in record.reports else "ended early"
        if poor:
            self._study.tell(record.number, 0.0)
        elif record.last and not reason:
            self._study.tell(record.number, record.last[SCORE])

    def _is_over(self, record: TrialRecord) -> bool:
        return not record.goes_on or self._epochs in record.reports


def _event(kind: str, number: int, **what: Any) -> Event:
    return {"event": kind, "trial": number, **what}
