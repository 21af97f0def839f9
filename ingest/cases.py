"""Image and label files of a data set -> cases."""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ingest.volume import is_dicom
from shards.errors import KnownError

_log = logging.getLogger(__name__)

Subset = Literal["training", "test"]

_SUFFIXES = (".nii.gz", ".nii")
_FOLDERS: dict[Subset, tuple[str, str | None]] = {
    "training": ("imagesTr", "labelsTr"),
    "test": ("imagesTs", None),
}


class BadCaseError(KnownError):
    """A case, or a whole source of cases, cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A scan with its mask.

    Attributes:
        name: For example `lung_001`; names the shard.
        image: The scan: a NIfTI file, or a folder with one DICOM series.
        label: The tumor mask; None when there is none.
        patient: Whose scan it is; the case's own name when not known.
        files: The files of a DICOM series; all below the folder when empty.
        roi: Name of the regions in a DICOM mask that are tumor.
        problem: Why it cannot be used, when that is known before a file is opened.
    """

    name: str
    image: Path
    label: Path | None
    patient: str
    files: tuple[Path, ...] = ()
    roi: str = ""
    problem: str = ""


def find_cases(source: Path, *, subset: Subset = "training", roi: str = "") -> list[Case]:
    """List the cases of a folder: in the layout of the Medical Segmentation Decathlon, or DICOM.

    `dataset.json` says which there are; without it, every image in `imagesTr` (`imagesTs`) is one.
    Files of macOS (`._*`) are ignored and counted. A file that is listed and absent is no error
    here: it is one when the case is read. Neither are several images of one name: they are one case
    with a problem.

    Args:
        source: Folder with `dataset.json`, or `imagesTr` and `labelsTr`, or DICOM files.
        subset: Cases with labels, or the unlabeled ones; DICOM files are no test cases.
        roi: Name of the regions in DICOM masks that are tumor.

    Returns:
        The cases, sorted by name.

    Raises:
        BadCaseError: If the folder has another layout or holds no case.
    """
    images, _ = _FOLDERS[subset]
    if (source / "dataset.json").is_file() or (source / images).is_dir():
        cases = _msd_cases(source, subset)
    elif any(is_dicom(path) for path in source.rglob("*")):
        if subset == "test":
            raise BadCaseError(
                f"a test case needs the MSD layout, {source} holds DICOM: use the training cases"
            )
        from ingest.dicom_cases import find_dicom_cases

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


def _msd_cases(source: Path, subset: Subset) -> list[Case]:
    images, labels = _FOLDERS[subset]
    listing = source / "dataset.json"
    if listing.is_file():
        pairs = list(_listed(listing, subset))
    else:
        pairs = list(_found(source / images, source / labels if labels else None))
    ignored = sum(image.name.startswith("._") for image, _ in pairs)
    if ignored:
        _log.info("ignored %d files of macOS (._*) in %s", ignored, source)
    return [
        Case(name=name, image=image, label=label, patient=name)
        for image, label in pairs
        if (name := case_name(image)) and not image.name.startswith("._")
    ]


def source_name(source: Path) -> str:
    """What a data set calls itself: `name` in `dataset.json`, else the folder's name."""
    try:
        name = json.loads((source / "dataset.json").read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError, AttributeError):
        name = None
    return str(name or source.resolve().name)


def case_name(path: Path) -> str:
    """Name of the case in an image file: the file's own, without `.nii` or `.nii.gz`.

    Dots become underscores: in a tar, what follows the first dot says what a member is.
    """
    name = path.name
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name.replace(".", "_")


def _listed(listing: Path, subset: Subset) -> Iterable[tuple[Path, Path | None]]:
    """Pairs that `dataset.json` names: `{"image", "label"}`, or a plain path without label."""
    root = listing.parent
    try:
        entries = json.loads(listing.read_text(encoding="utf-8")).get(subset, [])
        for entry in entries:
            if isinstance(entry, str):
                yield root / entry, None
            else:
                label = entry.get("label")
                yield root / entry["image"], root / label if label else None
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadCaseError(
            f"dataset.json must list `{subset}` as in the MSD, {listing} does not "
            f"({type(error).__name__}: {error}): repair it, or delete it to use all of imagesTr"
        ) from error


def _found(images: Path, labels: Path | None) -> Iterable[tuple[Path, Path | None]]:
    for image in sorted(images.iterdir()):
        hidden = image.name.startswith(".") and not image.name.startswith("._")
        if image.name.endswith(_SUFFIXES) and not hidden:
            yield image, _label_of(image, labels) if labels else None


def _label_of(image: Path, labels: Path) -> Path | None:
    stem = image.name.removesuffix(".gz").removesuffix(".nii")
    candidates = [labels / (stem + suffix) for suffix in _SUFFIXES]
    return next((path for path in candidates if path.is_file()), None)


def _one_each(cases: Iterable[Case]) -> list[Case]:
    """The cases by name; of several with one name the last, which says so as its problem."""
    by_name: dict[str, Case] = {}
    for case in cases:
        if case.name in by_name:
            files = f"{by_name[case.name].image.name} and {case.image.name}"
            problem = f"a case may have one image, {case.name} has {files}: remove one"
            by_name[case.name] = replace(case, problem=problem)
        else:
            by_name[case.name] = case
    return [by_name[name] for name in sorted(by_name)]
