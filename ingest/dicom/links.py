"""Which DICOM files belong to which series of CT images: the masks drawn on it, and strays."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from ingest.dicom.files import Header
from ingest.dicom.regions import RTSTRUCT, SEGMENTATIONS

_log = logging.getLogger(__name__)

LINK_TAGS = ["ReferencedFrameOfReferenceSequence", "ReferencedSeriesSequence"]

Series = dict[str, list[Header]]
"""Headers of CT images by the UID of their series."""


def is_mask(header: Header) -> bool:
    """Whether a file is a DICOM-SEG or an RTSTRUCT."""
    return header.values.get("SOPClassUID") in SEGMENTATIONS | {RTSTRUCT}


def masks_by_series(
    headers: Sequence[Header], groups: Series
) -> tuple[dict[str, list[Header]], list[tuple[Header, str]]]:
    """Find the series that each mask was drawn on.

    A series that a mask refers to and that is not there is replaced by the one series in the same
    frame of reference, where there is one.

    Returns:
        The masks of each series; and those of no series, each with what is wrong with it. A mask
        that was drawn on images of another kind is neither.
    """
    masks: dict[str, list[Header]] = {}
    lost = []
    others = {header.series for header in headers if not is_mask(header)} - set(groups)
    for mask in filter(is_mask, headers):
        named = _referenced(mask.values)
        found = (named & set(groups)) or _on_frame(mask, groups)
        for series in found:
            masks.setdefault(series, []).append(mask)
        if not found and not named & others:
            lost.append((mask, mask.problem or _absent(mask, named)))
        elif found and named and not named & set(groups):
            _log.warning("%s, it is taken for series %s", _absent(mask, named), *found)
    return masks, lost


def home(header: Header, groups: Series) -> str:
    """The series that a damaged file or a lost mask most likely belongs to; empty if none can tell.

    It is the series that it names, or the only one in its folder, or the only one of its patient.
    """
    if header.series in groups:
        return header.series
    patient = header.text("PatientID")
    beside = {uid for uid, group in groups.items() if _holds(group, header)}
    same = {uid for uid, group in groups.items() if patient and patient_of(group) == patient}
    return next((found.pop() for found in (beside, same) if len(found) == 1), "")


def patient_of(group: Iterable[Header]) -> str:
    """ID of the patient of a series; empty when no slice tells it."""
    return next((text for header in group if (text := header.text("PatientID"))), "")


def _holds(group: Iterable[Header], header: Header) -> bool:
    return any(slice_.path.parent == header.path.parent for slice_ in group)


def _absent(mask: Header, named: set[str]) -> str:
    what = f"series {', '.join(sorted(named))}, which is not here" if named else "no known series"
    return f"{mask.path} was drawn on {what}: add the series, or take the mask out"


def _referenced(values: Any) -> set[str]:
    """UIDs of the series that a SEG or an RTSTRUCT says it was drawn on."""
    found = {item.get("SeriesInstanceUID") for item in values.get("ReferencedSeriesSequence") or ()}
    for frame in values.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            series = study.get("RTReferencedSeriesSequence") or ()
            found |= {item.get("SeriesInstanceUID") for item in series}
    return {str(uid) for uid in found if uid}


def _on_frame(mask: Header, groups: Series) -> set[str]:
    """The one series in a mask's frame of reference, of its patient if others have it too."""
    frames = {
        item.get("FrameOfReferenceUID")
        for item in mask.values.get("ReferencedFrameOfReferenceSequence") or ()
    } | {mask.values.get("FrameOfReferenceUID")}
    same = {
        series
        for series, group in groups.items()
        if group[0].values.get("FrameOfReferenceUID") in frames - {None}
    }
    own = {series for series in same if patient_of(groups[series]) == mask.text("PatientID")}
    return next((found for found in (same, own) if len(found) == 1), set())
