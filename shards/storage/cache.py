"""Verified local copies of a remote set's files, within a byte budget, shared by all processes.

A cache folder holds one folder per set, named after the set's URL (without user and signature,
which change) and the hash of its manifest; `set.json` in it says which set that is. A copy's name
holds its size and hash, by which the cache knows its own files: no others are ever deleted.
`NAME.part` is a download under way; its downloader holds a lock (`flock`) on it, so one without a
lock was left by a killed process.
"""

import contextlib
import fcntl
import hashlib
import itertools
import json
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from shards.console.whole import write_through
from shards.errors import ShardError, StoreError
from shards.storage.local import SetFile
from shards.storage.remote import Remote

_log = logging.getLogger(__name__)

_OWN_NAME = re.compile(r".+\.(?P<bytes>\d+)-[0-9a-f]{32}\.\w+(?P<part>\.part)?")
_NUM_DOWNLOADERS = 4
_POLL_S = 0.05
_POLLS_TO_WARNING = 600


class ShardCache:
    """The local copies of one remote set.

    Args:
        remote: Where the set lies.
        manifest_sha256: Hash of its manifest.
        folder: Cache folder, which other sets may share.
        max_bytes: Room for the copies of all sets together; None for no limit.

    Raises:
        StoreError: If the folder cannot be written to.
    """

    def __init__(
        self, remote: Remote, *, manifest_sha256: str, folder: Path, max_bytes: int | None
    ) -> None:
        self._remote = remote
        self._root = folder
        self._max_bytes = max_bytes
        self._wanted: queue.SimpleQueue[SetFile] | None = None
        self._process = 0
        key = hashlib.sha256(f"{remote.shown}\n{manifest_sha256}".encode()).hexdigest()[:32]
        self._folder = folder / key
        with self._locked():
            self._folder.mkdir(exist_ok=True)
            mark = {"url": remote.shown, "manifest_sha256": manifest_sha256}
            (self._folder / "set.json").write_text(json.dumps(mark) + "\n", encoding="utf-8")
            self._own_files()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_wanted": None, "_process": 0}

    def local(self, file: SetFile) -> Path:
        """The local copy of a file, downloaded unless it is there.

        It may be evicted at any time: open it at once, and again if it is gone.

        Raises:
            StoreError: If it cannot be had, or the disk is full.
        """
        copy = self._copy(file)
        for polls in itertools.count():
            with self._blaming_the_folder():
                if self._is_used(copy, file.bytes):
                    return copy
                with self._claim(copy, file.bytes) as part:
                    if part is not None:
                        self._fill(part, file)
                        part.replace(copy)
                        continue
            if polls == _POLLS_TO_WARNING:
                _log.warning("%s waits for other downloads, or for room in the cache", copy)
            time.sleep(_POLL_S)
        raise AssertionError(copy)

    def prefetch(self, files: Iterable[SetFile]) -> None:
        """Start to download files in the background; failures are kept quiet.

        Whoever needs such a file calls `local`, which waits for it, or meets the failure itself.
        Those that are there already count as in use from now on.
        """
        if self._wanted is None or self._process != os.getpid():
            self._wanted, self._process = queue.SimpleQueue(), os.getpid()
            for _ in range(_NUM_DOWNLOADERS):
                threading.Thread(target=self._download, args=(self._wanted,), daemon=True).start()
        with self._blaming_the_folder():  # what is there is in use before a download needs room
            absent = [file for file in files if not self._is_used(self._copy(file), file.bytes)]
        for file in absent:
            self._wanted.put(file)

    def release(self, file: SetFile) -> None:
        """Say that a file is not needed for a while: it is the first to go when room is short."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._copy(file), (0, 0))

    def discard(self, file: SetFile) -> None:
        """Delete the copy of a file, because it was found damaged."""
        self._copy(file).unlink(missing_ok=True)

    def _copy(self, file: SetFile) -> Path:
        path = Path(file.name)
        return self._folder / f"{path.stem}.{file.bytes}-{file.sha256[:32]}{path.suffix}"

    def _download(self, wanted: "queue.SimpleQueue[SetFile]") -> None:
        while True:
            try:
                self.local(wanted.get())
            except ShardError as error:
                _log.debug("prefetch: %s", error)

    def _fill(self, part: Path, file: SetFile) -> None:
        """Download to a file that this process has locked; after a failure the file is gone."""
        try:
            self._remote.download(file.name, part, sha256=file.sha256)
            write_through(part)
        except BaseException as error:
            part.unlink(missing_ok=True)
            if isinstance(error, FileNotFoundError):
                raise self._remote.absent(file.name) from error
            raise

    def _is_used(self, copy: Path, num_bytes: int) -> bool:
        """Whether the copy is there, and if so note that it is in use."""
        try:
            if num_bytes and copy.stat().st_size != num_bytes:
                copy.unlink()
                return False
            now = time.time_ns()  # finer than the clock by which the system would do it
            os.utime(copy, ns=(now, now))
        except FileNotFoundError:
            return False
        return True

    @contextlib.contextmanager
    def _claim(self, copy: Path, num_bytes: int) -> Iterator[Path | None]:
        """The path to download to, or None while another process does or there is no room."""
        part = copy.with_name(copy.name + ".part")
        descriptor = None
        try:
            with self._locked():
                descriptor = _try_lock(part)
                if descriptor is not None and (copy.exists() or not self._make_room(num_bytes)):
                    part.unlink(missing_ok=True)
                    _unlock(descriptor)
                    descriptor = None
            yield part if descriptor is not None else None
        finally:
            if descriptor is not None:
                _unlock(descriptor)

    def _make_room(self, num_bytes: int) -> bool:
        """Evict the least recently used copies of all sets; False while downloads fill the room."""
        if self._max_bytes is None:
            return True
        if num_bytes > self._max_bytes:
            raise StoreError(
                f"the cache must hold at least one shard, a shard of {self._remote.shown} has "
                f"{num_bytes} bytes and the cache may have {self._max_bytes}: allow it more"
            )
        copies, downloads = self._own_files()
        room = self._max_bytes - sum(found.st_size for found in copies.values()) - downloads
        for path, found in sorted(copies.items(), key=lambda item: item[1].st_mtime_ns):
            if room >= 0:
                break
            path.unlink(missing_ok=True)
            room += found.st_size
        return room >= 0

    def _own_files(self) -> tuple[dict[Path, os.stat_result], int]:
        """The copies of files of any set, and the bytes that downloads under way will need.

        Downloads that were cut off are deleted on the way.
        """
        copies, downloads = {}, 0
        for path in self._root.glob("*/*"):
            own = _OWN_NAME.fullmatch(path.name)
            if own is None or not (path.parent / "set.json").is_file():
                continue
            if not own["part"]:
                with contextlib.suppress(FileNotFoundError):
                    copies[path] = path.stat()
            elif not _delete_left_over(path):
                downloads += int(own["bytes"])
        return copies, downloads

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the cache folder against other processes, for a moment."""
        with self._blaming_the_folder():
            self._root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                _unlock(descriptor)

    @contextlib.contextmanager
    def _blaming_the_folder(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"the cache folder {self._root} cannot be used ({error.strerror}): choose another"
            ) from error


def _try_lock(path: Path) -> int | None:
    """A descriptor of the file, made if absent, with its lock; None while another one has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    with contextlib.suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:  # not renamed or deleted meanwhile
            return descriptor
    os.close(descriptor)
    return None


def _delete_left_over(part: Path) -> bool:
    """Delete a download that nobody works on any more."""
    descriptor = _try_lock(part)
    if descriptor is None:
        return False
    part.unlink(missing_ok=True)
    _unlock(descriptor)
    return True


def _unlock(descriptor: int) -> None:
    """Give a lock back, also where a process that was forked meanwhile has the file open too."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
