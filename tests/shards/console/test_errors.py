"""What users meet as a line names the cause and nothing of the machinery."""

import errno
import os

from shards.console.errors import KnownError, in_words


def test_the_trace_of_a_loaders_process_is_taken_off():
    trace = (
        "Caught ShardError in DataLoader worker process 0.\nOriginal Traceback (most recent call "
        "last):\n  File 'x'\nshards.errors.ShardError: a shard is odd: mend it\n"
    )
    assert str(KnownError(trace)) == "a shard is odd: mend it"
    assert str(KnownError("a shard is odd\n")) == "a shard is odd"


def test_a_failure_of_a_disk_names_the_files_and_the_reason():
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a/b")
    assert in_words(full).startswith("a/b cannot be used (No space left on device): check")
    moved = OSError(errno.EXDEV, "crosses disks", "a", None, "b")
    assert in_words(moved).startswith("a -> b cannot be used (crosses disks)")
    assert in_words(OSError(errno.EIO, "input/output error")).startswith("a file or a disk cannot")
