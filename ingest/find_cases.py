"""Which cases a source holds, whatever its layout."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ingest.case import BadCaseError, Case, Subset
from ingest.dicom.signature import is_dicom
from ingest.msd import find_msd_cases, is_msd

_LONGEST_NAME_BYTES = 80  # a member of a tar may have 100, such as <case>-12345.mask.npy.gz


def find_cases(source: Path, *, subset: Subset = "training", roi: Sequence[str] = ()) -> list[Case]:
    """List the cases of a folder: in the layout of the Medical Segmentation Decathlon, or DICOM.

    What cannot be used is no error here: several images of one name are one case with a problem, as
    is a name that is too long.

    Args:
        source: Folder with `dataset.json`, or `imagesTr` and `labelsTr`, or DICOM files.
        subset: Cases with labels, or the unlabeled ones; DICOM files are no test cases.
        roi: Names of the regions in DICOM masks that are tumor, as in `Recipe.roi`.

    Returns:
        The cases, sorted by name.

    Raises:
        BadCaseError: If the folder has another layout or holds no case.
    """
    if is_msd(source):
        cases = find_msd_cases(source, subset)
    elif any(is_dicom(path) for path in source.rglob("*")):
        if subset == "test":
            raise BadCaseError(
                f"a test case needs the MSD layout, {source} holds DICOM: use the training cases"
            )
        from ingest.dicom.cases import find_dicom_cases

        cases = find_dicom_cases(source, roi=roi)
    else:
        raise _no_source(source)
    if not cases:
        raise BadCaseError(f"a source needs at least one {subset} case, found none in {source}")
    return _one_each(cases)


def _no_source(source: Path) -> BadCaseError:
    archive = next(source.rglob("*.zip"), None)
    found = f"found none in {source}" if source.is_dir() else f"{source} is no folder"
    advice = f"unpack {archive} first" if archive else "check the path"
    return BadCaseError(
        "a source needs the MSD layout (dataset.json, imagesTr, labelsTr) or DICOM files, "
        f"{found}: {advice}, or make a data set with `python -m ingest phantom`"
    )


def source_name(source: Path) -> str:
    """What a data set calls itself: `name` in `dataset.json`, else the folder's name."""
    try:
        name = json.loads((source / "dataset.json").read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError, AttributeError):
        name = None
    return str(name or source.resolve().name)


def _one_each(cases: Iterable[Case]) -> list[Case]:
    """The cases by name; of several with one name the last, which says so as its problem."""
    by_name: dict[str, Case] = {}
    for case in cases:
        problem = case.problem or _problem_of_name(case.name)
        if case.name in by_name:
            files = f"{by_name[case.name].image.name} and {case.image.name}"
            problem = f"a case may have one image, {case.name} has {files}: remove one"
        by_name[case.name] = replace(case, problem=problem)
    return [by_name[name] for name in sorted(by_name)]


def _problem_of_name(name: str) -> str:
    size = len(os.fsencode(name))
    if 1 <= size <= _LONGEST_NAME_BYTES and name.isprintable():
        return ""
    text = f"printable text of 1 to {_LONGEST_NAME_BYTES} bytes"
    return f"the name of a case must be {text}, got {size} bytes, {name!r}: rename its files"
