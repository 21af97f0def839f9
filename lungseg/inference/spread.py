"""Work on many tasks, shared among places that each do one at a time."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Task = TypeVar("Task")
Place = TypeVar("Place")
Result = TypeVar("Result")


class Stopped(BaseException):
    """The work was called off; only `check_stop` raises it."""


def spread(
    work: Callable[[Task, Place, Callable[[], None]], Result],
    tasks: Sequence[Task],
    places: Sequence[Place],
) -> Iterator[tuple[int, Result]]:
    """Yield the position of each task and its result, as they are done; with one place in order.

    Args:
        work: Called with a task, the place for it, and `check_stop`, which it calls now and then:
            that raises where an error, or Ctrl-C, elsewhere ended all.
        tasks: The tasks.
        places: At least one; with several, each has a thread.

    Raises:
        BaseException: The first that `work` raises.
    """
    if len(places) == 1:
        for position, task in enumerate(tasks):
            yield position, work(task, places[0], lambda: None)
        return
    free: queue.SimpleQueue[Place] = queue.SimpleQueue()
    for place in places:
        free.put(place)
    is_over = threading.Event()

    def check_stop() -> None:
        if is_over.is_set():
            raise Stopped

    def run(task: Task) -> Result:
        check_stop()
        place = free.get()
        try:
            return work(task, place, check_stop)
        except BaseException:
            is_over.set()
            raise
        finally:
            free.put(place)

    with ThreadPoolExecutor(len(places)) as pool:
        waiting = {pool.submit(run, task): position for position, task in enumerate(tasks)}
        try:
            yield from _as_done(waiting)
        finally:
            is_over.set()


def _as_done(waiting: dict[Future[Result], int]) -> Iterator[tuple[int, Result]]:
    left = set(waiting)
    while left:
        done, left = wait(left, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=waiting.__getitem__):
            if not isinstance(future.exception(), Stopped):  # the error behind it is to come
                yield waiting[future], future.result()
