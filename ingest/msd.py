"""A folder in the layout of the Medical Segmentation Decathlon -> cases: images with their labels.

The layout of nnU-Net is read too: its images end in `_0000`, its labels do not.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ingest.case import BadCaseError, Case, Subset, case_name
from ingest.names import VOLUMES, is_volume, stem
from ingest.scans.text_header import data_files
from shards.console.words import counted

_log = logging.getLogger(__name__)

_FOLDERS: dict[Subset, tuple[str, ...]] = {
    "training": ("imagesTr", "labelsTr"),
    "test": ("imagesTs",),
}
_FIRST_CHANNEL = "_0000"
_MOST_NAMED = 5

_Entry = tuple[Path, Path | None, int | None]
"""Image, label and fold."""


def is_msd(source: Path) -> bool:
    """Whether a folder has this layout."""
    folders = [images for images, *_ in _FOLDERS.values()]
    return (source / "dataset.json").is_file() or any((source / name).is_dir() for name in folders)


def find_msd_cases(source: Path, subset: Subset) -> list[Case]:
    """List the cases that `dataset.json` names, or else every image and label in the folders.

    A file that is listed and absent is no error here: it is one when the case is read. So is the
    image of a label that has none. Files of macOS (`._*`) are ignored and counted; all others that
    belong to no case are named in the log.

    Args:
        source: Folder with `dataset.json`, or `imagesTr` and `labelsTr`.
        subset: Cases with labels, or the unlabeled ones of `imagesTs`.

    Returns:
        The cases; several may have one name.

    Raises:
        BadCaseError: If `dataset.json` cannot be understood.
    """
    entries = _entries(source / "dataset.json", subset)
    if entries is None:
        entries = list(_found(*(source / folder for folder in _FOLDERS[subset])))
    cases = [_case(_on_disk(image), label, fold) for image, label, fold in entries]
    _say_what_is_left_out(source, subset, cases)
    return cases


def _entries(listing: Path, subset: Subset) -> list[_Entry] | None:
    """What `dataset.json` names; None where there is none, or one that lists no files."""
    if not listing.is_file():
        return None
    try:
        content = json.loads(listing.read_text(encoding="utf-8"))
        if not content.keys() & _FOLDERS.keys():
            return None
        entries = [_entry(entry, listing.parent) for entry in content.get(subset, [])]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadCaseError(
            f"dataset.json must list `{subset}` as in the MSD, {listing} does not "
            f"({type(error).__name__}: {error}): repair it, or delete it to use all of imagesTr"
        ) from error
    return [entry for entry in entries if not entry[0].name.startswith("._")]


def _entry(entry: Any, root: Path) -> _Entry:
    """An entry of `dataset.json`: `{"image", "label"}`, or a plain path without label.

    MONAI's have a `fold` too; what is no whole number from 0 is none.
    """
    if isinstance(entry, str):
        return root / entry, None, None
    label, fold = entry.get("label"), entry.get("fold")
    is_fold = type(fold) is int and fold >= 0
    return root / entry["image"], root / label if label else None, fold if is_fold else None


def _found(images: Path, labels: Path | None = None) -> Iterator[_Entry]:
    """Pairs of one name; of a label without image, the image that is missing."""
    unpaired = {stem(label): label for label in _volumes(labels)}
    by_stem = dict(unpaired)
    for image in _volumes(images):
        name = stem(image)
        name = name if name in by_stem else name.removesuffix(_FIRST_CHANNEL)
        unpaired.pop(name, None)
        yield image, by_stem.get(name), None
    for label in unpaired.values():
        yield images / label.name, label, None


def _volumes(folder: Path | None) -> list[Path]:
    """The volumes of a folder, by their names; of twins, `.nii.gz` comes last."""
    if folder is None or not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if is_volume(path)]


def _on_disk(image: Path) -> Path:
    """The file that is meant: `dataset.json` of nnU-Net leaves out the channel."""
    name = stem(image)
    channel = image.with_name(name + _FIRST_CHANNEL + image.name.removeprefix(name))
    return channel if channel.is_file() and not image.exists() else image


def _case(image: Path, label: Path | None, fold: int | None) -> Case:
    name = case_name(image)
    if label and name == case_name(label) + _FIRST_CHANNEL:
        name = case_name(label)
    problem = _twins("image", name, image) or (_twins("label", name, label) if label else "")
    return Case(name=name, image=image, label=label, patient=name, fold=fold, problem=problem)


def _twins(what: str, name: str, path: Path) -> str:
    """What is wrong where a file is there in several forms, such as packed and unpacked."""
    forms = [path.with_name(stem(path) + suffix) for suffix in sorted(VOLUMES)]
    twins = [form.name for form in forms if form.is_file()]
    if len(twins) < 2:
        return ""
    return f"a case may have one {what}, {name} has {' and '.join(twins)}: remove one"


def _say_what_is_left_out(source: Path, subset: Subset, cases: Iterable[Case]) -> None:
    used = {path for case in cases for path in (case.image, case.label) if path}
    used |= {data for path in used for data in data_files(path)}
    folders = [source / name for name in _FOLDERS[subset] if (source / name).is_dir()]
    present = [path for folder in folders for path in sorted(folder.iterdir())]
    of_macos = sum(path.name.startswith("._") for path in present)
    if of_macos:
        _log.info("ignored %s of macOS (._*) in %s", counted(of_macos, "file"), source)
    unused = [path for path in present if path not in used and not path.name.startswith(".")]
    if unused:
        named = ", ".join(str(path.relative_to(source)) for path in unused[:_MOST_NAMED])
        _log.warning(
            "%s: left out %s of no case: %s%s (a case has a volume, such as "
            ".nii.gz, right in %s, named in dataset.json where that lists files)",
            source, counted(len(unused), "file"), named, ", ..." * (len(unused) > _MOST_NAMED),
            folders[0].name,
        )  # fmt: skip
