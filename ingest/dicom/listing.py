"""A folder of DICOM masks -> the names of all regions in them, and which of them are tumor."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ingest.case import BadCaseError
from ingest.dicom.files import HEADER_TAGS, Header, read_headers
from ingest.dicom.links import is_mask
from ingest.dicom.regions import REGION_TAGS, matching, region_names
from ingest.dicom.series import CT_CLASSES
from shards.console.words import counted

Named = tuple[Header, dict[int, str]]
"""A mask with the names of its regions by number."""


def regions_of(source: Path, roi: Sequence[str]) -> dict[str, Any]:
    """List the regions by name, from the files' headers alone.

    Args:
        source: The folder.
        roi: Names of the regions that are tumor, as in `regions.matching`.

    Returns:
        Plain data: `regions`, each with its `name`, the number of `files` and of `patients` that
        have it, and whether it is `tumor` by `roi` in any; `masks`, all files; `without`, those
        of them in which `roi` means no region; `unreadable` ones with the reason; `exit_code`, 1
        if there are any of the last two.

    Raises:
        BadCaseError: If the folder holds no DICOM mask.
    """
    headers = read_headers(source, HEADER_TAGS + REGION_TAGS)
    masks = [header for header in headers if is_mask(header) or _may_be_mask(header)]
    if not masks:
        raise BadCaseError(f"{source} holds no RTSTRUCT or SEG files: check the path")
    named, unreadable = _named(masks)
    without = [header.name for header, names in named if not matching(names, roi)]
    return {
        "source": str(source),
        "masks": len(masks),
        "regions": _by_name(named, roi),
        "without": without,
        "unreadable": unreadable,
        "exit_code": int(bool(without or unreadable)),
    }


def names_of_none(masks: Iterable[Header], roi: Sequence[str]) -> list[str]:
    """The names of a `--roi` that mean no region in any of the masks."""
    named, _ = _named(masks)
    return [wanted for wanted in roi if not any(matching(names, [wanted]) for _, names in named)]


def show_regions(result: dict[str, Any]) -> str:
    """Render what `regions_of` returns for people: one line for each name, then what is amiss."""
    width = max((len(region["name"]) for region in result["regions"]), default=0)
    lines = [
        f"{region['name']:{width}}  {counted(region['files'], 'file')}, "
        f"{counted(region['patients'], 'patient')}{'  tumor' * region['tumor']}"
        for region in result["regions"]
    ]
    lines += [f"no such region in {name}" for name in result["without"]]
    lines += result["unreadable"]
    count = f"masks in {result['source']}: {result['masks']}; names of regions: "
    return "\n".join([*lines, f"{count}{len(result['regions'])}"])


def _may_be_mask(header: Header) -> bool:
    return bool(header.problem) and header.text("SOPClassUID") not in CT_CLASSES


def _named(masks: Iterable[Header]) -> tuple[list[Named], list[str]]:
    """Each mask with the names of its regions; and why others cannot be read."""
    named, unreadable = [], []
    for header in masks:
        try:
            header.refuse()
            named.append((header, region_names(header.values, header.path)))
        except BadCaseError as error:
            unreadable.append(str(error))
    return named, unreadable


def _by_name(named: list[Named], roi: Sequence[str]) -> list[dict[str, Any]]:
    files: Counter[str] = Counter()
    patients: dict[str, set[str]] = {}
    tumor: set[str] = set()
    for header, names in named:
        files.update(set(names.values()))
        tumor |= {names[key] for key in matching(names, roi) if roi}
        for name in names.values():
            patients.setdefault(name, set()).add(header.text("PatientID") or header.name)
    return [
        {
            "name": name,
            "files": files[name],
            "patients": len(patients[name]),
            "tumor": name in tumor,
        }
        for name in sorted(files)
    ]
