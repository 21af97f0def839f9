"""A shard set by its folder or URL: its manifest, its index, and its shards as local files."""

import functools
import hashlib
from pathlib import Path

import numpy as np

from shards.errors import DamagedShardError, ManifestError, ShardError, StoreError
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
        """Where each slice lies.

        Raises:
            ShardError: If `index.parquet` is absent or not the one that the manifest means.
        """
        return read_index(self._read(INDEX_NAME), self.manifest, where=f"{self.url}/{INDEX_NAME}")

    def local(self, shard: str) -> Path:
        """A shard as a local file, of the size the manifest gives.

        Raises:
            DamagedShardError: If it is absent or of another size.
        """
        path = self._root / shard
        expected = self.manifest.cases[Path(shard).stem].bytes
        found = path.stat().st_size if path.is_file() else None
        if found != expected:
            what = "is absent" if found is None else f"has {found} bytes instead of {expected}"
            raise DamagedShardError(
                f"{path} {what}: run `python -m ingest build-shards` again, which builds it anew"
            )
        return path

    def check_unchanged(self) -> None:
        """Refuse to go on with a set that was written anew since it was opened.

        Raises:
            ShardError: If the manifest is another one by now.
        """
        if hashlib.sha256(self._read(MANIFEST_NAME)).hexdigest() != self.manifest_sha256:
            raise ShardError(
                f"{self.url} was written anew while it was in use: start again with the new set"
            )

    def _read(self, name: str) -> bytes:
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError as error:
            raise StoreError(
                f"{self.url}/{name} is absent: run `python -m ingest build-shards` again, "
                "which completes the set"
            ) from error
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
    root = Path(str(url).removeprefix("file://"))
    if not (root / MANIFEST_NAME).is_file():
        raise ShardError(
            f"{root} {_what_is_at(root)}, so it is no shard set: make one with "
            f"`python -m ingest build-shards --source SCANS --out {root}`"
        )
    return ShardSet(root)


def read_index(data: bytes, manifest: Manifest, *, where: str) -> ShardIndex:
    """Read the index that belongs to a manifest.

    Args:
        data: Content of `index.parquet`.
        manifest: The set's manifest.
        where: Path or URL of the index, for messages.

    Returns:
        The index; its slices per case are those of the manifest.

    Raises:
        ManifestError: If it is damaged or belongs to another manifest.
    """
    if hashlib.sha256(data).hexdigest() == manifest.index_sha256:
        index = ShardIndex.from_parquet(data, where=where)
        counts = np.bincount(index.case, minlength=len(index.cases)).tolist()
        if dict(zip(index.cases, counts, strict=True)) == {
            name: entry.slices for name, entry in manifest.cases.items()
        }:
            return index
    raise ManifestError(
        f"{where} is not the index that {MANIFEST_NAME} means, it is damaged or of another build: "
        "delete both and run `python -m ingest build-shards` again"
    )


def _what_is_at(path: Path) -> str:
    if path.is_file():
        return "is a file"
    if not path.is_dir():
        return "does not exist"
    return f"holds no {MANIFEST_NAME}" if any(path.iterdir()) else "is an empty folder"
