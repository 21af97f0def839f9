"""What is odd about whose scans the cases are, and about folds that share a patient."""

import re
from collections import defaultdict
from collections.abc import Mapping

from ingest.findings.finding import Finding
from ingest.splits.split import Split
from shards.console.words import some

_TIME = re.compile(
    r"(?P<stem>.*[a-z0-9])[-_. ]+"
    r"(?:t|tp|time|timepoint|v|visit|scan|ses|session|study|exam|fu|followup|follow[-_]up|bl|baseline"
    r"|pre|post|w|wk|week|m|mo|month|y|yr|year|d|day)[-_]?[0-9]*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?P<stem>.*[0-9].*?)[-_. ][0-9]{1,2}")
_MOST_SCANS = 10  # of one patient


def split_findings(split: Split) -> list[Finding]:
    """Judge how the cases of a source are split, as far as that is known before they are read.

    Returns:
        Warnings; none says that patients and folds are told right.
    """
    own = split.own.folds if split.own else {}
    return patient_findings(split.patients) + fold_findings(split.patients, own)


def patient_findings(patients: Mapping[str, str]) -> list[Finding]:
    """Find cases that are likely of one patient and count as several, and the other way round.

    Args:
        patients: The patient of each case by name.

    Returns:
        The warnings.
    """
    return _alike(patients) + _too_many(patients)


def fold_findings(patients: Mapping[str, str], folds: Mapping[str, int]) -> list[Finding]:
    """Find patients with scans in several folds.

    Args:
        patients: The patient of each case by name.
        folds: The fold of each case by name; cases without one do not matter.

    Returns:
        One warning for each such patient.
    """
    cases = _cases_by(patients)
    split = {
        patient: names
        for patient, names in cases.items()
        if len({folds[name] for name in names if name in folds}) > 1
    }
    return [
        _warning(
            names[0],
            f"scans of patient {patient} lie in several folds "
            f"({some([f'{name} in {folds[name]}' for name in names if name in folds])}): scores "
            "will be too good, give them one fold",
        )
        for patient, names in split.items()
    ]


def _alike(patients: Mapping[str, str]) -> list[Finding]:
    """Names that differ only in a point in time, of cases that are not of one patient."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(patients):
        found = _TIME.fullmatch(name) or _NUMBER.fullmatch(name)
        groups[found["stem"] if found else name].append(name)
    return [
        _warning(
            names[0],
            f"{some(names)} look like scans of one patient and count as "
            f"{len({patients[name] for name in names})}: tell them with --patient-pattern or "
            "--patients",
        )
        for stem, names in groups.items()
        if _is_suspect(names, len(patients)) and len({patients[name] for name in names}) > 1
    ]


def _is_suspect(names: list[str], num_cases: int) -> bool:
    """Whether so few names share a stem that it can be a patient's, not the data set's."""
    by_time = all(_TIME.fullmatch(name) for name in names[1:])
    return 1 < len(names) <= _MOST_SCANS and (by_time or len(names) < num_cases)


def _too_many(patients: Mapping[str, str]) -> list[Finding]:
    """Patients with so many scans that they are likely several."""
    return [
        _warning(
            names[0],
            f"{len(names)} of {len(patients)} cases are of patient {patient!r} and share a fold: "
            "if that is not one person, tell patients with --patient-from StudyInstanceUID or "
            "folder, --patients or --patient-pattern",
        )
        for patient, names in _cases_by(patients).items()
        if len(names) > _MOST_SCANS or 1 < len(names) == len(patients)
    ]


def _cases_by(patients: Mapping[str, str]) -> dict[str, list[str]]:
    cases: dict[str, list[str]] = defaultdict(list)
    for name, patient in sorted(patients.items()):
        cases[patient].append(name)
    return cases


def _warning(case: str, message: str) -> Finding:
    return Finding(case=case, level="warning", rule="patient", message=message)
