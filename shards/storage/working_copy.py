"""A folder that is kept at a URL: worked on in a local copy, whose files are put there whole.

Object stores neither append nor rename, so a run writes in a folder of this machine as ever.
A file counts as kept once it is at the URL; whatever else is in the copy is lost with the machine.
"""

import contextlib
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from shards.console.errors import KnownError
from shards.console.out import Kind, refuse_foreign, url_of
from shards.errors import StoreError
from shards.storage.attempts import Retries
from shards.storage.own_folder import PREFIX, own_folder
from shards.storage.remote import Remote

_log = logging.getLogger(__name__)

Mark = tuple[int, int, int]

PATIENT = Retries(attempts=9)  # two minutes of pauses
_TEXT = (".csv", ".html", ".json", ".yaml")
_LOOK_EVERY_S = 1.0
_URL_NAME = "url"


def shown(path: Path | str) -> str:
    """A path, or the URL that it was given as without its secrets, for messages."""
    url = url_of(path)
    return Remote(url=url).shown if url else str(path)


class WorkingCopy:
    """The local copy of a folder that is kept at a URL.

    Args:
        url: The folder.
        folder: Of the copy.
        retries: How long to bear with the store.
        not_ours: Names of folders, on any level, whose files others put there.
        mark: Name of an empty file that is put there before any other.

    Attributes:
        folder: Of the copy.
        url: As it is shown.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        retries: Retries = PATIENT,
        not_ours: Collection[str] = (),
        mark: str | None = None,
    ) -> None:
        self._remote = Remote(url=url, retries=retries)
        self.url, self.folder = self._remote.shown, folder
        self._not_ours, self._mark = set(not_ours), mark
        self._kept: dict[str, Mark] = {}

    def names(self) -> set[str]:
        """Names of all files at the URL, with `/`."""
        return set(self._remote.sizes())

    def pull(self, names: Iterable[str]) -> None:
        """Bring files here, replacing those of the same names; such that are gone are passed by.

        Raises:
            StoreError: If they could not be had.
        """
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_name(f".{path.name}.half")
            with contextlib.suppress(FileNotFoundError):
                self._remote.download(name, half, sha256=None)
                half.replace(path)
                self._kept[name] = _mark(path)

    def push(self, *, last: str = "") -> None:
        """Put there what has changed here, as text without the name of the local folder.

        Args:
            last: Name of files that are put after all others, as they were before these: who goes
                on from such a file finds the others as far as it, or farther.

        Raises:
            StoreError: If it could not be put.
        """
        with tempfile.TemporaryDirectory(prefix=".push-", dir=self.folder) as staging:
            changed = {n: m for n, m in self._present().items() if self._kept.get(n) != m}
            if changed and self._mark:
                (Path(staging) / "mark").touch()
                self._remote.put(Path(staging) / "mark", self._mark)
                self._mark = None
            held = {name: Path(staging) / str(n) for n, name in enumerate(changed)}
            for name in [name for name in changed if Path(name).name == last]:
                os.link(self.folder / name, held[name])
            for name in sorted(changed, key=lambda name: Path(name).name == last):
                self._put(name, held[name])
                self._kept[name] = changed[name]

    def put(self, name: str) -> None:
        """Put one file there, changed or not.

        Raises:
            StoreError: If it could not be put.
        """
        self._remote.put(self.folder / name, name)
        self._kept[name] = _mark(self.folder / name)

    def delete(self, names: Iterable[str]) -> None:
        """Delete files there.

        Raises:
            StoreError: If they could not be deleted.
        """
        for name in names:
            self._remote.delete(name)

    def said(self, text: str) -> str:
        """A text with the URL in place of the local folder."""
        return text.replace(str(self.folder), self.url)

    def said_of(self, result: dict[str, Any]) -> dict[str, Any]:
        """A result with the URL in its texts."""
        return {n: self.said(v) if isinstance(v, str) else v for n, v in result.items()}

    def _present(self) -> dict[str, Mark]:
        """The files here that are put there, and what tells their contents apart."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            parts = name.split("/")
            hidden = any(part.startswith(".") for part in parts)
            if not (hidden or self._not_ours & set(parts)):
                with contextlib.suppress(FileNotFoundError):
                    if path.is_file():
                        found[name] = _mark(path)
        return found

    def _put(self, name: str, held: Path) -> None:
        """Put a file there as it is now, or as it was held."""
        with contextlib.suppress(FileNotFoundError):
            source = held if held.exists() else self.folder / name
            if name.endswith(_TEXT):
                held.write_bytes(
                    source.read_bytes().replace(str(self.folder).encode(), self.url.encode())
                )
                source = held
            self._remote.put(source, name)


