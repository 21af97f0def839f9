"""Batches read ahead by threads of this process, in order."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Generic, TypeVar

_PATIENCE_S = 1.0

Request = TypeVar("Request")
Batch = TypeVar("Batch")


class ThreadedLoader(Generic[Request, Batch]):
    """Reads what a sampler requests, in its order, a few batches ahead.

    Where reading is mere copying, threads are faster than a `DataLoader`'s processes, which pay for
    each batch with fresh shared memory and one more copy. What a thread raises is raised by the
    loop over the batches. Threads do not outlive the loop, unless they wait for a server: then they
    keep neither the loop nor the process from ending.

    Args:
        read: Turns a request into a batch; called by several threads at once.
        sampler: The requests; sized, and iterated anew for each pass.
        num_threads: Threads, each with one batch under way.

    Attributes:
        sampler: The sampler; Lightning calls its `set_epoch` where it has one.
        batch_sampler: None, as that of a `DataLoader` whose sampler yields whole batches.
    """

    def __init__(
        self, read: Callable[[Request], Batch], sampler: Iterable[Request], *, num_threads: int
    ) -> None:
        self.sampler = sampler
        self.batch_sampler = None
        self._read = read
        self._num_threads = num_threads

    def __len__(self) -> int:
        return len(self.sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Batch]:
        threads = _Threads(self._read, self._num_threads)
        ahead: deque[Future[Batch]] = deque()
        try:
            for request in self.sampler:
                ahead.append(threads.submit(request))
                if len(ahead) > self._num_threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for batch in ahead:
                batch.cancel()
            threads.end()


class _Threads(Generic[Request, Batch]):
    """As a `ThreadPoolExecutor`, which however waits for its threads when the process ends."""

    def __init__(self, read: Callable[[Request], Batch], num_threads: int) -> None:
        self._read = read
        self._tasks: queue.SimpleQueue[tuple[Request, Future[Batch]] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name="read", daemon=True)
            for _ in range(num_threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, request: Request) -> Future[Batch]:
        """Have a request read."""
        batch: Future[Batch] = Future()
        self._tasks.put((request, batch))
        return batch

    def end(self) -> None:
        """End the threads; one that waits for a server is left alone with it after a while."""
        for _ in self._threads:
            self._tasks.put(None)
        until = time.monotonic() + _PATIENCE_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            request, batch = task
            if batch.set_running_or_notify_cancel():
                try:
                    batch.set_result(self._read(request))
                except BaseException as error:  # noqa: BLE001 (the loop over the batches raises it)
                    batch.set_exception(error)
            del task, batch  # or the batch's memory would stay in use until the next one
