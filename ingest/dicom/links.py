"""Which DICOM files belong to which series of CT images: the masks drawn on it, and strays."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from ingest.dicom.files import Header
from ingest.dicom.grouping import Scans
from ingest.dicom.regions import RTSTRUCT, SEGMENTATIONS

_log = logging.getLogger(__name__)

LINK_TAGS = ["ReferencedFrameOfReferenceSequence", "ReferencedSeriesSequence"]


def is_mask(header: Header) -> bool:
    """Whether a file is a DICOM-SEG or an RTSTRUCT."""
    return header.text("SOPClassUID") in SEGMENTATIONS | {RTSTRUCT}


def masks_by_series(
    headers: Sequence[Header], groups: Scans
) -> tuple[dict[str, list[Header]], list[tuple[Header, str]]]:
    """Find the series that each mask was drawn on.

    A series that a mask refers to and that is not there is replaced by the one series in the same
    frame of reference, where there is one. Where a series holds several scans, the mask belongs to
    that whose images it names, else to that of its patient, else to that in its folder.

    Returns:
        The masks of each scan by its key; and those of none, each with what is wrong with it. A
        mask that was drawn on images of another kind is neither.
    """
    masks: dict[str, list[Header]] = {}
    lost = []
    known = {group[0].series for group in groups.values()}
    others = {header.series for header in headers if not is_mask(header)} - known
    for mask in filter(is_mask, headers):
        named = _referenced(mask.values)
        meant = {uid: _scans_of(uid, mask, groups) for uid in named & known}
        unclear = [uid for uid, keys in meant.items() if len(keys) > 1]
        if unclear:
            lost.append((mask, mask.problem or _unclear(mask, unclear[0], meant[unclear[0]])))
            continue
        found = set().union(*meant.values()) or _on_frame(mask, groups)
        for series in found:
            masks.setdefault(series, []).append(mask)
        if not found and not named & others:
            lost.append((mask, mask.problem or _absent(mask, named)))
        elif found and named and not named & known:
            _log.warning("%s, it is taken for series %s", _absent(mask, named), *found)
    return masks, lost


def home(header: Header, groups: Scans) -> str:
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


def _scans_of(uid: str, mask: Header, groups: Scans) -> set[str]:
    """The scans of a series that a mask may have been drawn on; one, wherever that can be told."""
    keys = {key for key, group in groups.items() if group[0].series == uid}
    images = _images_of(mask.values, uid)
    patient = mask.text("PatientID")
    for is_meant in (
        lambda header: header.text("SOPInstanceUID") in images,
        lambda header: header.text("PatientID") == patient,
        lambda header: header.path.parent == mask.path.parent,
    ):
        if len(keys) > 1:
            keys = {key for key in keys if any(map(is_meant, groups[key]))} or keys
    return keys


def _images_of(values: Any, uid: str) -> set[str]:
    """UIDs of the images of a series that a SEG or an RTSTRUCT says it was drawn on."""
    return {
        _uid(image, "ReferencedSOPInstanceUID")
        for item in _series_items(values)
        if _uid(item, "SeriesInstanceUID") == uid
        for name in ("ReferencedInstanceSequence", "ContourImageSequence")
        for image in item.get(name) or ()
    }


def _unclear(mask: Header, uid: str, keys: set[str]) -> str:
    return (
        f"{mask.path} was drawn on series {uid}, which holds several scans, and does not say which "
        f"({', '.join(sorted(keys))}): put it into the folder of its own, or take the others out"
    )


def _absent(mask: Header, named: set[str]) -> str:
    what = f"series {', '.join(sorted(named))}, which is not here" if named else "no known series"
    return f"{mask.path} was drawn on {what}: add the series, or take the mask out"


def _referenced(values: Any) -> set[str]:
    """UIDs of the series that a SEG or an RTSTRUCT says it was drawn on."""
    return {_uid(item, "SeriesInstanceUID") for item in _series_items(values)} - {""}


def _series_items(values: Any) -> list[Any]:
    items = [*(values.get("ReferencedSeriesSequence") or ())]
    for frame in values.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            items += study.get("RTReferencedSeriesSequence") or ()
    return items


def _uid(item: Any, keyword: str) -> str:
    """An identifier as text; empty when it is absent."""
    return str(item.get(keyword) or "")


def _on_frame(mask: Header, groups: Scans) -> set[str]:
    """The one series in a mask's frame of reference, of its patient if others have it too."""
    items = [mask.values, *(mask.values.get("ReferencedFrameOfReferenceSequence") or ())]
    frames = {_uid(item, "FrameOfReferenceUID") for item in items} - {""}
    same = {
        series for series, group in groups.items() if group[0].text("FrameOfReferenceUID") in frames
    }
    own = {series for series in same if patient_of(groups[series]) == mask.text("PatientID")}
    return next((found for found in (same, own) if len(found) == 1), set())
