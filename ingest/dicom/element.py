"""One element of a DICOM file, by its keyword, as text."""

from pathlib import Path

from ingest.case import BadCaseError
from ingest.dicom.files import read_headers


def element_of(path: Path, keyword: str) -> str:
    """An element of a file as text; empty when it is absent or cannot be read.

    Args:
        path: The file.
        keyword: As the standard writes it (PS3.6), such as `StudyInstanceUID`.

    Raises:
        BadCaseError: If there is no such keyword.
    """
    import pydicom.datadict

    if pydicom.datadict.tag_for_keyword(keyword) is None:
        raise BadCaseError(
            f"a DICOM element is called as the standard calls it, such as StudyInstanceUID, got "
            f"{keyword!r}: correct --patient-from, or say folder"
        )
    (header,) = read_headers(path.parent, [keyword], files=(path,))
    return header.text(keyword).strip()
