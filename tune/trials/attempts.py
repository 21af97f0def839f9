"""The attempts at one trial: each writes in a folder of its own and begins where the last was.

A trial whose node is cut off from the cluster is started again elsewhere while the old process may
still write. It cannot harm: nobody writes in another attempt's folder, and it ends as soon as it
sees that a later attempt exists.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from shards.console.whole import whole_or_nothing

LAST = "last.ckpt"
BEST = "best.ckpt"

CARRIED_ON = (BEST, "metrics.csv", "cases.csv", "result.json")
PREFIX = "attempt-"
_FOLD = "fold_"


class SupersededError(RuntimeError):
    """A later attempt at the same trial exists."""


@dataclass(frozen=True)
class Attempt:
    """One process's try at a trial.

    Attributes:
        folder: `--out` of its training.
    """

    folder: Path

    @property
    def number(self) -> int:
        """1 for the first attempt."""
        return number_of(self.folder.name)

    @property
    def resumes(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return any((folder / LAST).exists() for folder in self.trainings)

    @property
    def trainings(self) -> list[Path]:
        """Folders of its trainings so far: its own, or one for each fold."""
        return sorted(self.folder.glob(f"{_FOLD}*")) or [self.folder]

    def keep(self) -> None:
        """Nothing: who reaches the folder has its files."""

    def assert_newest(self) -> None:
        """End an attempt that others believe dead.

        Raises:
            SupersededError: If there is a later one.
        """
        newest = attempts(self.folder.parent)[-1]
        if newest != self:
            raise SupersededError(f"{self.folder} is superseded by {newest.folder}")


def attempts(trial: Path) -> list[Attempt]:
    """The attempts at a trial so far, the oldest first."""
    return sorted(map(Attempt, trial.glob(f"{PREFIX}*")), key=lambda attempt: attempt.number)


def number_of(name: str) -> int:
    """Number of the attempt whose folder has a name."""
    return int(name.removeprefix(PREFIX).partition("-")[0])


def claim(trial: Path) -> Attempt:
    """Begin the next attempt, with what the last one had reached.

    Args:
        trial: Folder of the trial; made if absent, but for the search's own.

    Returns:
        The attempt, which no other process has.
    """
    trial.parent.mkdir(exist_ok=True)
    trial.mkdir(exist_ok=True)
    earlier = attempts(trial)
    number = earlier[-1].number + 1 if earlier else 1
    attempt = Attempt(trial / f"{PREFIX}{number}")
    try:
        attempt.folder.mkdir()
    except FileExistsError:
        return claim(trial)
    for old in reversed(earlier):
        if old.resumes:
            for training in old.trainings:
                _carry_on(training, attempt.folder / training.relative_to(old.folder))
            break
    return attempt


def fold_folder(attempt: Path, fold: int) -> Path:
    """Where the training of a fold lies, where a trial has several."""
    return attempt / f"{_FOLD}{fold}"


def _carry_on(old: Path, new: Path) -> None:
    """Copy the checkpoint first, should its owner still write, and let it appear last, whole."""
    if not (old / LAST).exists():
        return
    new.mkdir(exist_ok=True)
    with whole_or_nothing(new / LAST) as unfinished:
        shutil.copyfile(old / LAST, unfinished)
        for name in CARRIED_ON:
            if (old / name).exists():
                shutil.copyfile(old / name, new / name)
