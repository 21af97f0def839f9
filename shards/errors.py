"""The errors of shard sets, as one family.

shards.console.errors.KnownError
└── ShardError             a shard set, or a part of one, cannot be used
    ├── ManifestError      no manifest or index, or an unreadable one
    │   └── FormatVersionError   a set of another format version
    ├── DamagedShardError  bytes differ from what the index or the manifest recorded
    ├── ChangedSetError    a set was written anew while it was in use
    └── StoreError         a folder or URL cannot be read or written
"""

from shards.console.errors import KnownError


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
