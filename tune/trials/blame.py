"""Whose fault it is that a trial cannot go on: found by looking at the node, in its process."""

import errno
from collections.abc import Iterator
from pathlib import Path

from cluster.resources import Resources
from lungseg.errors import DivergedError
from shards.console.errors import KnownError
from shards.console.out import url_of
from shards.storage.remote import Remote
from shards.storage.store import open_shards
from shards.storage.working_copy import shown
from tune.history.disk import FULL, has_room
from tune.history.fault import Cause, Fault
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.options.identity import JOURNAL

_NO_MEMORY = ("can't allocate memory", "out of memory", "memory does not suffice", "low on memory")


class FaultError(Exception):
    """An attempt at a trial has failed, and it was found out why.

    Args:
        fault: Why.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def check_node(search: SearchOptions, resources: Resources) -> None:
    """Make sure that trials of the search can run in this process.

    Args:
        search: The options of the search.
        resources: What a trial may use.

    Raises:
        KnownError: If the search's folder, the shards or the GPU cannot be used here.
    """
    _check_journal(search.out)
    open_shards(search.data.shards, cache=search.data.cache)
    if resources.gpus:
        from lungseg.training.process.gpu import check_gpu

        check_gpu()


def _check_journal(out: Path) -> None:
    """Make sure that the search's folder, or its URL, can be read here."""
    url, journal = url_of(out), out / JOURNAL
    try:
        if url:
            Remote(url=url).read(JOURNAL, len)
        else:
            journal.read_bytes()[:1]
    except OSError as error:
        raise SearchError(
            f"the search's {shown(journal)} cannot be read here ({error.strerror}): every node "
            "must reach --out under the same name"
        ) from error


def blame(error: Exception, search: SearchOptions, resources: Resources) -> Fault:
    """Why a trial could not go on.

    Args:
        error: What ended its training.
        search: The options of the search.
        resources: What the trial may use.
    """
    if isinstance(error, FaultError):
        return error.fault
    said = str(error).strip() or "no reason was given"
    line = said if isinstance(error, KnownError) else f"{type(error).__name__}: {said}"
    reason = " ".join(line.splitlines()[0].split())
    if isinstance(error, DivergedError):
        return Fault(cause="settings", reason=reason)
    if not _whole(search):
        return Fault(cause="full disk", reason=f"the disk of {search.out} is full")
    if is_memory(error):
        return Fault(cause="memory", reason=_memory(reason))
    try:
        check_node(search, resources)
    except (KnownError, OSError, RuntimeError) as found:
        return Fault(cause="node", reason=" ".join(str(found).splitlines()[0].split()))
    return Fault(cause=_of_a_sound_node(error), reason=reason)


def _whole(search: SearchOptions) -> bool:
    return not search.out.exists() or has_room(search.out)


def _of_a_sound_node(error: Exception) -> Cause:
    if any(isinstance(part, OSError) and part.errno in FULL for part in _chain(error)):
        return "node"  # another disk of it, as that of the cache
    return "trial" if isinstance(error, KnownError) else "process"


def is_memory(error: Exception) -> bool:
    """Whether an error says that the memory did not suffice."""
    return any(
        isinstance(part, MemoryError)
        or (isinstance(part, OSError) and part.errno == errno.ENOMEM)
        or type(part).__name__ == "OutOfMemoryError"
        or any(words in str(part) for words in _NO_MEMORY)
        for part in _chain(error)
    )


def _memory(reason: str) -> str:
    return reason if "memory" in reason.lower() else f"the memory does not suffice: {reason}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
