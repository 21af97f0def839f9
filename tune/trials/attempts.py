"""The attempts at one trial: each writes in a folder of its own and begins where the last was.

A trial whose node is cut off from the cluster is started again elsewhere while the old process may
still write. It cannot harm: nobody writes in another attempt's folder, and it ends as soon as it
sees that a later attempt exists.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shards.console.groups import flattened
from shards.console.whole import whole_or_nothing

LAST = "last.ckpt"
BEST = "best.ckpt"

_CARRIED_ON = (BEST, "metrics.csv", "result.json")
_PREFIX = "attempt-"


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
        return int(self.folder.name.removeprefix(_PREFIX))

    @property
    def resumes(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return (self.folder / LAST).exists()

    def has(self, values: Mapping[str, Any]) -> bool:
        """Whether these options, among others, are what it trains with."""
        text = (self.folder / "config.yaml").read_text(encoding="utf-8")
        options = flattened(yaml.safe_load(text) or {})
        return all(options.get(name) == value for name, value in values.items())

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
    return sorted(map(Attempt, trial.glob(f"{_PREFIX}*")), key=lambda attempt: attempt.number)


def claim(trial: Path, values: Mapping[str, Any]) -> Attempt:
    """Begin the next attempt, with what the last one had reached.

    A driver that is killed may forget its newest trial and give the number to another one: only
    attempts with the same values are gone on with.

    Args:
        trial: Folder of the trial; made if absent.
        values: What the trial trains with, by the names of `lungseg.fit`'s options.

    Returns:
        The attempt, which no other process has.
    """
    trial.mkdir(parents=True, exist_ok=True)
    earlier = attempts(trial)
    number = earlier[-1].number + 1 if earlier else 1
    attempt = Attempt(trial / f"{_PREFIX}{number}")
    try:
        attempt.folder.mkdir()
    except FileExistsError:
        return claim(trial, values)
    for old in reversed(earlier):
        if old.resumes and old.has(values):
            _carry_on(old.folder, attempt.folder)
            break
    return attempt


def _carry_on(old: Path, new: Path) -> None:
    """Copy the checkpoint first, should its owner still write, and let it appear last, whole."""
    with whole_or_nothing(new / LAST) as unfinished:
        shutil.copyfile(old / LAST, unfinished)
        for name in _CARRIED_ON:
            if (old / name).exists():
                shutil.copyfile(old / name, new / name)
