"""The files of a shard set on local disk: what a reader asks of a folder or a cache."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from shards.errors import DamagedShardError


class SetFile(NamedTuple):
    """A file of a set as the manifest knows it.

    Attributes:
        name: Its path below the set.
        bytes: Its size; 0 where that is not known.
        sha256: Hash of its content, hexadecimal.
    """

    name: str
    bytes: int
    sha256: str


class Files(Protocol):
    """The files of a set on local disk."""

    def local(self, file: SetFile) -> Path:
        """The file, of the size that is known."""

    def prefetch(self, files: Iterable[SetFile]) -> None:
        """Start to make files local."""

    def release(self, file: SetFile) -> None:
        """Say that a file is not needed for a while."""

    def discard(self, file: SetFile) -> None:
        """Forget a damaged local copy of a file."""


class Folder:
    """A set in a local folder, where nothing needs to be copied.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def local(self, file: SetFile) -> Path:
        """The file itself; the reader holds each slice against its crc32.

        Raises:
            DamagedShardError: If it is absent or has another size.
        """
        path = self._root / file.name
        found = path.stat().st_size if path.is_file() else None
        if found is not None and file.bytes in (0, found):
            return path
        what = "is absent" if found is None else f"has {found} bytes instead of {file.bytes}"
        raise DamagedShardError(
            f"{path} {what}: run `python -m ingest build-shards` again, which builds it anew"
        )

    def prefetch(self, files: Iterable[SetFile]) -> None:
        """Nothing to do."""

    def release(self, file: SetFile) -> None:
        """Nothing to do."""

    def discard(self, file: SetFile) -> None:
        """Nothing to do: this is no copy."""
