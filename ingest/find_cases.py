"""Which cases a source holds, whatever its layout."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ingest.case import BadCaseError, Case, Subset
from ingest.dicom.signature import is_dicom
from ingest.msd import find_msd_cases, is_msd
from ingest.names import IN_WORDS, how_to_convert, is_volume
from ingest.patient_folders import find_folder_cases
from ingest.search import files_below
from shards.manifest import INDEX_NAME, MANIFEST_NAME

_LONGEST_NAME_BYTES = 80  # a member of a tar may have 100, such as <case>-12345.mask.npy.gz


def find_cases(source: Path, *, subset: Subset = "training", roi: Sequence[str] = ()) -> list[Case]:
    """List the cases of a folder: in the layout of the MSD, DICOM, or one folder per patient.

    What cannot be used is no error here: several images of one name are one case with a problem, as
    is a name that is too long.

    Args:
        source: Folder with `dataset.json`, or `imagesTr` and `labelsTr`; or DICOM files, or volumes
            with their labels beside them, at any depth.
        subset: Cases with labels, or the unlabeled ones, which only the MSD layout tells apart.
        roi: Names of the regions in DICOM masks that are tumor, as in `Recipe.roi`.

    Returns:
        The cases, sorted by name.

    Raises:
        BadCaseError: If the folder has another layout or holds no case.
    """
    if is_msd(source):
        cases = find_msd_cases(source, subset)
    elif subset == "test":
        raise BadCaseError(
            f"a test case needs the MSD layout, {source} has another: use the training cases"
        )
    else:
        cases = _cases_of_files(source, list(files_below(source)), roi)
    if not cases:
        raise _no_case(source, subset)
    return _one_each(cases)


def _cases_of_files(source: Path, files: Sequence[Path], roi: Sequence[str]) -> list[Case]:
    """The cases of a folder in which any file may lie anywhere."""
    cases: list[Case] = []
    if holds_dicom := any(map(is_dicom, files)):
        from ingest.dicom.cases import find_dicom_cases

        cases = find_dicom_cases(source, roi=roi)
    cases = cases or find_folder_cases(source, files)
    if not cases and not holds_dicom:
        raise _no_source(source, files)
    return cases


def _no_case(source: Path, subset: Subset) -> BadCaseError:
    advice = _advice(files_below(source)) or "add scans, or choose another source"
    return BadCaseError(
        f"a source needs at least one {subset} case, found none in {source}: {advice}"
    )


def _advice(files: Iterable[Path]) -> str:
    """What to do with the first file that says it; empty where there is none."""
    return next(filter(None, map(_how_to_use, files)), "")


def _how_to_use(path: Path) -> str:
    """How a file becomes a scan, or what reads the shards that it belongs to."""
    for folder in path.parents[:2]:
        if all((folder / name).is_file() for name in (MANIFEST_NAME, INDEX_NAME)):
            return f"train on the shards of {folder} with `python -m lungseg.fit`"
    return how_to_convert(path)


def _no_source(source: Path, files: Iterable[Path]) -> BadCaseError:
    found = f"found none in {source}" if source.is_dir() else f"{source} is no folder"
    advice = _advice([source] if source.is_file() else files) or "check the path"
    if is_volume(source) or is_dicom(source):
        advice = "give the folder that its data set lies in"
    return BadCaseError(
        "a source needs the MSD layout (dataset.json, imagesTr, labelsTr), DICOM files, or "
        f"{IN_WORDS} with labels beside them, {found}: {advice}, or make a data set with "
        "`python -m ingest phantom`"
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
            problem = _twins(by_name[case.name], case)
        by_name[case.name] = replace(case, problem=problem)
    return [by_name[name] for name in sorted(by_name)]


def _twins(one: Case, other: Case) -> str:
    """The problem of two cases of one name, with all files and what else is wrong with them."""
    images = [case.image.name for case in (one, other)]
    if len(set(images)) == 1:
        images = [str(case.image) for case in (one, other)]
    labels = [str(case.label) for case in (one, other) if case.label]
    beside = f" (with {' and '.join(labels)})" if one.label != other.label else ""
    twins = f"a case may have one image, {one.name} has {' and '.join(images)}{beside}: remove one"
    return "; ".join(dict.fromkeys(text for text in (twins, one.problem, other.problem) if text))


def _problem_of_name(name: str) -> str:
    size = len(os.fsencode(name))
    if 1 <= size <= _LONGEST_NAME_BYTES and name.isprintable():
        return ""
    text = f"printable text of 1 to {_LONGEST_NAME_BYTES} bytes"
    return f"the name of a case must be {text}, got {size} bytes, {name!r}: rename its files"
