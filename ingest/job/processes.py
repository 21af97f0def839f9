"""A function on many tasks, in processes of this machine; one that dies or hangs costs its task."""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

from shards.storage.socket_folder import keep_sockets_short

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

_log = logging.getLogger(__name__)

_CONTEXT = multiprocessing.get_context("forkserver")
_DEATH_S = 10.0  # in which a killed process is gone, unless the kernel itself waits for a disk


@dataclass(frozen=True, kw_only=True)
class Died:
    """Stands for the result of a task whose worker died.

    Attributes:
        exit_code: Of the worker; negative: the signal that killed it.
    """

    exit_code: int

    def __str__(self) -> str:
        """What happened, for people."""
        if self.exit_code >= 0:
            return f"its worker left with exit code {self.exit_code}, twice"
        name = signal.Signals(-self.exit_code).name
        hint = ", as when memory runs out" if name == "SIGKILL" else ""
        return f"its worker was killed ({name}{hint}), twice"


@dataclass(frozen=True, kw_only=True)
class Overdue:
    """Stands for the result of a task that took too long.

    Attributes:
        minutes: It was given.
    """

    minutes: float

    def __str__(self) -> str:
        """What happened, for people."""
        return (
            f"it took over {self.minutes:g} minutes, twice: look whether its files can be read, or "
            "raise --case-minutes"
        )


Failed = Died | Overdue


def warm_up(module: str) -> None:
    """Begin to import what workers will need, beside what this process does meanwhile.

    Workers are forked from a process that has imported it and has no threads: they start at once.

    Args:
        module: Where the function of a later `run` lies.
    """
    keep_sockets_short()
    _CONTEXT.set_forkserver_preload([module])
    with _signals_are_ours():
        forkserver.ensure_running()


def run(
    function: Callable[[TaskT], ResultT],
    tasks: Sequence[TaskT],
    *,
    workers: int,
    minutes: float,
) -> Iterator[tuple[int, ResultT | Failed]]:
    """Yield every task's position and result, as they are done.

    A task whose worker dies, or that takes too long, is tried once more, alone, after all others;
    if that happens again it is the result. Leaving the generator early kills the workers.

    Args:
        function: Importable; an exception in it ends the run and is raised here.
        tasks: What to call it with; picklable; `str` says what a task is called in messages.
        workers: Processes at a time.
        minutes: Longest that a task may take.

    Yields:
        (position in `tasks`, result).
    """
    warm_up(function.__module__)
    suspects = []
    for position, result in _run_once(function, tasks, range(len(tasks)), workers, minutes):
        if isinstance(result, Died | Overdue):
            say_retry(tasks[position], result)
            suspects.append(position)
        else:
            yield position, result
    for position in suspects:
        yield from _run_once(function, tasks, [position], 1, minutes)


def say_retry(task: object, failed: Failed) -> None:
    """Say that a task will be tried once more, and why."""
    what = "its worker died"
    if isinstance(failed, Overdue):
        what = f"it took over {failed.minutes:g} minutes and was stopped"
    _log.warning("%s: %s, it is tried once more after all others", task, what)


def _run_once(
    function: Callable[[TaskT], ResultT],
    tasks: Sequence[TaskT],
    positions: Iterable[int],
    workers: int,
    minutes: float,
) -> Iterator[tuple[int, ResultT | Failed]]:
    waiting = deque(positions)
    busy: dict[Connection, _Worker[TaskT, ResultT]] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                _hand_out(_Worker(function), tasks, waiting, busy)
            for ready in wait(list(busy), _seconds_left(busy.values(), minutes)):
                worker = busy.pop(ready)  # type: ignore[call-overload]
                position, result = worker.position, worker.result()
                if not isinstance(result, Died) and waiting:
                    _hand_out(worker, tasks, waiting, busy)
                else:
                    worker.leave()
                yield position, result
            for worker in [each for each in busy.values() if each.seconds >= minutes * 60]:
                del busy[worker.connection]
                worker.kill()
                yield worker.position, Overdue(minutes=minutes)
    finally:
        for worker in busy.values():
            worker.kill()


def _seconds_left(busy: "Iterable[_Worker[TaskT, ResultT]]", minutes: float) -> float:
    """Until the first of the busy workers has had its time."""
    return max(0.0, minutes * 60 - max(worker.seconds for worker in busy))


def _hand_out(
    worker: "_Worker[TaskT, ResultT]",
    tasks: Sequence[TaskT],
    waiting: deque[int],
    busy: "dict[Connection, _Worker[TaskT, ResultT]]",
) -> None:
    position = waiting.popleft()
    worker.give(tasks[position], position)
    busy[worker.connection] = worker


class _Worker(Generic[TaskT, ResultT]):
    """A process that answers one task at a time.

    Attributes:
        position: Of the task that it has.
    """

    def __init__(self, function: Callable[[TaskT], ResultT]) -> None:
        self.position, self._since = -1, 0.0
        self.connection, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(
            target=_work, args=(function, theirs, dict(os.environ)), daemon=True
        )
        with _signals_are_ours():
            self._process.start()
        theirs.close()

    @property
    def seconds(self) -> float:
        """Since it was given its task."""
        return time.monotonic() - self._since

    def give(self, task: TaskT, position: int) -> None:
        self.position, self._since = position, time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # it is dead already: result() will tell
            self.connection.send(task)

    def result(self) -> ResultT | Died:
        try:
            done, value = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            return Died(exit_code=self._process.exitcode or 0)
        if not done:
            raise value
        answer: ResultT = value
        return answer

    def leave(self) -> None:
        self.connection.close()
        self._process.join()

    def kill(self) -> None:
        self._process.kill()
        self.connection.close()
        self._process.join(_DEATH_S)


@contextlib.contextmanager
def _signals_are_ours() -> Iterator[None]:
    """Processes that are started meanwhile, and theirs, never see a Ctrl-C or SIGTERM."""
    resource_tracker.ensure_running()  # whose start would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(
    function: Callable[[TaskT], ResultT], connection: Connection, environment: dict[str, str]
) -> None:
    """Answer tasks until the parent hangs up."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.environ.update(environment)  # which may have changed since the fork server was started
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            answer = True, function(task)
        except Exception as error:  # noqa: BLE001 (it is raised where the caller can see it)
            answer = False, error  # type: ignore[assignment]
        connection.send(answer)


def _die_with_parent() -> None:
    """Wait for the end of the process that hands out tasks: an orphan must not write shards."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)
