"""Attempts at what a server is asked for: once more after what may pass, else one clear error."""

import errno
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from shards.console.errors import KnownError
from shards.errors import FormatVersionError, StoreError

_log = logging.getLogger(__name__)

T = TypeVar("T")

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORTH_ANOTHER_TRY = (408, 425, 429)  # besides 5xx: timeout, too early, too many requests

# of botocore and google-auth, which may not be installed
_WITHOUT_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError")


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

    def persist(self, where: str, attempt: Callable[[], T], *, to: str = "read") -> T:
        """The result of the first attempt that succeeds.

        Args:
            where: The file, for messages.
            attempt: Does what is wanted, or raises.
            to: What is done to the file, as a participle.

        Raises:
            FileNotFoundError: If the server says that there is no such file.
            NotImplementedError: If its file system cannot do that.
            FormatVersionError: If the attempt raised it.
            StoreError: If no attempt succeeded, or none would.
        """
        for number in range(1, self.attempts + 1):
            try:
                return attempt()
            except FormatVersionError:
                raise
            except Exception as error:
                _refuse_hopeless(where, error, to)
                cause = in_words(error)
                if number == self.attempts:
                    raise StoreError(
                        f"{where} could not be {to} in {number} attempts, the last failed with: "
                        f"{cause}; check the server and the network, then run this again"
                    ) from error
            wait_s = self.first_wait_s * 2 ** (number - 1)
            _log.warning("%s: %s; trying again in %g s", where, cause, wait_s)
            time.sleep(wait_s)
        raise AssertionError(self)


def _refuse_hopeless(where: str, error: Exception, to: str) -> None:
    """Raise what no further attempt would mend."""
    status = getattr(error, "status", 500)
    if isinstance(error, FileNotFoundError | NotImplementedError):
        raise error
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        raise StoreError(
            f"no room on the local disk for {where} ({error.strerror}): make room, choose another "
            "cache folder or allow the cache fewer bytes"
        ) from error
    if (
        isinstance(error, PermissionError)
        or type(error).__name__ in _WITHOUT_CREDENTIALS
        or (isinstance(status, int) and status < 500 and status not in _WORTH_ANOTHER_TRY)
    ):
        raise StoreError(
            f"{where} may not be {to} ({in_words(error)}): check the URL and the credentials"
        ) from error


def in_words(error: Exception) -> str:
    """What happened, in one line, without the addresses that some libraries add."""
    if isinstance(error, KnownError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"the server was silent or too slow {error}".rstrip()
    status, reason = getattr(error, "status", None), getattr(error, "message", None)
    if status is not None:
        return f"HTTP {status} {reason or ''}".rstrip()
    return " ".join(f"{type(error).__name__}: {error}".rstrip(": ").split())
