"""Files of a URL: fetched and put again after a failure, verified, or one clear error."""

import contextlib
import hashlib
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from shards.errors import StoreError
from shards.storage.attempts import Retries, in_words
from shards.storage.filesystem import address, file_system

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A folder behind a URL that fsspec knows.

    Attributes:
        url: The folder, without a final slash.
        retries: How long to bear with its server.
    """

    url: str
    retries: Retries = field(default_factory=Retries)

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
        try:
            self._persist(name, lambda: system.put_file(str(path), f"{root}/{name}"), to="written")
        except (FileNotFoundError, NotImplementedError) as error:
            raise StoreError(
                f"{self.shown}/{name} may not be written ({in_words(error)}): check the URL; a "
                "bucket must be there"
            ) from error

    def delete(self, name: str) -> None:
        """Delete a file, if it is there.

        Raises:
            StoreError: If it could not be deleted.
        """
        system, root = self._system()
        with contextlib.suppress(FileNotFoundError):
            self._persist(name, lambda: system.rm_file(f"{root}/{name}"), to="deleted")

    def _system(self) -> tuple[Any, str]:
        return file_system(self.url, self.retries.timeout_s)

    def _fetch(self, name: str, path: Path) -> Path:
        from fsspec.callbacks import Callback

        system, root = self._system()
        start = time.monotonic()

        def refuse_trickle(_size: int | None, done: int) -> None:
            allowed_s = self.retries.timeout_s + done / self.retries.min_bytes_per_s
            if time.monotonic() - start > allowed_s:
                raise TimeoutError(f"({done} bytes in {allowed_s:.0f} s)")

        pace = Callback(hooks={"pace": refuse_trickle})
        system.get_file(address(root, name), str(path), callback=pace)
        return path

    def _persist(self, name: str, attempt: Callable[[], T], *, to: str = "read") -> T:
        self._system()  # which no further attempt would mend
        return self.retries.persist(f"{self.shown}/{name}", attempt, to=to)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
