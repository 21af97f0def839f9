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
    """The folder of a search, which every node reaches.

    Args:
        out: The folder.

    Attributes:
        out: The folder.
        place: What everyone else has for it, as text.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.place = str(out)

    def for_trials(self, options: SearchOptions) -> SearchOptions:
        """The options with the place of the search as trials find it."""
        return replaced(options, out=Path(self.place))

    def take(self) -> None:
        """Be the one process that writes the journal, which a lock on the folder sees to."""

    def keep_journal(self) -> None:
        """Have the journal where it survives this machine, as the folder does."""

    def outcomes(self, memory: Memory, *, first_fold: int | None = None) -> list[TrialOutcome]:
        """What became of the trials that are over, with the files that results are made of.

        Args:
            memory: Of the search.
            first_fold: As of `tune.trials.outcome.outcomes`.
        """
        return outcomes(memory, self.out, first_fold=first_fold)

    def keep_results(self, trials: list[TrialOutcome]) -> None:
        """Have the results where they survive this machine."""


class HomeAtUrl(Home):
    """The local copy of a search: what counts is at its URL, and trials put theirs there.

    Args:
        out: The copy.
        url: Where it is kept.
    """

    def __init__(self, out: Path, url: str) -> None:
        super().__init__(out)
        self.place = url
        self._copy = WorkingCopy(url, out, not_ours=_OF_TRIALS)
        self._owner = uuid.uuid4().hex

    def take(self) -> None:
        """Be the one process that writes the journal; one on another machine ends."""
        (self.out / _OWNER).write_text(self._owner, encoding="utf-8")
        self._copy.push()  # in this order: what tells whose folder it is, the journal, this

    def keep_journal(self) -> None:
        """Put the journal at the URL.

        Raises:
            SearchError: If it could not be put there, or another process has taken the search.
        """
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
        """As of a folder, with what trials have put at the URL."""
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
        trials = super().outcomes(memory, first_fold=first_fold)
        best = trials[0].checkpoint.relative_to(self.out).as_posix() if trials else ""
        self._copy.pull({best} & names)
        return trials

    def keep_results(self, trials: list[TrialOutcome]) -> None:
        """Put the results at the URL, and delete checkpoints that they make needless."""
        self._copy.push()
        scored = {f"{trial.number:03d}" for trial in trials if trial.dice is not None}
        self._copy.delete(
            name
            for name in self._copy.names()
            if name.endswith(".ckpt")
            and name.split("/")[0] == "trials"
            and name.split("/")[1] in scored
        )


def home_of(out: Path) -> Home:
    """Where a search lies that has a folder, which may be of a working copy."""
    url = copied_url(out)
    return Home(out) if url is None else HomeAtUrl(out, url)


@contextlib.contextmanager
def kept_search(url: str) -> Iterator[WorkingCopy]:
    """A local copy of a search that is kept at a URL, without its trials."""
    with working_copy(url, "search", leave_out=_OF_TRIALS, not_ours=_OF_TRIALS) as copy:
        yield copy
