"""A shard set by its folder or URL: its manifest, its index, and its shards as local files."""

import functools
import hashlib
from pathlib import Path

from shards.errors import ShardError, StoreError
from shards.index import ShardIndex
from shards.manifest import INDEX_NAME, MANIFEST_NAME, Manifest


class ShardSet:
    """A shard set that can be read.

    Attributes:
        url: Folder or URL of the set.
        manifest: What the set says of itself.
        manifest_sha256: Hash of `manifest.json`: it changes when the set does.
    """

    def __init__(self, root: Path) -> None:
        self.url = str(root)
        self._root = root
        text = self._read(MANIFEST_NAME)
        self.manifest = Manifest.from_json(text, where=f"{self.url}/{MANIFEST_NAME}")
        self.manifest_sha256 = hashlib.sha256(text).hexdigest()

    @functools.cached_property
    def index(self) -> ShardIndex:
        """Where each slice lies."""
        return ShardIndex.from_parquet(self._read(INDEX_NAME), where=f"{self.url}/{INDEX_NAME}")

    def local(self, shard: str) -> Path:
        """A shard as a local file, of the size the manifest gives."""
        return self._root / shard

    def _read(self, name: str) -> bytes:
        try:
            return (self._root / name).read_bytes()
        except OSError as error:
            raise StoreError(f"{self.url}/{name} cannot be read: {error.strerror}") from error


def open_shards(url: str | Path) -> ShardSet:
    """Open a shard set.

    Args:
        url: Its folder.

    Returns:
        The set, its manifest read.

    Raises:
        ShardError: If no shard set lies there.
    """
    root = Path(url)
    if not (root / MANIFEST_NAME).is_file():
        what = "holds no manifest.json" if root.is_dir() else "is no folder"
        raise ShardError(
            f"{root} {what}, so it is no shard set: make one with "
            f"`python -m ingest build-shards --source SCANS --out {root}`"
        )
    return ShardSet(root)
