"""Batches read ahead by threads of this process, in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Request = TypeVar("Request")
Batch = TypeVar("Batch")


class ThreadedLoader(Generic[Request, Batch]):
    """Reads what a sampler requests, in its order, a few batches ahead.

    Where reading is mere copying, threads are faster than a `DataLoader`'s processes, which pay for
    each batch with fresh shared memory and one more copy. What a thread raises is raised by the
    loop over the batches.

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
        pool = ThreadPoolExecutor(self._num_threads, thread_name_prefix="read")
        ahead: deque[Future[Batch]] = deque()
        try:
            for request in self.sampler:
                ahead.append(pool.submit(self._read, request))
                if len(ahead) > self._num_threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
