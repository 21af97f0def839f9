"""The errors that users meet, as one family.

KnownError                 a failure with a known cause: one line, exit code 1
└── ShardError             a shard set, or a part of one, cannot be used
    ├── ManifestError      no manifest, an unreadable one, or another format version
    ├── DamagedShardError  bytes differ from what the index or the manifest recorded
    └── StoreError         a folder or URL cannot be read or written
"""


class KnownError(Exception):
    """A failure whose message tells the user what, where, what was found and what to do."""


class ShardError(KnownError):
    """A shard set, or a part of one, cannot be used."""


class ManifestError(ShardError):
    """The manifest is absent, unreadable or of another format version."""


class DamagedShardError(ShardError):
    """Bytes of a shard differ from what the index or the manifest recorded."""


class StoreError(ShardError):
    """A folder or URL cannot be read or written."""
