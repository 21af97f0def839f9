"""The files of a shard set on local disk: what a reader asks of a folder or a cache."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from shards.errors import DamagedShardError


class Files(Protocol):
    """The files of a set on local disk, by (name below the set, bytes, sha256)."""

    def local(self, name: str, num_bytes: int, sha256: str) -> Path:
        """The file, of the size given unless that is 0."""

    def prefetch(self, files: Iterable[tuple[str, int, str]]) -> None:
        """Start to make files local."""

    def release(self, name: str, num_bytes: int, sha256: str) -> None:
        """Say that a file is not needed for a while."""

    def discard(self, name: str, num_bytes: int, sha256: str) -> None:
        """Forget a damaged local copy of a file."""


class Folder:
    """A set in a local folder, where nothing needs to be copied.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def local(self, name: str, num_bytes: int, sha256: str) -> Path:
        """The file itself.

        Raises:
            DamagedShardError: If it is absent or has another size.
        """
        del sha256  # the reader holds each slice against its crc32
        path = self._root / name
        found = path.stat().st_size if path.is_file() else None
        if found is not None and num_bytes in (0, found):
            return path
        what = "is absent" if found is None else f"has {found} bytes instead of {num_bytes}"
        raise DamagedShardError(
            f"{path} {what}: run `python -m ingest build-shards` again, which builds it anew"
        )

    def prefetch(self, files: Iterable[tuple[str, int, str]]) -> None:
        """Nothing to do."""

    def release(self, name: str, num_bytes: int, sha256: str) -> None:
        """Nothing to do."""

    def discard(self, name: str, num_bytes: int, sha256: str) -> None:
        """Nothing to do: this is no copy."""
