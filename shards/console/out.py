"""Whether a command may write to its `--out`: asked before any work, in one way by all."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from shards.console.errors import KnownError
from shards.console.words import some

Kind = Literal[
    "shards", "training", "cross-validation", "evaluation", "predictions", "search", "scans"
]

_MARKS: dict[Kind, tuple[str, tuple[str, ...]]] = {
    "shards": ("a shard set", ("manifest.json", ".build")),
    "training": ("a training", ("last.ckpt", "tensorboard")),
    "cross-validation": ("a cross-validation", ("folds.csv",)),
    "evaluation": ("an evaluation", ("metrics.json",)),
    "predictions": ("predictions", ("predictions.csv",)),
    "search": ("a search", ("identity.json",)),
    "scans": ("a data set of scans", ("dataset.json", "imagesTr", "imagesTs")),
}
_ELSE = (("a Python package", "__init__.py"), ("a checkout of a repository", ".git"))
_BEGUN = "config.yaml"  # what a command that was cut off at once may have left
_LEAST_BYTES = 16 << 20
_URL = re.compile(r"(?!file:)([a-z][a-z0-9+.-]+):/+(.+)")


class OutError(KnownError):
    """Nothing may be written to `--out`."""


def url_of(path: Path | str) -> str | None:
    """The URL that a path was given as, which `Path` takes a slash from; None for a path."""
    found = _URL.fullmatch(str(path))
    return f"{found[1]}://{found[2]}".rstrip("/") if found else None


def resolved(path: Path) -> Path:
    """A path that holds in any folder, links followed; one that was given as a URL stays."""
    return path if url_of(path) else path.resolve()


def refuse_out(out: Path, kind: Kind | None, *, sources: Iterable[Path | str] = ()) -> None:
    """Refuse a folder that cannot be written to, or that holds what the command did not make.

    Hidden files do not count: folders of Macs and of killed jobs have some.

    Args:
        out: The folder.
        kind: What the command leaves there; an earlier one of that kind may lie there already.
            None where nothing may.
        sources: Folders or files that the command reads; URLs are passed over.

    Raises:
        OutError: Says what lies there and what to do.
    """
    if out.exists() and not out.is_dir():
        raise _error(out, "is a file, a folder is needed")
    _refuse_place(out, sources)
    found = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    refuse_foreign(str(out), found, kind)
    _refuse_unwritable(out, within=out)


def refuse_foreign(out: str, found: Iterable[str], kind: Kind | None) -> None:
    """Refuse a folder, or a URL, by the names that were found in it.

    Raises:
        OutError: If they are not those of a result of the kind.
    """
    names = set(found)
    if kind is not None and names & set(_MARKS[kind][1]):
        return
    shown = sorted(name for name in names if not name.startswith("."))
    if not shown or (kind is not None and shown == [_BEGUN]):
        return
    marks = [(what, mark) for what, marks in _MARKS.values() for mark in marks]
    held = next((what for what, mark in (*marks, *_ELSE) if mark in names), "other files")
    raise _error(out, f"holds {held} ({some(shown)})")


def refuse_out_file(out: Path, *, starts_with: bytes, sources: Iterable[Path | str] = ()) -> None:
    """Refuse a file that cannot be written, or that would replace one of another kind.

    Args:
        out: The file.
        starts_with: The first bytes of every file of its kind.
        sources: As in `refuse_out`.

    Raises:
        OutError: Says what lies there and what to do.
    """
    if out.is_dir():
        raise _error(out, "is a folder, a file is needed")
    _refuse_place(out, sources)
    _refuse_unwritable(out, within=out.parent)
    if out.exists():
        with out.open("rb") as file:
            if file.read(len(starts_with)) != starts_with:
                raise _error(out, "is a file of another kind, which would be replaced")


def _refuse_place(out: Path, sources: Iterable[Path | str]) -> None:
    """Refuse a URL, what is read, a shard set, and the modules of a package."""
    if url_of(out):
        raise _error(url_of(out), "is a URL, this command needs a place on this machine")
    place = out.absolute().resolve()
    for source in sources:
        if "://" not in str(source):
            read = Path(source).absolute().resolve()
            if place == read or (read.is_dir() and read in place.parents):
                where = "is" if place == read else "lies in"
                raise _error(out, f"{where} {source}, which is read")
    for folder in place.parents:
        if (folder / "manifest.json").is_file() and (folder / "index.parquet").is_file():
            raise _error(out, f"lies in the shard set {folder}")
    package = _existing(place)
    if (package / "__init__.py").is_file():
        where = "is a" if package == place else "lies in the"
        raise _error(out, f"{where} Python package {package if package != place else ''}".rstrip())


def _refuse_unwritable(out: Path, *, within: Path) -> None:
    folder = _existing(within.absolute())
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"?")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "lies on a full disk" if full else f"cannot be written ({error.strerror})"
        raise _error(out, why) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _error(out, f"cannot be written (no rights in {folder})")
    if free < _LEAST_BYTES:
        raise _error(out, f"lies on a disk with {free / 1e6:.1f} MB free")


def _existing(path: Path) -> Path:
    """The path, or the nearest of what it would lie in that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _error(out: Path | str | None, why: str) -> OutError:
    return OutError(f"--out {out} {why}: choose another --out")
