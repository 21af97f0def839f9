"""DICOM files below a folder -> their headers, each with what is wrong with it."""

import filecmp
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.dicom.signature import is_dicom
from ingest.dicom.values import numbers, reading
from ingest.search import files_below
from shards.console.words import some

try:
    import pydicom
    import pydicom.datadict
    from pydicom.dataelem import RawDataElement
except ModuleNotFoundError as missing:
    raise BadCaseError("reading DICOM needs pydicom: pip install pydicom") from missing

_log = logging.getLogger(__name__)

GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")
HEADER_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesDescription", "PatientID",
    "FrameOfReferenceUID", "ImageType", *GEOMETRY,
]  # fmt: skip

_SYNTAXES = {  # by (implicit, little endian)
    (True, True): pydicom.uid.ImplicitVRLittleEndian,
    (False, True): pydicom.uid.ExplicitVRLittleEndian,
    (False, False): pydicom.uid.ExplicitVRBigEndian,
}
_SUFFIXES = {".dcm", ".dicom", ".ima"}
_UNDEFINED_LENGTH = 0xFFFFFFFF
_START = 132  # bytes of preamble and prefix


@dataclass(frozen=True, kw_only=True)
class Header:
    """The header of a DICOM file.

    Attributes:
        path: The file.
        name: The file for messages: its path below the folder that was searched.
        values: The elements that were asked for, as far as they can be read.
        problem: What is wrong with the file; empty when all could be read.
    """

    path: Path
    name: str
    values: Any
    problem: str = ""

    @property
    def series(self) -> str:
        """Its series, by UID; empty when not known."""
        return self.text("SeriesInstanceUID")

    def text(self, keyword: str) -> str:
        """An element as text; empty when it is absent."""
        value = self.values.get(keyword)
        return "" if value is None else str(value)

    def numbers(self, keyword: str, count: int) -> npt.NDArray[np.float64]:
        """An element as (count,) finite numbers.

        Raises:
            BadCaseError: If it holds something else.
        """
        return numbers(self.values, keyword, count, self.path)

    def refuse(self) -> None:
        """Stop at a file with a problem.

        Raises:
            BadCaseError: If it has one.
        """
        if self.problem:
            raise BadCaseError(self.problem)


def read_file(path: Path) -> Any:
    """Read a DICOM file, all of it.

    Raises:
        BadCaseError: If it cannot be read, or is cut short.
    """
    values = _parse(path, None)
    for tag in values.keys():  # noqa: SIM118 - iterating would convert every element
        with reading(path, pydicom.datadict.keyword_for_tag(tag)):
            _refuse_cut(values.get_item(tag))
    return values


def read_headers(
    folder: Path, tags: list[str] = HEADER_TAGS, *, files: Sequence[Path] = ()
) -> list[Header]:
    """Read the headers of all DICOM files below a folder, or of some of them, ordered by path.

    A file that is named as DICOM, or lost its content, and cannot be read is a header with a
    problem. Other files are ignored, and said so. A file that is there twice is taken once.
    """
    headers, ignored = [], []
    for path in files or sorted(files_below(folder)):
        if path.name.startswith("._") or path.stem.upper() == "DICOMDIR":
            continue
        name = str(path.relative_to(folder) if path.is_relative_to(folder) else path)
        values, problem = _read_header(path, tags, must_be=bool(files))
        if values or problem:
            headers.append(Header(path=path, name=name, values=values, problem=problem))
        else:
            ignored.append(name)
    if ignored:
        _log.info("ignored what is no DICOM in %s: %s", folder, some(ignored))
    return _once(headers)


def _read_header(path: Path, tags: list[str], *, must_be: bool) -> tuple[Any, str]:
    """The elements of a header that can be read, and what is wrong with the file.

    Both are empty for a file of another kind, unless it must be DICOM.
    """
    try:
        with reading(path):
            if not is_dicom(path):
                problem = f"{path} is no DICOM file, or cut short: copy or download it again"
                return {}, problem if must_be or _was_dicom(path) else ""
        return _readable(path, _parse(path, tags))
    except BadCaseError as error:
        return {}, str(error)


def _parse(path: Path, tags: list[str] | None) -> Any:
    """Read the named elements without the pixels, or all; most are not yet converted.

    A file without preamble says nothing of its transfer syntax: it gets the one it was read by.
    """
    with reading(path):
        values = pydicom.dcmread(
            path, specific_tags=tags, stop_before_pixels=tags is not None, force=True
        )
        if values.preamble is None and not values.file_meta.get("TransferSyntaxUID"):
            values.file_meta.TransferSyntaxUID = _SYNTAXES[values.original_encoding]
    return values


def _readable(path: Path, values: Any) -> tuple[Any, str]:
    """Take elements that cannot be read out of `values`; the first of them is the problem."""
    problem = ""
    for tag in list(values.keys()):
        try:
            with reading(path, pydicom.datadict.keyword_for_tag(tag)):
                _refuse_cut(values.get_item(tag))
                _convert(values[tag])
        except BadCaseError as error:
            problem = problem or str(error)
            del values[tag]
    absent = [name for name in ("SOPClassUID", "SeriesInstanceUID") if not values.get(name)]
    if absent and not problem:
        problem = f"{path} has no {absent[0]}, is it cut short? Copy or download it again"
    return values, problem


def _refuse_cut(element: Any) -> None:
    """Refuse an element that the end of its file cut; pydicom takes what there is."""
    if not isinstance(element, RawDataElement) or element.value is None:
        return
    if len(element.value) < element.length != _UNDEFINED_LENGTH:
        raise EOFError(f"cut short, {len(element.value)} of {element.length} bytes")


def _convert(element: Any) -> None:
    """Make pydicom convert an element with all that is in it, which it leaves for later."""
    if element.VR == "SQ":
        for item in element.value:
            list(item.iterall())


def _was_dicom(path: Path) -> bool:
    """Whether a file was meant as DICOM: by its suffix, or because nothing or only zeros are left.

    Names of DICOM files often have no suffix, or are UIDs; those with a dot in front are marks.
    """
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return True
    with path.open("rb") as file:
        is_void = not file.read(_START).strip(b"\0")
    return is_void and not path.name.startswith(".") and not suffix.strip(".0123456789")


def _once(headers: Iterable[Header]) -> list[Header]:
    """Leave out what is there twice: one instance at one place with one content, as in a copy."""
    alike: dict[Any, list[Header]] = {}
    again = []
    for header in headers:
        instance = header.text("SOPInstanceUID") if not header.problem else ""
        place = (header.text("PatientID"), header.series, header.text("ImagePositionPatient"))
        earlier = alike.setdefault((instance or header.path, place), [])
        twin = next((each for each in earlier if _same_content(each.path, header.path)), None)
        if twin:
            again.append(f"{header.name} (as {twin.name})")
        else:
            earlier.append(header)
    if again:
        _log.warning("left out %d DICOM files that are there twice: %s", len(again), some(again))
    return sorted((header for each in alike.values() for header in each), key=lambda h: h.path)


def _same_content(first: Path, second: Path) -> bool:
    """Whether two files hold one image, or, without any, are equal byte for byte."""
    try:
        images = [read_file(path).get("PixelData") for path in (first, second)]
    except BadCaseError:
        return False
    if images[0] is not None:
        return bool(images[0] == images[1])
    return filecmp.cmp(first, second, shallow=False)
