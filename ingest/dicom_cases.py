"""A folder of DICOM files -> cases: each series of CT images with the mask that refers to it."""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ingest.cases import Case
from ingest.dicom_masks import RTSTRUCT, SEGMENTATIONS, matching, region_names
from ingest.dicom_series import HEADER_TAGS, Header, ct_series, read_headers

_MASK_TAGS = [
    "ReferencedFrameOfReferenceSequence", "ReferencedSeriesSequence", "StructureSetROISequence",
    "SegmentSequence",
]  # fmt: skip
_LONGEST_NAME = 60


def find_dicom_cases(source: Path, *, roi: str = "") -> list[Case]:
    """List the CT series below a folder, each with the SEG or RTSTRUCT file drawn on it.

    A series without such a file is a case without label. Where both kinds hold the region, the SEG
    counts, because it needs no rasterizing; two files of one kind are a problem of the case. A case
    has its patient's ID as name, followed by a short hash of the series' UID when the patient has
    several series.

    Args:
        source: The folder; its files are found by content.
        roi: Name of the regions that are tumor, as in `dicom_masks.open_mask`.

    Returns:
        The cases, in no particular order; none when there is no CT series.

    Raises:
        BadCaseError: If a file is damaged.
    """
    headers = read_headers(source, HEADER_TAGS + _MASK_TAGS)
    groups = ct_series(headers)
    masks = _masks_by_series(headers, groups)
    patients = [str(group[0].values.get("PatientID", "")) for group in groups.values()]
    stems = [_stem(patient) for patient in patients]
    cases = []
    for (series, group), patient, stem in zip(groups.items(), patients, stems, strict=True):
        files = tuple(header.path for header in group)
        alone = stem and stems.count(stem) == 1
        name = stem if alone else f"{stem or 'series'}-{_short_hash(series)}"
        label, problem = _mask_of(masks.get(series, []), roi)
        cases.append(
            Case(
                name=name,
                image=Path(os.path.commonpath([path.parent for path in files])),
                label=label,
                patient=patient or name,
                files=files,
                roi=roi,
                problem=problem,
            )
        )
    return cases


def _stem(patient: str) -> str:
    """A patient's ID as part of a file name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", patient).strip("_")[:_LONGEST_NAME]


def _short_hash(series: str) -> str:
    return hashlib.sha256(series.encode()).hexdigest()[:6]


def _mask_of(headers: list[Header], roi: str) -> tuple[Path | None, str]:
    """The file that holds the region, or any when none does; and what is wrong with the choice."""
    holding = [header for header in headers if matching(region_names(header.values), roi)]
    for kinds in (SEGMENTATIONS, {RTSTRUCT}):
        found = [header.path for header in holding if header.values.SOPClassUID in kinds]
        if len(found) > 1:
            return found[0], (
                f"a case may have one mask, found {len(found)} with region {roi or 'any'!r} "
                f"({', '.join(map(str, found[:4]))}): name one with --roi, or remove the others"
            )
        if found:
            return found[0], ""
    return headers[0].path if headers else None, ""


def _masks_by_series(
    headers: Iterable[Header], groups: dict[str, list[Header]]
) -> dict[str, list[Header]]:
    masks: dict[str, list[Header]] = {}
    for header in headers:
        if header.values.get("SOPClassUID") in SEGMENTATIONS | {RTSTRUCT}:
            for series in _referenced(header.values) or _on_frame(header.values, groups):
                masks.setdefault(series, []).append(header)
    return masks


def _referenced(values: Any) -> set[str]:
    """UIDs of the series that a SEG or an RTSTRUCT says it was drawn on."""
    found = {item.get("SeriesInstanceUID") for item in values.get("ReferencedSeriesSequence") or ()}
    for frame in values.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            series = study.get("RTReferencedSeriesSequence") or ()
            found |= {item.get("SeriesInstanceUID") for item in series}
    return {str(uid) for uid in found if uid}


def _on_frame(values: Any, groups: dict[str, list[Header]]) -> set[str]:
    """For a mask that names no series: the series in its frame of reference, if there is one."""
    frames = {
        item.get("FrameOfReferenceUID")
        for item in values.get("ReferencedFrameOfReferenceSequence") or ()
    } | {values.get("FrameOfReferenceUID")}
    same = {
        series
        for series, group in groups.items()
        if group[0].values.get("FrameOfReferenceUID") in frames - {None}
    }
    return same if len(same) == 1 else set()
