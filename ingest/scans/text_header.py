"""The text that a MetaImage or NRRD file begins with: its fields, and the files of its voxels."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ingest.names import suffix_of

_DATA = {".mha": "ElementDataFile", ".mhd": "ElementDataFile", ".nhdr": r"data ?file"}
_SIGN = {".mha": "=", ".mhd": "=", ".nrrd": ":", ".nhdr": ":"}
_LONGEST_HEADER = 1 << 20
_MOST_FILES = 1 << 16


def field_of(path: Path, name: str) -> str:
    """The value of a field; empty where it is absent or there several times.

    Args:
        path: The file.
        name: The field, as its format writes it.

    Raises:
        OSError: If the file cannot be read.
    """
    header, _ = _parts(path)
    found = _lines(path, name).findall(header)
    return found[0].strip() if len(found) == 1 else ""


def data_files(path: Path) -> tuple[Path, ...]:
    """The files that a header which lies apart names; none for other files, or an unreadable one.

    A name, a list of names below the field, or a pattern with first and last number and step.
    """
    if suffix_of(path) not in (".mhd", ".nhdr"):
        return ()
    try:
        header, rest = _parts(path)
    except OSError:
        return ()
    found = _lines(path, _DATA[suffix_of(path)]).search(header)
    if found is None or found[1].strip().upper() == "LOCAL":
        return ()
    return tuple(path.parent / name for name in islice(_names(found[1], rest), _MOST_FILES))


def _parts(path: Path) -> tuple[str, str]:
    """The header with the field that ends it, and what follows."""
    with path.open("rb") as file:
        text = file.read(_LONGEST_HEADER).decode("latin-1").replace("\r", "")
    named = _DATA.get(suffix_of(path))
    last = _lines(path, named).search(text) if named else None
    end = last.end() if last else text.find("\n\n")
    return (text[:end], text[end:]) if end >= 0 else (text, "")


def _lines(path: Path, name: str) -> re.Pattern[str]:
    return re.compile(rf"^{name}[ \t]*{_SIGN[suffix_of(path)]}[ \t]*(\S.*)$", re.MULTILINE)


def _names(value: str, rest: str) -> Iterator[str]:
    pattern, *numbers = value.split()
    if pattern.upper() == "LIST":
        yield from (line.strip() for line in rest.splitlines() if line.strip())
    elif re.fullmatch(r"[^%]*%\d*d[^%]*", pattern) and _count(numbers):
        first, last, step = map(int, (*numbers, "1")[:3])
        yield from (pattern % number for number in range(first, last + 1, max(step, 1)))
    else:
        yield value.strip()


def _count(numbers: list[str]) -> bool:
    return len(numbers) in (2, 3) and all(re.fullmatch(r"\d{1,9}", text) for text in numbers)
