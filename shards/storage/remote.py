"""Files of a URL: fetched and put again after a failure, verified, or one clear error."""

import contextlib
import errno
import functools
import hashlib
import logging
import os
import re
import tempfile
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from shards.console.errors import KnownError
from shards.errors import FormatVersionError, StoreError

_log = logging.getLogger(__name__)

T = TypeVar("T")

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORTH_ANOTHER_TRY = (408, 425, 429)  # besides 5xx: timeout, too early, too many requests


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How long to bear with a server.

    Attributes:
        attempts: How often a file is asked for at most; by default within a minute of pauses, so
            that a server may be started anew.
        first_wait_s: Pause after the first failure; it doubles with each further one.
        timeout_s: Longest silence of the server, and the time a file may take beyond what
            `min_bytes_per_s` allows it.
        min_bytes_per_s: A slower file counts as stalled.
    """

    attempts: int = 8
    first_wait_s: float = 0.5
    timeout_s: float = 30.0
    min_bytes_per_s: float = 10_000.0


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A folder behind a URL that fsspec knows.

    Attributes:
        url: The folder, without a final slash.
        retries: How long to bear with its server.
    """

    url: str
    retries: Retries = Retries()

    @property
    def shown(self) -> str:
        """The URL for messages, without user, password, token and signature."""
        return re.sub(r"//[^/?]*@", "//", self.url).split("?")[0]

    def read(self, name: str, check: Callable[[bytes], T]) -> T:
        """Read a small file.

        Args:
            name: Its name below the folder.
            check: Turns the content into what is wanted, or raises a KnownError for a wrong one.

        Returns:
            What `check` returned.

        Raises:
            FileNotFoundError: If the server says that there is no such file.
            FormatVersionError: If `check` raised it.
            StoreError: If it could not be had.
        """
        with tempfile.TemporaryDirectory(prefix="lungseg-") as folder:
            path = Path(folder) / "file"
            return self._persist(name, lambda: check(self._fetch(name, path).read_bytes()))

    def download(self, name: str, path: Path, *, sha256: str | None) -> None:
        """Put a file on local disk.

        Args:
            name: Its name below the folder.
            path: Where to; after an error it may hold a part of the file.
            sha256: What its content must hash to, hexadecimal; None takes what comes.

        Raises:
            FileNotFoundError: If the server says that there is no such file.
            StoreError: If it could not be had.
        """

        def fetch() -> None:
            found = _sha256(self._fetch(name, path))
            if sha256 not in (None, found):
                raise StoreError(
                    f"{path.stat().st_size} bytes came that are not those that the manifest means "
                    f"(sha256 {found[:12]} instead of {str(sha256)[:12]}), "
                    f"`python -m shards verify --shards {self.shown}` tells whether it is damaged"
                )

        self._persist(name, fetch)

    def absent(self, name: str) -> StoreError:
        """The error to raise when the server does not have a file that it should have."""
        return StoreError(
            f"{self.shown}/{name} is absent, though the manifest names it: upload the whole set "
            "again"
        )

    def names(self, folder: str) -> set[str] | None:
        """Names of what lies directly in a folder; None where the server does not tell.

        Raises:
            StoreError: If they could not be had.
        """
        if self.url.startswith("http"):
            return None
        system, root = self._system()
        place = f"{root}/{folder}".rstrip("/")
        try:
            entries = self._persist(folder, lambda: system.ls(place, detail=False, refresh=True))
        except FileNotFoundError:
            return set()
        paths = {f"/{entry.rstrip('/')}" for entry in entries} - {f"/{place.lstrip('/')}"}
        return {path.rsplit("/", 1)[-1] for path in paths}

    def sizes(self) -> dict[str, int]:
        """Bytes of all files below the folder, by their names with `/`.

        Raises:
            StoreError: If they could not be had.
        """
        system, root = self._system()

        def find() -> dict[str, int]:
            system.invalidate_cache()
            try:
                found = system.find(root, detail=True)
            except FileNotFoundError:
                return {}
            below = f"{root.strip('/')}/"
            names = {path: path.strip("/").removeprefix(below) for path in found}
            return {names[path]: int(found[path]["size"] or 0) for path in found}

        return self._persist("", find)

    def put(self, path: Path, name: str) -> None:
        """Put a local file there, whole or not at all.

        Args:
            path: The file.
            name: Its name below the folder.

        Raises:
            StoreError: If it could not be put.
        """
        system, root = self._system()
        self._write(name, lambda: system.put_file(str(path), f"{root}/{name}"))

    def delete(self, name: str) -> None:
        """Delete a file, if it is there.

        Raises:
            StoreError: If it could not be deleted.
        """
        system, root = self._system()
        with contextlib.suppress(FileNotFoundError):
            self._persist(name, lambda: system.rm_file(f"{root}/{name}"), to="deleted")

    def _write(self, name: str, attempt: Callable[[], object]) -> None:
        try:
            self._persist(name, attempt, to="written")
        except (FileNotFoundError, NotImplementedError) as error:
            raise StoreError(
                f"{self.shown}/{name} may not be written ({_in_words(error)}): check the URL; a "
                "bucket must be there"
            ) from error

    def _system(self) -> tuple[Any, str]:
        return _filesystem(self.url, self.retries.timeout_s, os.getpid())

    def _fetch(self, name: str, path: Path) -> Path:
        from fsspec.callbacks import Callback

        system, root = self._system()
        start = time.monotonic()

        def refuse_trickle(_size: int | None, done: int) -> None:
            allowed_s = self.retries.timeout_s + done / self.retries.min_bytes_per_s
            if time.monotonic() - start > allowed_s:
                raise TimeoutError(f"({done} bytes in {allowed_s:.0f} s)")

        source = _below(root, name)
        system.get_file(source, str(path), callback=Callback(hooks={"pace": refuse_trickle}))
        return path

    def _persist(self, name: str, attempt: Callable[[], T], *, to: str = "read") -> T:
        """The result of the first attempt that succeeds."""
        self._system()
        for number in range(1, self.retries.attempts + 1):
            try:
                return attempt()
            except FormatVersionError:
                raise
            except Exception as error:
                self._refuse_hopeless(name, error, to)
                cause = _in_words(error)
                if number == self.retries.attempts:
                    raise StoreError(
                        f"{self.shown}/{name} could not be {to} in {number} attempts, the "
                        f"last failed with: {cause}; check the server and the network, then run "
                        "this again"
                    ) from error
            wait_s = self.retries.first_wait_s * 2 ** (number - 1)
            _log.warning("%s/%s: %s; trying again in %g s", self.shown, name, cause, wait_s)
            time.sleep(wait_s)
        raise AssertionError(self.retries)

    def _refuse_hopeless(self, name: str, error: Exception, to: str) -> None:
        """Raise what no further attempt would mend."""
        status = getattr(error, "status", 500)
        if isinstance(error, FileNotFoundError | NotImplementedError):
            raise error
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise StoreError(
                f"no room on the local disk for {self.shown}/{name} ({error.strerror}): make room, "
                "choose another cache folder or allow the cache fewer bytes"
            ) from error
        if isinstance(error, PermissionError) or (
            isinstance(status, int) and status < 500 and status not in _WORTH_ANOTHER_TRY
        ):
            raise StoreError(
                f"{self.shown}/{name} may not be {to} ({_in_words(error)}): check the URL and the "
                "credentials"
            ) from error


