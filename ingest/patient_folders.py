"""One folder per patient, or files side by side -> cases: each image with the label beside it."""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ingest.case import Case, as_case_name, case_name
from ingest.names import how_to_convert, is_volume, may_hold_scan, stem
from ingest.scans.text_header import data_files
from shards.console.words import some

_log = logging.getLogger(__name__)

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W_a-zA-Z0-9]+")
_OF_LABELS = {"label", "labels", "labelmap", "mask", "masks", "seg", "segmentation", "gt"}
_OF_IMAGES = {"image", "images", "img", "ct", "scan", "scans", "volume", "volumes"}
_OF_ROLES = _OF_LABELS | _OF_IMAGES
_OF_SUBSETS = {"tr", "ts"}


def find_folder_cases(source: Path, files: Iterable[Path]) -> list[Case]:
    """List the images below a folder, each with its label.

    A file is a label if its name has one of the words label(s), labelmap, mask(s), seg,
    segmentation, gt; all other volumes are images. A folder that is called by nothing but these
    words, or by image(s), img, ct, scan(s), volume(s), says the same of all files in it and counts
    as the folder above it. In a folder with one image its labels are those in the folder; with
    several, those whose names differ from its own only in such words (`t0_ct.nii.gz`,
    `t0_seg.nii.gz`). An image that is alone in a folder is named after the folders that lead to it,
    others by their own names too. All images below one of the topmost folders are of one patient.

    Args:
        source: The folder.
        files: All files below it.

    Returns:
        The cases, by folder and name; several may have one name. A label without image is a case
        with a problem, as is an image with several labels.
    """
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    files = list(files)
    volumes = list(filter(is_volume, files))
    for path in volumes:
        by_folder[_home(path.parent.relative_to(source))].append(path)
    if volumes:
        _say_others(files, volumes)
    shared = len(Path(os.path.commonpath(by_folder)).parts) if by_folder else 0
    return [
        case
        for folder, paths in sorted(by_folder.items())
        for case in _cases_of(
            source, folder, paths, patient="".join(folder.parts[shared : shared + 1])
        )
    ]


def _say_others(files: list[Path], volumes: list[Path]) -> None:
    """Name what may be a scan and is not read, beside those that are."""
    used = {data for path in volumes for data in data_files(path)}
    left = [path for path in files if may_hold_scan(path) and path not in used]
    if left:
        names, advice = some([str(path) for path in left]), how_to_convert(left[0])
        _log.warning("left out, as no format that is read: %s (%s)", names, advice)


def find_folder_scans(source: Path, files: Sequence[Path]) -> list[Case]:
    """List the images below a folder as `find_folder_cases` does, without their labels.

    Files that are labels by their names are named in the log.
    """
    cases = find_folder_cases(source, files)
    scans = [replace(case, label=None, problem="") for case in cases if case.image != case.label]
    images = {case.image for case in scans}
    labels = [path.name for path in files if is_volume(path) and path not in images]
    if labels:
        _log.warning("left out as labels, by the words in their names: %s", some(labels))
    return scans


def _home(folder: Path) -> Path:
    """A folder without those on its way that only say whether images or labels lie in them."""
    return Path(*(part for part in folder.parts if not _tells_role(part)))


def _tells_role(part: str) -> bool:
    words = set(_words(part))
    return bool(words & _OF_ROLES) and words <= _OF_ROLES | _OF_SUBSETS


def _cases_of(source: Path, folder: Path, paths: list[Path], *, patient: str) -> Iterator[Case]:
    """The cases of one folder, which is told from the source."""
    labels = [path for path in paths if _is_label(path.relative_to(source))]
    images = [path for path in paths if path not in labels]
    for image in images:
        own = labels if len(images) == 1 else [path for path in labels if _key(path) == _key(image)]
        name = _name(folder, image, is_only=len(images) == 1)
        problem = _several(name, own)
        twins = [path for path in images if _key(path) == _key(image)] if own else []
        yield Case(
            name=name,
            image=image,
            label=own[0] if own else None,
            patient=patient or name,
            problem=problem or (_ambiguous(own[0], twins) if len(twins) > 1 else ""),
        )
    keys = {_key(image) for image in images}
    for label in labels:
        if len(images) != 1 and _key(label) not in keys:
            yield _without_image(folder, label, patient)


def _without_image(folder: Path, label: Path, patient: str) -> Case:
    """A label that belongs to no image: its image is the label itself."""
    name = _name(folder, label, is_only=False)
    problem = (
        f"{label} is a label by its name, and no image in its folder has the rest of that name: "
        "call the image as the label, with image for label"
    )
    return Case(name=name, image=label, label=label, patient=patient or name, problem=problem)


def _name(folder: Path, path: Path, *, is_only: bool) -> str:
    parts = [as_case_name(part) for part in folder.parts]
    return "_".join(parts if parts and is_only else [*parts, case_name(path)])


def _several(name: str, labels: list[Path]) -> str:
    if len(labels) < 2:
        return ""
    found = some([path.name for path in labels])
    return f"a case may have one label, {name} has {found}: move the others away"


def _ambiguous(label: Path, images: list[Path]) -> str:
    found = some([path.name for path in images])
    return f"{label} could be the label of {found}: name it after one of them"


def _is_label(path: Path) -> bool:
    telling = [part for part in path.parts[:-1] if _tells_role(part)]
    return any(_OF_LABELS & set(_words(part)) for part in (*telling, stem(path)))


def _key(path: Path) -> tuple[str, ...]:
    """What is left of a file's name without the words that say what it is."""
    return tuple(word for word in _words(stem(path)) if word not in _OF_ROLES)


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(text)]
