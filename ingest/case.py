"""What a case is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingest.names import stem
from shards.console.errors import KnownError

Subset = Literal["training", "test"]


class BadCaseError(KnownError):
    """A case, or a whole source of cases, cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A scan with its mask.

    Attributes:
        name: For example `lung_001`; names the shard.
        image: The scan: a file with a volume, or a folder with one DICOM series.
        label: The tumor mask; None when there is none.
        patient: Whose scan it is; the case's own name when not known.
        fold: Its fold, where the source tells it.
        files: The files of a DICOM series; all below the folder when empty.
        roi: Names of the regions in a DICOM mask that are tumor, as in `Recipe.roi`.
        problem: Why it cannot be used, when that is known before a file is opened.
    """

    name: str
    image: Path
    label: Path | None
    patient: str
    fold: int | None = None
    files: tuple[Path, ...] = ()
    roi: tuple[str, ...] = ()
    problem: str = ""


def case_name(path: Path) -> str:
    """Name of the case in an image file: the file's own, without `.nii.gz` and the like."""
    return as_case_name(stem(path))


def as_case_name(text: str) -> str:
    """A text as the name of a case, or a part of one.

    Dots become underscores: in a tar, what follows the first dot says what a member is.
    """
    return text.replace(".", "_")
