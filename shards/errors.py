"""The errors that users meet, as one family.

KnownError                 a failure with a known cause: one line, exit code 1
└── ShardError             a shard set, or a part of one, cannot be used
    ├── ManifestError      no manifest or index, or an unreadable one
    │   └── FormatVersionError   a set of another format version
    ├── DamagedShardError  bytes differ from what the index or the manifest recorded
    ├── ChangedSetError    a set was written anew while it was in use
    └── StoreError         a folder or URL cannot be read or written
"""

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


class ShardError(KnownError):
    """A shard set, or a part of one, cannot be used."""


class ManifestError(ShardError):
    """The manifest or the index is absent or unreadable."""


class FormatVersionError(ManifestError):
    """The set has another format version."""


class DamagedShardError(ShardError):
    """Bytes of a shard differ from what the index or the manifest recorded."""


class ChangedSetError(ShardError):
    """A shard set was written anew while it was in use."""


class StoreError(ShardError):
    """A folder or URL cannot be read or written."""
