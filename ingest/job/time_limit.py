"""An answer within a time, from a function that may never give one."""

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

AnswerT = TypeVar("AnswerT")


def answer_within(seconds: float, function: Callable[[], AnswerT]) -> AnswerT:
    """Call a function in a thread of its own, which is left to itself where it takes too long.

    Args:
        seconds: Longest that it may take.
        function: What it raises is raised here.

    Returns:
        Its answer.

    Raises:
        TimeoutError: If there is none in time.
    """
    answers: queue.Queue[tuple[Any, Exception | None]] = queue.Queue()

    def call() -> None:
        try:
            answers.put((function(), None))
        except Exception as error:  # noqa: BLE001 (it is raised where the caller can see it)
            answers.put((None, error))

    threading.Thread(target=call, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    known: AnswerT = answer
    return known