def copied_url(folder: Path) -> str | None:
    """The URL of a folder in a working copy; None for any other folder."""
    for above in (folder, *folder.parents):
        note = above.parent / _URL_NAME
        if above.parent.name.startswith(PREFIX) and note.is_file():
            url = note.read_text(encoding="utf-8")
            return "/".join([url, *folder.relative_to(above).parts])
    return None


@contextlib.contextmanager
def working_copy(
    url: str,
    kind: Kind,
    *,
    leave_out: Collection[str] = (),
    not_ours: Collection[str] = (),
    writes: bool = True,
    retries: Retries = PATIENT,
) -> Iterator[WorkingCopy]:
    """A copy to work on; what is said meanwhile names the URL, and at the end all is kept there.

    Args:
        url: The folder.
        kind: What lies there, if anything.
        leave_out: Names of folders, on any level, whose files are not brought here.
        not_ours: As of `WorkingCopy`.
        writes: Whether this process keeps what changes; of several one does.
        retries: How long to bear with the store.

    Yields:
        The copy, with what the URL has. It goes at the end, unless it could not be kept.

    Raises:
        StoreError: If the store cannot be read or written.
        shards.console.out.OutError: If the URL holds something else.
    """
    mark = f".{kind}"  # the first file that is put there, should a kill follow
    with own_folder() as folder:
        copy = WorkingCopy(url, folder / "out", retries=retries, not_ours=not_ours, mark=mark)
        copy.folder.mkdir()
        (folder / _URL_NAME).write_text(url, encoding="utf-8")
        names = copy.names()
        if mark not in names:
            refuse_foreign(copy.url, {name.split("/")[0] for name in names}, kind)
        copy.pull(n for n in names - {mark} if not set(n.split("/")) & set(leave_out))
        with _spoken_of(copy):
            try:
                yield copy
            finally:
                if writes:
                    _keep_or_say(copy)


@contextlib.contextmanager
def kept_meanwhile(copy: WorkingCopy, trigger: str) -> Iterator[None]:
    """Put changes there while the block runs, each time files of a name were written anew.

    Where the store is away the block goes on, and it is said.

    Args:
        copy: The copy.
        trigger: Name of the files, which are put after all others.
    """
    ended, seen = threading.Event(), _marks(copy.folder, trigger)
    thread = threading.Thread(target=_keep_while, args=(copy, trigger, seen, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _keep_while(
    copy: WorkingCopy, trigger: str, seen: dict[Path, Mark], ended: threading.Event
) -> None:
    while not ended.wait(_LOOK_EVERY_S):
        now = _marks(copy.folder, trigger)
        if now != seen:
            try:
                copy.push(last=trigger)
                seen = now
            except StoreError as error:
                what = str(error).partition(";")[0]
                _log.warning("%s; the work goes on, and is put there later", what)


def _keep_or_say(copy: WorkingCopy) -> None:
    try:
        copy.push()
    except StoreError as error:
        saved = Path(tempfile.mkdtemp(prefix="lungseg-saved-"))
        shutil.copytree(copy.folder, saved, dirs_exist_ok=True)
        raise StoreError(f"{error}; what is not there lies in {saved}") from error


def _marks(folder: Path, name: str) -> dict[Path, Mark]:
    found = {}
    for path in folder.rglob(name):
        with contextlib.suppress(FileNotFoundError):
            found[path] = _mark(path)
    return found


def _mark(path: Path) -> Mark:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


@contextlib.contextmanager
def _spoken_of(copy: WorkingCopy) -> Iterator[None]:
    """Let log lines and known errors name the URL."""

    def rename(record: logging.LogRecord) -> bool:
        record.msg, record.args = copy.said(record.getMessage()), None
        return True

    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(rename)
    try:
        yield
    except KnownError as error:
        error.args = (copy.said(str(error)),)
        raise
    finally:
        for handler in handlers:
            handler.removeFilter(rename)
