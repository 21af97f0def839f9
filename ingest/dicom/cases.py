"""A folder of DICOM files -> cases: each series of CT images with the mask that refers to it."""

import hashlib
import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ingest.case import BadCaseError, Case
from ingest.dicom.files import HEADER_TAGS, Header, read_headers
from ingest.dicom.grouping import SPLIT_TAGS, Scans, ct_scans
from ingest.dicom.links import LINK_TAGS, home, is_mask, masks_by_series, patient_of
from ingest.dicom.listing import names_of_none
from ingest.dicom.regions import (
    REGION_TAGS,
    RTSTRUCT,
    SEGMENTATIONS,
    frames_of,
    matching,
    quoted,
    region_names,
)
from ingest.dicom.series import CT_CLASSES
from shards.console.words import some

_log = logging.getLogger(__name__)

Stray = tuple[Header, str]
"""A file that is no good, and why."""

_LONGEST_NAME = 60


def find_dicom_cases(source: Path, *, roi: Sequence[str] = ()) -> list[Case]:
    """List the CT series below a folder, each with the SEG or RTSTRUCT file drawn on it.

    A series without such a file is a case without label. Where both kinds hold the region, the SEG
    counts, because it needs no rasterizing; two files of one kind are a problem of the case. A case
    has its patient's ID as name, followed by a short hash of the series' UID when the patient has
    several series. A damaged file, or a mask of a series that is not there, is a problem of the
    case that it belongs to; where that cannot be told, it is a case by itself, named after the
    file.

    Args:
        source: The folder; its files are found by content.
        roi: Names of the regions that are tumor, as in `regions.matching`.

    Returns:
        The cases, in no particular order; none when there is nothing of CT.
    """
    headers = read_headers(source, HEADER_TAGS + SPLIT_TAGS + LINK_TAGS + REGION_TAGS)
    groups = ct_scans(headers)
    _say_others(headers, groups, source)
    masks, lost = masks_by_series(headers, groups)
    if absent := names_of_none(filter(is_mask, headers), roi):
        _log.warning(
            "no region in %s is named %s: `check --list-regions` lists all", source, quoted(absent)
        )
    strays: dict[str, list[Stray]] = {}
    for header, why in _damaged(headers, groups) + lost:
        strays.setdefault(home(header, groups), []).append((header, why))
    cases = [_case_of_stray(header, why) for header, why in strays.pop("", ())]
    stems = [_stem(patient_of(group)) for group in groups.values()]
    for (series, group), stem in zip(groups.items(), stems, strict=True):
        is_only = bool(stem) and stems.count(stem) == 1
        case = _case(series, group, stem, is_only=is_only)
        frame = group[0].text("FrameOfReferenceUID")
        label, problem = _mask_of(masks.get(series, []), roi, frame)
        if label is None and not is_only:
            problem = _unmarked(case, group)
        case = replace(case, label=label, roi=tuple(roi), problem=problem)
        cases.append(_with_strays(case, group, strays.get(series, [])))
    return cases


def _damaged(headers: Iterable[Header], groups: Scans) -> list[Stray]:
    """Files that may have been slices: not those of a known series, nor those of another kind."""
    return [
        (header, header.problem)
        for header in _unlisted(headers, groups)
        if header.problem and header.text("SOPClassUID") in CT_CLASSES | {""}
    ]


def _say_others(headers: Iterable[Header], groups: Scans, source: Path) -> None:
    unlisted = _unlisted(headers, groups)
    others = [header.name for header in unlisted if not header.problem and not is_mask(header)]
    if others:
        _log.info(
            "left out %d DICOM files in %s that are neither slices of CT (scouts, other kinds) nor "
            "masks: %s", len(others), source, some(others),
        )  # fmt: skip


def _unlisted(headers: Iterable[Header], groups: Scans) -> list[Header]:
    listed = {header.path for group in groups.values() for header in group}
    return [header for header in headers if header.path not in listed]


def _case(series: str, group: list[Header], stem: str, *, is_only: bool) -> Case:
    """A series as a case, its mask not yet known."""
    name = stem if is_only else f"{stem or 'series'}-{_short_hash(series)}"
    files = tuple(header.path for header in group)
    return Case(
        name=name,
        image=Path(os.path.commonpath([path.parent for path in files])),
        label=None,
        patient=patient_of(group) or name,
        files=files,
    )


def _case_of_stray(header: Header, why: str) -> Case:
    name = f"{_stem(header.path.stem) or 'file'}-{_short_hash(header.name)}"
    return Case(
        name=name,
        image=header.path.parent,
        label=None,
        patient=header.text("PatientID") or name,
        files=(header.path,),
        problem=why,
    )


def _with_strays(case: Case, group: list[Header], strays: list[Stray]) -> Case:
    """The case with what is wrong with its files; a lost mask matters where there is no other."""
    problems = [case.problem, *(header.problem for header in group)]
    files = case.files
    for header, why in strays:
        if not is_mask(header):
            files += (header.path,)
        if case.label and is_mask(header) and not header.problem:
            _log.warning("%s: %s", case.name, why)
        else:
            problems.append(why)
    return replace(case, files=files, problem=some([*filter(None, problems)], "; "))


def _unmarked(case: Case, group: list[Header]) -> str:
    """What to say of a series without mask, which may well be one that nobody draws on."""
    what = next((text for header in group if (text := header.text("SeriesDescription"))), "")
    return (
        f"series {what or 'without description'!r} of patient {case.patient} in {case.image} has "
        f"no mask ({len(group)} files, the first {group[0].name}): add it, or take the series out"
    )


def _stem(patient: str) -> str:
    """A patient's ID as part of a file name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", patient).strip("_")[:_LONGEST_NAME]


def _short_hash(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:6]


def _mask_of(headers: list[Header], roi: Sequence[str], frame: str) -> tuple[Path | None, str]:
    """The file that holds the region, or any when none does; and what is wrong with the choice.

    `frame` is the scan's frame of reference: contours lie in their own, wherever their file is.
    """
    try:
        holding = [header for header in headers if _holds(header, roi)]
    except BadCaseError as error:
        return headers[0].path, str(error)
    for kinds in (SEGMENTATIONS, {RTSTRUCT}):
        found = [header for header in holding if header.text("SOPClassUID") in kinds]
        if len(found) > 1:
            files = some([str(header.path) for header in found])
            return found[0].path, (
                f"a case may have one mask, found {len(found)} with region {quoted(roi)} ({files}):"
                " name one with --roi, or remove the others"
            )
        if found:
            return found[0].path, _off_frame(found[0], roi, frame)
    return headers[0].path if headers else None, ""


def _off_frame(header: Header, roi: Sequence[str], frame: str) -> str:
    others = frames_of(header.values, roi, header.path) - {frame}
    if not frame or not others:
        return ""
    return (
        f"{header.path}: a region must lie in the frame of reference of its scan ({frame}), found "
        f"{', '.join(sorted(others))}: use the RTSTRUCT that was drawn on this scan"
    )


def _holds(header: Header, roi: Sequence[str]) -> bool:
    header.refuse()
    return bool(matching(region_names(header.values, header.path), roi))
