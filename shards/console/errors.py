"""The one error that users meet as a line: what, where, what was found and what to do."""

import re

_TRACE_OF_WORKER = re.compile(r"Caught \w+ in .*\nOriginal Traceback.*\n[\w.]+: ", re.DOTALL)


class KnownError(Exception):
    """A failure whose message tells the user what, where, what was found and what to do.

    Args:
        message: The message. A trace that torch puts before it, where it was raised in a process
            of a `DataLoader`, is taken off.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_TRACE_OF_WORKER.sub("", message).rstrip())
