"""The files that hold the voxels of a MetaImage or NRRD header which lies apart from them."""

import re
from pathlib import Path

_FIELDS = {
    ".mhd": re.compile(r"^ElementDataFile\s*=\s*(.+)$", re.MULTILINE),
    ".nhdr": re.compile(r"^data ?file:\s*(.+)$", re.MULTILINE | re.IGNORECASE),
}
_LONGEST_HEADER = 1 << 20


def data_files(header: Path) -> tuple[Path, ...]:
    """The files that a detached header names; none for other files, or one that cannot be read.

    A name, a list of names below the field, or a pattern with first and last number and step.
    """
    field = _FIELDS.get(header.suffix)
    if field is None:
        return ()
    try:
        with header.open("rb") as file:
            text = file.read(_LONGEST_HEADER).decode("latin-1").replace("\r", "")
    except OSError:
        return ()
    found = field.search(text)
    if found is None or found[1].strip().upper() == "LOCAL":
        return ()
    return tuple(header.parent / name for name in _names(found[1].strip(), text[found.end() :]))


def _names(value: str, rest: str) -> list[str]:
    if value.upper().split()[0] == "LIST":
        return [line.strip() for line in rest.splitlines() if line.strip()]
    pattern, *numbers = value.split()
    if "%" in pattern and len(numbers) >= 2 and all(map(str.isdecimal, numbers)):
        first, last, step = map(int, (*numbers, "1")[:3])
        return [pattern % number for number in range(first, last + 1, max(step, 1))]
    return [value]
