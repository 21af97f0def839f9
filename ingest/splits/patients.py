"""Whose scan each case is: by a table, a pattern, a folder or a DICOM element."""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ingest.case import BadCaseError, Case, case_name
from ingest.splits.options import SplitOptions
from ingest.splits.table import read_table
from shards.console.words import some

_log = logging.getLogger(__name__)


def tell_patients(
    cases: Sequence[Case], how: SplitOptions, source: Path, *, all_told: bool = True
) -> list[Case]:
    """The cases with their patients as the options tell them.

    Args:
        cases: The cases, with the patients that the source itself tells.
        how: The options; without one about patients, nothing changes.
        source: The folder that the cases were found in.
        all_told: Whether cases whose patient is not told matter; otherwise they keep their own.

    Raises:
        BadCaseError: If the patient of a usable case is not told; a pattern need not be found in
            all names.
    """
    if how.patients is not None:
        told = _by_table(how.patients, cases)
    elif how.patient_pattern is not None:
        told = _by_pattern(how.patient_pattern, cases)
    elif how.patient_from == "folder":
        told = {case.name: _topmost(case, source) for case in cases}
    elif how.patient_from is not None:
        told = _by_element(how.patient_from, cases)
    else:
        return list(cases)
    untold = [case.name for case in cases if not told.get(case.name) and not case.problem]
    if untold and all_told:
        _judge(untold, how, is_total=not told)
    return [replace(case, patient=told.get(case.name) or case.patient) for case in cases]


def _judge(untold: Sequence[str], how: SplitOptions, *, is_total: bool) -> None:
    """Refuse what leaves a patient untold; a pattern may, for scans that have no follow-up."""
    if how.patient_pattern is None:
        way = f"--patients {how.patients}" if how.patients else f"--patient-from {how.patient_from}"
        raise BadCaseError(
            f"{way} tells no patient of {some(untold)}: add them, or use another way (--patients, "
            "--patient-pattern, --patient-from)"
        )
    if is_total:
        raise BadCaseError(
            f"--patient-pattern {how.patient_pattern!r} is found in no name, such as {untold[0]}: "
            "correct it"
        )
    _log.warning(
        "--patient-pattern %r is not found in %s: each is a patient of its own",
        how.patient_pattern, some(untold),
    )  # fmt: skip


def _by_table(path: Path, cases: Iterable[Case]) -> dict[str, str]:
    told: dict[str, str] = {}
    for row in read_table(path, ("case", "patient"), option="--patients"):
        name = case_name(Path(row["case"]))
        if told.setdefault(name, row["patient"]) != row["patient"]:
            raise BadCaseError(
                f"--patients: {path} has two patients of {name}, {told[name]} and "
                f"{row['patient']}: keep one line"
            )
    unknown = sorted(set(told) - {case.name for case in cases})
    if unknown:
        _log.info("%s names cases that are not there: %s", path, some(unknown))
    return told


def _by_pattern(pattern: str, cases: Iterable[Case]) -> dict[str, str]:
    told = {}
    for case in cases:
        if found := re.search(pattern, case.name):
            groups = [text for text in found.groups() if text]
            told[case.name] = groups[0] if groups else found[0]
    return told


def _topmost(case: Case, source: Path) -> str:
    """The first folder on the way from the source to a scan; empty where there is none."""
    folder = case.image if case.files else case.image.parent
    below = folder.relative_to(source) if folder.is_relative_to(source) else Path()
    return next(iter(below.parts), "")


def _by_element(keyword: str, cases: Iterable[Case]) -> dict[str, str]:
    from ingest.dicom.element import element_of

    return {case.name: element_of(case.files[0], keyword) for case in cases if case.files}
