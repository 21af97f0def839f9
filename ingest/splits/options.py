"""What a command can be told of patients and folds."""

import dataclasses
import re
from pathlib import Path
from typing import ClassVar

from shards.console.limits import Limited


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitOptions(Limited):
    """Whose scan each case is, and in which fold it is, where the source does not tell it right."""

    EXCLUDING: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("patients", "patient_pattern", "patient_from"),
    )

    patients: Path | None = None
    """CSV file with the columns case and patient: scans of one patient share a fold. Without it,
    DICOM files and folders of patients tell the patient; in the MSD layout every case has its
    own."""
    patient_pattern: str | None = None
    """Regular expression that finds the patient in a case's name: its first group, or all that it
    matches. '^[^_]+' finds patient00 in patient00_t1."""
    patient_from: str | None = None
    """What tells the patient instead: folder, the topmost on the way to the scan, or a DICOM
    element such as StudyInstanceUID."""
    folds_file: Path | None = None
    """Folds of your own, from 0: a CSV file with the columns case (or patient) and fold, or the
    splits_final.json of nnU-Net. Without it, the folds in dataset.json, or five by --seed."""

    def __post_init__(self) -> None:
        """Refuse what is no pattern."""
        super().__post_init__()
        if self.patient_pattern is not None:
            _refuse_odd_pattern(self.patient_pattern)

    @property
    def patients_from(self) -> str:
        """What tells the patients, in words; empty where the source does."""
        if self.patients is not None:
            return f"table {self.patients.name}"
        if self.patient_pattern is not None:
            return f"pattern {self.patient_pattern}"
        return self.patient_from or ""


def _refuse_odd_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"--patient-pattern must be a regular expression, got {pattern!r}: {error}"
        ) from error
