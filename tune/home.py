"""Where a search lies: a folder, or a local copy of one that is kept at a URL."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from shards.console.groups import replaced
from shards.errors import StoreError
from shards.storage.working_copy import WorkingCopy, copied_url, working_copy
from tune.history.memory import Memory
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.options.identity import JOURNAL
from tune.trials.outcome import TrialOutcome, outcomes

_OF_TRIALS = ("trials", "tune")  # theirs, and Tune's own
_OWNER = "owner.txt"


class Home:
    """The folder of a search, as its driver has it.

    Args:
        out: The folder; within a working copy, what counts is at its URL.

    Attributes:
        out: The folder.
        url: Where it is kept; None for a folder.
        place: What the trials have for it: the folder or its URL.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        url = copied_url(out)
        self.url = url
        self.place = Path(url) if url else out
        self._copy = WorkingCopy(url, out, not_ours=_OF_TRIALS) if url else None
        self._owner = uuid.uuid4().hex

    def for_trials(self, options: SearchOptions) -> SearchOptions:
        """The options with a place that every node reaches."""
        return replaced(options, out=self.place)

    def take(self) -> None:
        """Be the one process that writes the journal; one on another machine ends."""
        if self._copy:
            (self.out / _OWNER).write_text(self._owner, encoding="utf-8")
            self._copy.push()  # in this order: what tells whose folder it is, the journal, this

    def keep_journal(self) -> None:
        """Have the journal where it survives this machine.

        Raises:
            SearchError: If it could not be put there, or another process has taken the search.
        """
        if self._copy is None:
            return
        try:
            self._copy.pull([_OWNER])
            if (self.out / _OWNER).read_text(encoding="utf-8") != self._owner:
                raise SearchError(
                    f"another process has taken over the search in {self._copy.url}: leave it to it"
                )
            self._copy.put(JOURNAL)
        except StoreError as error:
            raise SearchError(str(error)) from error

    def outcomes(self, memory: Memory, *, first_fold: int | None = None) -> list[TrialOutcome]:
        """What became of the trials that are over, with the files that results are made of.

        Args:
            memory: Of the search.
            first_fold: As of `tune.trials.outcome.outcomes`.
        """
        if self._copy is None:
            return outcomes(memory, self.out, first_fold=first_fold)
        over = {f"{n:03d}" for n, record in memory.records.items() if record.status is not None}
        names = {name for name in self._copy.names() if name.split("/")[0] == "trials"}
        for name in names:
            (self.out / name).parent.mkdir(parents=True, exist_ok=True)
        self._copy.pull(
            name
            for name in names
            if name.endswith("/result.json")
            and name.split("/")[1] in over
            and not (self.out / name).exists()
        )
        trials = outcomes(memory, self.out, first_fold=first_fold)
        best = trials[0].checkpoint.relative_to(self.out).as_posix() if trials else ""
        self._copy.pull({best} & names)
        return trials

    def keep_results(self, trials: list[TrialOutcome]) -> None:
        """Put the results at the URL, and delete checkpoints that they make needless."""
        if self._copy is None:
            return
        self._copy.push()
        scored = {f"{trial.number:03d}" for trial in trials if trial.dice is not None}
        self._copy.delete(
            name
            for name in self._copy.names()
            if name.endswith(".ckpt")
            and name.split("/")[0] == "trials"
            and name.split("/")[1] in scored
        )


@contextlib.contextmanager
def kept_search(url: str) -> Iterator[WorkingCopy]:
    """A local copy of a search that is kept at a URL, without its trials."""
    with working_copy(url, "search", leave_out=_OF_TRIALS, not_ours=_OF_TRIALS) as copy:
        yield copy
