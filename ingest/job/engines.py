"""Where cases are built: in processes of this machine, or on a Ray cluster."""

import functools
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from ingest.job import processes
from ingest.job.one_case import Outcome, Task, build_case
from ingest.job.processes import Failed, Overdue, say_retry
from ingest.job.time_limit import answer_within
from ingest.options import BuildShards
from shards.console.errors import KnownError

_WORKER_BYTES = 128 << 20
_LAST_WORDS_S = 1.0  # in which an answer leaves a worker that is then ended


class NoClusterError(KnownError):
    """The Ray cluster of `--address` cannot be joined."""


def built(build: BuildShards, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
    """Build cases, and yield the position of each and what became of it, as they are done.

    Raises:
        StoreError: If the target cannot be written to.
        NoClusterError: If there is no Ray cluster at `--address`.
    """
    results: Iterator[tuple[int, Any]]
    if build.address is None:
        results = processes.run(
            build_case, tasks, workers=build.processes, minutes=build.case_minutes
        )
    else:
        results = _on_cluster(build.address, tasks, build.case_minutes)
    for position, result in results:
        is_known = isinstance(result, Outcome)
        yield position, result if is_known else Outcome(reason=str(result))


def _on_cluster(address: str, tasks: Sequence[Task], minutes: float) -> Iterator[tuple[int, Any]]:
    """Build on a Ray cluster; what takes too long once is tried once more after all others."""
    suspects = []
    for position, result in _fan_out(address, tasks, minutes):
        if isinstance(result, Overdue):
            say_retry(tasks[position], result)
            suspects.append(position)
        else:
            yield position, result
    for place, result in _fan_out(address, [tasks[position] for position in suspects], minutes):
        yield suspects[place], result


def _fan_out(address: str, tasks: Sequence[Task], minutes: float) -> Iterator[tuple[int, Any]]:
    from cluster.fanout import fan_out

    def build_in_time(task: Task) -> Outcome | Failed:
        return within(minutes, task)

    if not tasks:
        return
    try:
        yield from fan_out(build_in_time, tasks, address=address, memory_bytes=_WORKER_BYTES)
    except ConnectionError as error:
        raise NoClusterError(str(error)) from error


def within(minutes: float, task: Task) -> Outcome | Failed:
    """Build a case on a Ray worker, which is ended if that takes too long.

    Another task that the worker was given by then is lost with it, and tried again by Ray.
    """
    try:
        return answer_within(minutes * 60, functools.partial(build_case, task))
    except TimeoutError:
        threading.Timer(_LAST_WORDS_S, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return Overdue(minutes=minutes)
