"""A shard set by its folder or URL: its manifest, its index, and its shards as local files."""

import contextlib
import dataclasses
import functools
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from shards.arrow import from_parquet
from shards.errors import ChangedSetError, DamagedShardError, ManifestError, ShardError, StoreError
from shards.index import ShardIndex
from shards.manifest import INDEX_NAME, MANIFEST_NAME, Manifest
from shards.storage.attempts import Retries
from shards.storage.cache import ShardCache
from shards.storage.local import Files, Folder, SetFile
from shards.storage.place import locate, manifest_bytes
from shards.storage.remote import Remote

_log = logging.getLogger(__name__)


class ShardSet:
    """A shard set that can be read; it pickles, and works in forked processes.

    Attributes:
        url: Folder or URL of the set, without a password or a signature.
        remote: The URL's server; None for a local folder.
        manifest: What the set says of itself.
        manifest_sha256: Hash of `manifest.json`: it changes when the set does.
    """

    def __init__(self, url: str, files: Files, manifest: bytes, remote: Remote | None) -> None:
        self.url = url
        self.remote = remote
        self.manifest = Manifest.from_json(manifest, where=f"{url}/{MANIFEST_NAME}")
        self.manifest_sha256 = hashlib.sha256(manifest).hexdigest()
        self._files = files

    @functools.cached_property
    def index(self) -> ShardIndex:
        """Where each slice lies.

        Raises:
            ShardError: If `index.parquet` is absent or not the one that the manifest means.
        """
        try:
            return self._read_index()
        except ManifestError:
            if self.remote is None:
                raise
            _log.warning("the copy of %s in the cache is damaged: fetched again", INDEX_NAME)
            self._files.discard(self._index_file())
            return self._read_index()

    def local(self, shard: str) -> Path:
        """A shard as a local file of the right size; that of a URL has the right sha256 too.

        In a cache that has a limit it may be evicted before it is opened: prefer `open`.

        Args:
            shard: Its path below the set, as in the index.

        Returns:
            The file.

        Raises:
            ShardError: If it cannot be had, or the set has changed since it was opened.
        """
        return self._local(self._file(shard))

    def open(self, shard: str) -> BinaryIO:
        """A shard as an open local file: it stays readable even when it is evicted.

        Raises:
            ShardError: As `local`.
        """
        return self._open(self._file(shard))

    def read(self, shard: str) -> bytes:
        """A whole shard, held against its sha256; no copy of it is kept in the cache.

        Raises:
            ShardError: As `local`, or if it is damaged.
        """
        file = self._file(shard)
        if self.remote is not None:
            return self._download(self.remote, file)
        try:
            data = self._local(file).read_bytes()
        except OSError as error:
            raise StoreError(f"{self.url}/{shard} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise self.damaged(shard, "its bytes differ from the manifest's sha256")
        return data

    def prefetch(self, shards: Iterable[str]) -> None:
        """Start to download shards in the background, in this order; returns at once.

        Nothing to do for a local folder. In a cache that has a limit they push out what was not
        used for longest, so the limit must hold the window in use and the shards ahead.
        """
        self._files.prefetch([self._file(shard) for shard in shards])

    def release(self, shard: str) -> None:
        """Say that a shard is not needed for a while: where room is short it is evicted first."""
        self._files.release(self._file(shard))

    def damaged(self, shard: str, what: str) -> DamagedShardError:
        """The error to raise when bytes of a shard are not those that the index recorded.

        A damaged copy in the cache is deleted, so that the next run downloads it again.

        Args:
            shard: Its path below the set.
            what: What is wrong with it, and where.

        Returns:
            The error, which says what to do.

        Raises:
            ChangedSetError: If the set was written anew since it was opened: that is the cause.
        """
        self.check_unchanged()
        where = f"{self.url}/{shard} is damaged: {what}"
        if self.remote is None:
            return DamagedShardError(
                f"{where}; `python -m shards verify --shards {self.url}` lists all damage, delete "
                "the file and run `python -m ingest build-shards` again to mend it"
            )
        self._files.discard(self._file(shard))
        return DamagedShardError(
            f"{where}; this was its copy in the local cache, which is deleted now: run this again"
        )

    def check_unchanged(self) -> None:
        """Refuse to go on with a set that was written anew since it was opened.

        A server that cannot be reached just now is borne with.

        Raises:
            ChangedSetError: If the manifest is another one by now, or gone.
        """
        once = self.remote and dataclasses.replace(self.remote, retries=Retries(attempts=1))
        try:
            found = hashlib.sha256(manifest_bytes(self.url, once)).hexdigest()
        except StoreError as error:
            _log.debug("%s", error)
            return
        except ShardError:
            found = "none"
        if found != self.manifest_sha256:
            raise ChangedSetError(
                f"{self.url} was written anew while it was in use: start again with the new set"
            )

    def _read_index(self) -> ShardIndex:
        with self._open(self._index_file()) as file:
            return read_index(file.read(), self.manifest, where=f"{self.url}/{INDEX_NAME}")

    def _index_file(self) -> SetFile:
        return SetFile(INDEX_NAME, 0, self.manifest.index_sha256)

    def _file(self, shard: str) -> SetFile:
        entry = self.manifest.cases[Path(shard).stem]
        return SetFile(shard, entry.bytes, entry.sha256)

    def _local(self, file: SetFile) -> Path:
        with self._blaming_a_change():
            return self._files.local(file)

    def _download(self, remote: Remote, file: SetFile) -> bytes:
        with self._blaming_a_change(), tempfile.TemporaryDirectory(prefix="lungseg-") as folder:
            path = Path(folder) / "shard"
            try:
                remote.download(file.name, path, sha256=file.sha256)
            except FileNotFoundError as error:
                raise remote.absent(file.name) from error
            return path.read_bytes()

    @contextlib.contextmanager
    def _blaming_a_change(self) -> Iterator[None]:
        try:
            yield
        except ShardError:
            self.check_unchanged()
            raise

    def _open(self, file: SetFile) -> BinaryIO:
        while True:
            path = self._local(file)
            try:
                return path.open("rb")
            except FileNotFoundError:
                continue  # evicted by another process since
            except OSError as error:
                raise StoreError(f"{path} cannot be read: {error.strerror}") from error


def open_shards(
    url: str | Path,
    *,
    cache: Path | None = None,
    cache_bytes: int | None = None,
    retries: Retries | None = None,
) -> ShardSet:
    """Open a shard set.

    Args:
        url: Its folder, or a URL that fsspec knows (`https://`, `s3://`, `gs://`, ...).
        cache: Folder for local copies of a URL's files; by default `lungseg/shards` in
            `$XDG_CACHE_HOME` or `~/.cache`.
        cache_bytes: Room for them; None for no limit.
        retries: How long to bear with a URL's server.

    Returns:
        The set, its manifest read.

    Raises:
        ShardError: If no shard set lies there.
    """
    place, remote = locate(url, retries)
    manifest = manifest_bytes(place, remote)
    if remote is None:
        return ShardSet(place, Folder(Path(place)), manifest, None)
    files = ShardCache(
        remote,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        folder=cache or default_cache(),
        max_bytes=cache_bytes,
    )
    return ShardSet(place, files, manifest, remote)


def default_cache() -> Path:
    """The cache folder where none is given (XDG base directories)."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "lungseg" / "shards"


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
        index = from_parquet(data, where=where)
        counts = np.bincount(index.case, minlength=len(index.cases)).tolist()
        if dict(zip(index.cases, counts, strict=True)) == {
            name: entry.slices for name, entry in manifest.cases.items()
        }:
            return index
    raise ManifestError(
        f"{where} is not the index that {MANIFEST_NAME} means, it is damaged or of another build: "
        "delete both and run `python -m ingest build-shards` again"
    )
