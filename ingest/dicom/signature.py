"""Whether a file is DICOM, by its first bytes."""

import re
from pathlib import Path

_BARE_DICOM = re.compile(rb"[\x02\x08]\0.\0([A-Z]{2}|.\0\0\0)", re.DOTALL)


def is_dicom(path: Path) -> bool:
    """Whether a file starts as a DICOM file does (PS3.10, 7.1), or as one without preamble.

    The latter starts with an element of group 2 or 8 and, unless it is an implicit one, its type.
    A file that cannot be read is none: whoever reads it says so.
    """
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError:
        return False
    return start[128:] == b"DICM" or bool(_BARE_DICOM.match(start))
