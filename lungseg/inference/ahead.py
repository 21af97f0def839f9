"""Work of one iterator done beside that of its reader, a bounded number of items ahead."""

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


class _Failed:
    """An error that the other thread met."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def ahead(source: Iterator[Item], *, most: int) -> Generator[Item]:
    """Yield what an iterator yields, in its order, while a thread of its own runs it.

    Close it, for example by `contextlib.closing`, where not all is read: then `source` is closed.

    Args:
        source: The iterator; nobody else may read it.
        most: Items that may wait to be read; one more may be in the making.

    Raises:
        BaseException: What the source raises, after the items before it.
    """
    waiting: queue.Queue[object] = queue.Queue(most)
    is_over = threading.Event()
    thread = threading.Thread(target=_run, args=(source, waiting, is_over), daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Failed):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        is_over.set()
        while thread.is_alive():
            with contextlib.suppress(queue.Empty):
                waiting.get_nowait()
            thread.join(0.01)


def _run(
    source: Iterator[object], waiting: "queue.Queue[object]", is_over: threading.Event
) -> None:
    last: object = _END
    try:
        for item in source:
            waiting.put(item)
            if is_over.is_set():
                break
    except BaseException as error:  # noqa: BLE001 (it is raised where the items are read)
        last = _Failed(error)
    finally:
        if close := getattr(source, "close", None):
            close()
    waiting.put(last)
