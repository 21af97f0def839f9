"""Headers of CT images -> scans: a series each, or several where one identifier holds more."""

import functools
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from ingest.case import BadCaseError
from ingest.dicom.files import Header
from ingest.dicom.series import CT_CLASSES
from shards.console.words import some

_log = logging.getLogger(__name__)

Scans = dict[str, list[Header]]
"""Headers of CT images by the UID of their series, with what tells scans of one series apart."""

# De-identification may give one identifier to several series; a scanner, to several phases
_WHOSE = ("StudyInstanceUID", "FrameOfReferenceUID", "SeriesNumber")
_WHICH = (
    "AcquisitionNumber", "TemporalPositionIdentifier", "NominalPercentageOfCardiacPhase",
    "SliceThickness", "ConvolutionKernel", "SeriesDescription",
)  # fmt: skip
SPLIT_TAGS = [*_WHOSE, *_WHICH]  # beside the headers' own


def ct_scans(headers: Iterable[Header]) -> Scans:
    """Group the headers of CT images by scan; scout images (localizers) belong to none.

    A scan is a series of one patient. Where slices of it lie at one place, it is split by the first
    of study, frame of reference, folder, acquisition, phase, thickness or kernel that leaves each
    part one slice at a place. Both are said. Where none does, it stays whole.
    """
    groups: Scans = defaultdict(list)
    for header in headers:
        is_scout = "LOCALIZER" in (header.values.get("ImageType") or ())
        is_ct = header.text("SOPClassUID") in CT_CLASSES
        if is_ct and header.series and not is_scout:
            groups[header.series].append(header)
    return {key: scan for series, group in groups.items() for key, scan in _parts(series, group)}


def _parts(series: str, group: list[Header]) -> list[tuple[str, list[Header]]]:
    """The scans of a series, each with its key."""
    if len({header.text("PatientID") for header in group} - {""}) > 1:
        return _split(series, "PatientID", _by(group, lambda header: header.text("PatientID")))
    if _is_crowded(group):
        for name, tell in _ways():
            parts = _by(group, tell)
            if len(parts) > 1 and not any(map(_is_crowded, parts.values())):
                return _split(series, name, parts)
    return [(series, group)]


def _split(series: str, name: str, parts: Scans) -> list[tuple[str, list[Header]]]:
    _log.warning(
        "series %s holds %d scans, told apart by %s: %s",
        series, len(parts), name, some([*map(repr, sorted(parts))]),
    )  # fmt: skip
    pairs = [_parts(f"{series} ({name} {value})", part) for value, part in sorted(parts.items())]
    return [pair for part in pairs for pair in part]


def _ways() -> Iterable[tuple[str, Callable[[Header], str]]]:
    """What may tell scans apart, by name, the surest first."""
    for keyword in _WHOSE:
        yield keyword, functools.partial(_text, keyword)
    yield "folder", lambda header: str(Path(header.name).parent)
    for keyword in _WHICH:
        yield keyword, functools.partial(_text, keyword)


def _text(keyword: str, header: Header) -> str:
    return header.text(keyword)


def _by(group: list[Header], tell: Callable[[Header], str]) -> Scans:
    parts: Scans = defaultdict(list)
    for header in group:
        parts[tell(header)].append(header)
    return parts


def _is_crowded(group: list[Header]) -> bool:
    """Whether slices lie at one place, or there is but one slice."""
    places = [_place(header) for header in group]
    return len(set(places)) < len(places) or len(places) == 1


def _place(header: Header) -> tuple[float, ...] | str:
    """Where a slice lies, to a hundredth of a mm; its name where that cannot be told."""
    try:
        return tuple(header.numbers("ImagePositionPatient", 3).round(2).tolist())
    except BadCaseError:
        return header.name