@functools.lru_cache(maxsize=16)
def _filesystem(url: str, timeout_s: float, process: int) -> tuple[Any, str]:
    """The fsspec file system of a URL and the URL's path on it.

    Its connections belong to one process: a forked one needs its own.
    """
    del process
    import fsspec

    protocol = url.split("://")[0].split("::")[0]
    try:
        options = _limits(protocol, timeout_s)
        for key, value in fsspec.config.conf.get(protocol, {}).items():
            options[key] = {**options.get(key, {}), **value} if isinstance(value, dict) else value
        system, root = fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        raise StoreError(f"{protocol}:// cannot be read ({error})") from error
    if protocol in ("s3", "s3a"):
        system.retries = 1  # Remote counts the attempts
        for name in ("botocore", "aiobotocore"):  # they tell where credentials were found
            logging.getLogger(name).setLevel(logging.WARNING)
    return system, str(root).rstrip("/")


def _limits(protocol: str, timeout_s: float) -> dict[str, Any]:
    """Options that make a file system give up on a silent server."""
    if protocol in ("http", "https"):
        import aiohttp

        silence = aiohttp.ClientTimeout(total=None, sock_connect=timeout_s, sock_read=timeout_s)
        return {"client_kwargs": {"timeout": silence}}
    if protocol in ("s3", "s3a"):
        limits = {"connect_timeout": timeout_s, "read_timeout": timeout_s}
        return {"config_kwargs": {**limits, "retries": {"total_max_attempts": 1}}}
    if protocol in ("gs", "gcs"):
        return {"requests_timeout": timeout_s}
    return {}


def _below(root: str, name: str) -> str:
    """A file's address: on a web server names are quoted, and a signature stays at the end."""
    if not root.startswith(("http://", "https://")):
        return f"{root}/{name}"
    path, mark, query = root.partition("?")
    return f"{path.rstrip('/')}/{urllib.parse.quote(name)}{mark}{query}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_words(error: Exception) -> str:
    """What happened, in one line, without the addresses that some libraries add."""
    if isinstance(error, KnownError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"the server was silent or too slow {error}".rstrip()
    status, reason = getattr(error, "status", None), getattr(error, "message", None)
    if status is not None:
        return f"HTTP {status} {reason or ''}".rstrip()
    return " ".join(f"{type(error).__name__}: {error}".rstrip(": ").split())
