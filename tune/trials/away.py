"""The attempts at one trial where the search's folder is at a URL: each in a prefix of its own.

Nothing there can be claimed by a rename, so the name of an attempt ends in what no other has.
"""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from shards.console.out import url_of
from shards.storage.own_folder import own_folder
from shards.storage.remote import Remote
from shards.storage.working_copy import PATIENT, WorkingCopy
from tune.options.settings import trial_folder
from tune.trials.attempts import (
    CARRIED_ON,
    LAST,
    PREFIX,
    Attempt,
    SupersededError,
    claim,
    number_of,
)

_BEGUN = "begun.txt"


class AwayAttempt:
    """One process's try at a trial, in a folder of this machine that is kept at a URL.

    Args:
        trial: URL of the trial.
        folder: An empty one, of this machine.

    Attributes:
        folder: `--out` of its training.
    """

    def __init__(self, trial: str, folder: Path) -> None:
        self.folder = folder
        self._trial = Remote(url=trial, retries=PATIENT)
        earlier = self._attempts()
        number = number_of(max(earlier, key=number_of)) + 1 if earlier else 1
        self._name = f"{PREFIX}{number}-{uuid.uuid4().hex[:8]}"
        self._copy = WorkingCopy(f"{trial}/{self._name}", folder)
        self._carry_on(earlier)

    @property
    def resumes(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return any(self.folder.rglob(LAST))

    def keep(self) -> None:
        """Put what was written at the URL.

        Raises:
            shards.errors.StoreError: If it could not be put.
        """
        self._copy.push(last=LAST)

    def assert_newest(self) -> None:
        """End an attempt that others believe dead.

        Raises:
            SupersededError: If there is a later one.
        """
        newest = max(self._attempts(), key=lambda name: (number_of(name), name))
        if newest != self._name:
            raise SupersededError(f"{self._copy.url} is superseded by {newest}")

    def _attempts(self) -> dict[str, set[str]]:
        """The files of each attempt at the URL."""
        found: dict[str, set[str]] = {}
        for path in self._trial.sizes():
            name, _, file = path.partition("/")
            found.setdefault(name, set()).add(file)
        return found

    def _carry_on(self, earlier: dict[str, set[str]]) -> None:
        """Begin at the URL with what the last attempt had reached."""
        (self.folder / _BEGUN).touch()
        self.keep()  # from now on an older one ends
        for name in sorted(earlier, key=number_of, reverse=True):
            if LAST in map(_last_part, earlier[name]):
                carried = [f for f in earlier[name] if _last_part(f) in (LAST, *CARRIED_ON)]
                WorkingCopy(f"{self._trial.url}/{name}", self.folder).pull(carried)
                break
        self.keep()


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]


@contextlib.contextmanager
def attempt_at(out: Path, number: int) -> Iterator[Attempt | AwayAttempt]:
    """Begin the next attempt at a trial, with what the last one had reached.

    Args:
        out: Folder or URL of the search.
        number: Of the trial.
    """
    trial = trial_folder(out, number)
    url = url_of(trial)
    if url is None:
        yield claim(trial)
        return
    with own_folder() as folder:
        yield AwayAttempt(url, folder)
