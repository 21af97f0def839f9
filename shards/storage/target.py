"""Where a shard set is written: a local folder, or a URL through fsspec; files appear whole."""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from shards.console.whole import whole_or_nothing, write_through
from shards.errors import StoreError
from shards.storage.place import UNFINISHED_NAME

_LOCK_NAME = ".lock"


class Target(Protocol):
    """A folder of files; names are relative to it, with `/`.

    Attributes:
        url: What the user called it.
        staging: Local folder for files that are still being written; `publish` takes them from it.
    """

    url: str
    staging: Path

    def read(self, name: str) -> bytes | None:
        """Content of a file; None when there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole, or not at all."""

    def publish(self, staged: Path, name: str) -> None:
        """Move a finished file of the staging folder to its final name."""

    def settle(self, name: str) -> None:
        """Return when a published file would survive a power cut."""

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of each file directly in a folder, by file name."""

    def delete(self, name: str) -> None:
        """Delete a file or a folder with all it holds; absent ones are fine."""

    def free_bytes(self) -> int | None:
        """Room left; None when it has no known limit."""


def open_target(url: str) -> Target:
    """Open a place to write to.

    Args:
        url: A path, or a URL that fsspec knows (`s3://`, `gs://`, ...), whose unfinished files lie
            in the system's temporary folder.

    Returns:
        The target. Nothing is created yet.

    Raises:
        StoreError: If the URL's protocol is unknown or its library is not installed.
    """
    if "://" in url and not url.startswith("file://"):
        return _UrlTarget(url)
    return _LocalTarget(url.removeprefix("file://"))


@contextlib.contextmanager
def locked(target: Target) -> Iterator[None]:
    """Hold the target against another writer on this machine; unfinished files go at the end.

    Raises:
        StoreError: If another process holds it.
    """
    path = _lock_path(target)
    with _known_errors(target.url):
        created = not path.parent.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"one job may write to {target.url} at a time, another one does: wait for it, or "
                "choose another --out"
            ) from error
        try:
            yield
        finally:
            shutil.rmtree(target.staging, ignore_errors=True)
            path.unlink(missing_ok=True)
            if created:
                with contextlib.suppress(OSError):  # it holds what was written
                    path.parent.rmdir()
    finally:
        os.close(descriptor)


def _lock_path(target: Target) -> Path:
    if isinstance(target, _LocalTarget):
        return target.root / _LOCK_NAME
    return target.staging.with_suffix(_LOCK_NAME)


def written_error(url: str, error: OSError) -> StoreError:
    """What to tell a user whose target could not be written to."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(f"the disk of {url} is full: make room and run this again")
    what = error.strerror or " ".join(str(error).split())
    return StoreError(f"{url} cannot be read or written ({what}): check it")


@contextlib.contextmanager
def _known_errors(url: str) -> Iterator[None]:
    """Turn failures of a store, whose libraries each have their own errors, into one line."""
    try:
        yield
    except OSError as error:
        raise written_error(url, error) from error
    except StoreError:
        raise
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise StoreError(f"{url} cannot be read or written ({what}): check it") from error


class _LocalTarget:
    def __init__(self, path: str) -> None:
        self.url = path
        self.root = Path(path)
        self.staging = self.root / UNFINISHED_NAME / "staging"

    def read(self, name: str) -> bytes | None:
        with _known_errors(self.url):
            try:
                return (self.root / name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        path = self.root / name
        with (
            _known_errors(self.url),
            whole_or_nothing(path, staging=self.staging, durable=True) as unfinished,
        ):
            unfinished.write_bytes(data)

    def publish(self, staged: Path, name: str) -> None:
        with _known_errors(self.url):
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(path)

    def settle(self, name: str) -> None:
        with _known_errors(self.url):
            write_through(self.root / name)
            write_through((self.root / name).parent)

    def sizes(self, folder: str) -> dict[str, int]:
        with _known_errors(self.url):
            try:
                with os.scandir(self.root / folder) as entries:
                    files = [entry for entry in entries if entry.is_file()]  # no link to nothing
                    return {entry.name: entry.stat().st_size for entry in files}
            except FileNotFoundError:
                return {}

    def delete(self, name: str) -> None:
        with _known_errors(self.url):
            path = self.root / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def free_bytes(self) -> int | None:
        existing = next(
            path for path in (self.root, *self.root.absolute().parents) if path.exists()
        )
        return shutil.disk_usage(existing).free


class _UrlTarget:
    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url
        name = hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]
        self.staging = Path(tempfile.gettempdir()) / f"lungseg-{os.getuid()}-{name}"
        with _known_errors(url):
            self._fs, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        self._root = root.rstrip("/")

    def read(self, name: str) -> bytes | None:
        with _known_errors(self.url):
            try:
                return bytes(self._fs.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        with _known_errors(self.url):
            self._fs.pipe_file(self._path(name), data)

    def publish(self, staged: Path, name: str) -> None:
        with _known_errors(self.url):
            self._fs.put_file(str(staged), self._path(name))
        staged.unlink()

    def settle(self, name: str) -> None:
        """Nothing to do: what a store has taken is safe."""

    def sizes(self, folder: str) -> dict[str, int]:
        with _known_errors(self.url):
            try:
                entries: list[dict[str, Any]] = self._fs.ls(self._path(folder), detail=True)
            except FileNotFoundError:
                return {}
        return {Path(entry["name"]).name: int(entry["size"] or 0) for entry in entries}

    def delete(self, name: str) -> None:
        with _known_errors(self.url), contextlib.suppress(FileNotFoundError):
            self._fs.rm(self._path(name), recursive=True)

    def free_bytes(self) -> int | None:
        return None

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root
