"""What users meet as a line instead of a trace: what, where, what was found and what to do."""

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


def in_words(error: OSError) -> str:
    """A failure of a file, a folder or a disk in one line."""
    where = " -> ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
    what = error.strerror or str(error)
    return (
        f"{where or 'a file or a disk'} cannot be used ({what}): check the path, the rights and "
        "the room on its disk"
    )
