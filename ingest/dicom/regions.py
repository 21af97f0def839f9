"""The named regions of DICOM masks, as far as their headers tell, and which of them are tumor."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ingest.case import BadCaseError
from ingest.dicom.values import reading

RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
SEGMENTATIONS = {"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"}

REGION_TAGS = ["StructureSetROISequence", "SegmentSequence"]


def region_names(values: Any, path: Path) -> dict[int, str]:
    """Names of the regions in an RTSTRUCT or SEG file, by number.

    Segment 0 of a label map is what lies outside of all segments, and no region.

    Raises:
        BadCaseError: If a region has no number, or two of different names have one.
    """
    with reading(path, "StructureSetROISequence"):
        regions = [
            (int(item.ROINumber), str(item.get("ROIName", "")))
            for item in values.get("StructureSetROISequence") or ()
        ]
    with reading(path, "SegmentSequence"):
        regions += [
            (number, str(item.get("SegmentLabel", "")))
            for item in values.get("SegmentSequence") or ()
            if (number := int(item.SegmentNumber)) > 0
        ]
    names = dict(regions)
    for number, name in regions:
        if names[number] != name:
            raise BadCaseError(
                f"{path}: each region needs a number of its own, {number} is that of {name!r} and "
                f"of {names[number]!r}: export the file again"
            )
    return names


def frames_of(values: Any, roi: Sequence[str], path: Path) -> set[str]:
    """UIDs of the frames of reference of those regions of an RTSTRUCT that `--roi` means."""
    chosen = matching(region_names(values, path), roi)
    found = {
        str(item.get("ReferencedFrameOfReferenceUID") or "")
        for item in values.get("StructureSetROISequence") or ()
        if int(item.ROINumber) in chosen
    }
    return found - {""}


def matching(names: dict[int, str], roi: Sequence[str]) -> list[int]:
    """Numbers of the regions that any name of a `--roi` means; of all, when it is empty.

    Upper and lower case are one. A name that is equal counts before a pattern (`*` any text, `?`
    any letter): `GTV [1]` means the region of that name.
    """
    plain = {key: name.strip().lower() for key, name in names.items()}
    meant = {key for name in roi or ["*"] for key in _meant_by(name.strip().lower(), plain)}
    return [key for key in names if key in meant]


def _meant_by(wanted: str, names: dict[int, str]) -> list[int]:
    equal = [key for key, name in names.items() if name == wanted]
    return equal or [key for key, name in names.items() if fnmatchcase(name, wanted)]


def quoted(roi: Sequence[str]) -> str:
    """The names of a `--roi`, for messages."""
    return " or ".join(map(repr, roi)) or "'any'"


def chosen_regions(values: Any, roi: Sequence[str], path: Path) -> list[int]:
    """Numbers of the regions in a file that are tumor: at least one, and without `--roi` just one.

    Raises:
        BadCaseError: If there is no such region, or a choice is needed.
    """
    names = region_names(values, path)
    chosen = matching(names, roi)
    if not chosen or (not roi and len(chosen) > 1):
        found = ", ".join(sorted(names.values())) or "none"
        rule = f"a region named {quoted(roi)}" if roi else "one region, or --roi NAME"
        raise BadCaseError(f"{path}: need {rule}, found {found}: choose with --roi")
    return chosen
