"""Every byte of a shard set, read again and held against its manifest and its index."""

import contextlib
import dataclasses
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from isal import isal_zlib

from shards.console.command import Options
from shards.console.progress import progress
from shards.console.words import counted, some
from shards.errors import ManifestError
from shards.index import BLOCK_BYTES, ShardIndex
from shards.manifest import INDEX_NAME, MANIFEST_NAME, CaseEntry, Manifest
from shards.reading.loader import ThreadedLoader
from shards.storage.place import UNFINISHED_NAME, locate, manifest_bytes
from shards.storage.remote import Remote
from shards.storage.store import read_index

_NUM_READERS = 2  # each holds a shard
_NOT_KNOWN = ShardIndex.concatenate([])
_END_OF_ARCHIVE_BYTES = 2 * BLOCK_BYTES
_ABSENT = "is absent"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verify(Options):
    """Read every byte of a shard set again and list all damage; exit code 1 if there is any."""

    shards: str
    """Folder (or URL) of the shards; a URL's files are read anew, not from the local cache."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Damage:
    """What is wrong with one file.

    Attributes:
        file: Its path below the set.
        what: What is wrong.
        keys: The samples it is wrong with, where that is known.
        do: What mends it.
    """

    file: str
    what: str
    keys: tuple[str, ...] = ()
    do: str


def verify(url: str) -> dict[str, Any]:
    """Hold all files of a set against the sha256 in its manifest and the crc32 in its index.

    Args:
        url: Its folder or URL.

    Returns:
        Counts of what was read, `damage`: a dict of `Damage` per file, `foreign`: files that are
        not of the set (None where a server does not tell), and `exit_code`.

    Raises:
        shards.errors.ShardError: If it has no readable manifest, or its server fails.
    """
    checker = Checker(*locate(url))
    cases = checker.manifest.cases
    found = [checker.of_index()]
    with progress(len(cases), unit="shard") as bar:
        for damage in ThreadedLoader(checker.of_case, cases, num_threads=_NUM_READERS):
            found.append(damage)
            bar.step()
    damages = [dataclasses.asdict(damage) for damage in found if damage]
    return {
        "shards": checker.place,
        "cases": len(cases),
        "slices": sum(entry.slices for entry in cases.values()),
        "bytes": sum(entry.bytes for entry in cases.values()),
        "damage": damages,
        "foreign": checker.foreign(),
        "exit_code": 1 if damages else 0,
    }


def show_verify(found: dict[str, Any]) -> str:
    """Render what `verify` found, one line per file."""
    lines = [_line(damage) for damage in found["damage"]]
    verdict = f"{len(lines)} damaged" if lines else "all whole"
    return "\n".join(
        [
            *lines,
            *(f"{name} is foreign: nothing reads it" for name in found["foreign"] or []),
            f"{found['shards']}: {counted(found['cases'], 'case')}, "
            f"{counted(found['slices'], 'slice')}, {counted(found['bytes'], 'byte')}: {verdict}",
        ]
    )


def _line(damage: dict[str, Any]) -> str:
    at = f" at {some(damage['keys'])}" if damage["keys"] else ""
    return f"{damage['file']} {damage['what']}{at}: {damage['do']}"


class Checker:
    """Checks the files of one set, in any thread."""

    def __init__(self, place: str, remote: Remote | None) -> None:
        self.place = place
        self.manifest = Manifest.from_json(
            manifest_bytes(place, remote), where=f"{place}/{MANIFEST_NAME}"
        )
        self._remote = remote
        self._indexes: dict[str, ShardIndex] = {}

    def of_index(self) -> Damage | None:
        """Check the index; what it says of the shards is used from then on."""
        try:
            with self._opened(INDEX_NAME) as file:
                index = read_index(file.read(), self.manifest, where=f"{self.place}/{INDEX_NAME}")
        except FileNotFoundError:
            return self._damage(INDEX_NAME, _ABSENT)
        except ManifestError:
            return self._damage(INDEX_NAME, f"is not the index that {MANIFEST_NAME} means")
        self._indexes = {case: index.only(place) for place, case in enumerate(index.cases)}
        astray = [case for case in index.cases if not self._agree(case)]
        if astray:
            return self._damage(INDEX_NAME, f"contradicts {MANIFEST_NAME} about {astray}")
        return None

    def of_case(self, case: str) -> Damage | None:
        """Check a shard; a URL's is read a second time before it counts as damaged."""
        damage = self._look_at(case)
        return self._look_at(case) if damage and self._remote else damage

    def foreign(self) -> list[str] | None:
        """Files in the set's folders that are not of the set."""
        shards = {Path(entry.shard).name for entry in self.manifest.cases.values()}
        known = {"": {MANIFEST_NAME, INDEX_NAME, UNFINISHED_NAME, "cases"}, "cases": shards}
        found: list[str] = []
        for folder, names in known.items():
            there = self._names(folder)
            if there is None:
                return None
            found += [f"{folder}/{name}".lstrip("/") for name in sorted(there - names)]
        return found

    def _names(self, folder: str) -> set[str] | None:
        if self._remote:
            return self._remote.names(folder)
        path = Path(self.place) / folder
        return {entry.name for entry in path.iterdir()} if path.is_dir() else set()

    def _look_at(self, case: str) -> Damage | None:
        entry = self.manifest.cases[case]
        try:
            with self._opened(entry.shard) as file:
                wrong = _compare(file, entry, self._indexes.get(case, _NOT_KNOWN))
        except FileNotFoundError:
            return self._damage(entry.shard, _ABSENT)
        except OSError as error:
            return self._damage(entry.shard, f"cannot be read ({error.strerror})")
        return self._damage(entry.shard, *wrong) if wrong else None

    def _agree(self, case: str) -> bool:
        """Whether the stretches fill the shard, and the tags are as often as the manifest says."""
        entry, index = self.manifest.cases[case], self._indexes[case]
        starts, ends = index.stretches()
        borders = np.concatenate([[0], ends])
        if not np.array_equal(starts, borders[:-1]):
            return False
        tumor_slices = int(index.tumor.sum())
        found = (int(borders[-1]) + _END_OF_ARCHIVE_BYTES, tumor_slices)
        return found == (entry.bytes, entry.tumor_slices)

    def _damage(self, file: str, what: str, keys: tuple[str, ...] = ()) -> Damage:
        do = "run `python -m ingest build-shards` again with the same --source and --out"
        if what != _ABSENT:
            do = f"delete it, then {do}"
        if self._remote:
            do += ", or upload it once more from a whole copy"
        return Damage(file=file, what=what, keys=keys, do=do)

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[BinaryIO]:
        if self._remote is None:
            with (Path(self.place) / name).open("rb") as file:
                yield file
            return
        with tempfile.TemporaryDirectory(prefix="lungseg-") as folder:
            path = Path(folder) / "file"
            self._remote.download(name, path, sha256=None)
            with path.open("rb") as file:
                yield file


def _compare(
    file: BinaryIO, entry: CaseEntry, index: ShardIndex
) -> tuple[str, tuple[str, ...]] | None:
    """What is wrong with a shard and at which keys; None if nothing is."""
    data = memoryview(file.read())
    keys = tuple(
        index.key(row)
        for row in range(len(index))
        if isal_zlib.crc32(data[slice(*index.stretch(row))]) != index.crc32[row]
    )
    if len(data) != entry.bytes:
        return f"has {len(data)} bytes instead of {entry.bytes}, damaged", keys
    if keys:
        return "differs from the crc32 in the index", keys
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        return "differs from the sha256 in the manifest", ()
    return None
