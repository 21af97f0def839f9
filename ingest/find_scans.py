"""Which scans a path holds, for prediction: a file, or all below a folder, of any format."""

from pathlib import Path

from ingest.case import BadCaseError, Case, case_name
from ingest.dicom.signature import is_dicom
from ingest.names import IN_WORDS, how_to_convert, is_volume
from ingest.patient_folders import find_folder_scans
from ingest.search import files_below


def find_scans(path: Path) -> list[Case]:
    """List the scans of a path; what is a label by its name is left out, and said so.

    Args:
        path: A volume, or a folder of volumes or DICOM series at any depth; links are followed.

    Returns:
        The scans as cases without label, sorted by name: named as `find_cases` names them.

    Raises:
        BadCaseError: If there is none, it is a whole data set, or two scans have one name.
    """
    if path.is_file():
        return [_single(path)]
    if not path.is_dir():
        raise BadCaseError(f"{_wanted(path)} does not exist: check the path")
    inner = next((name for name in ("imagesTs", "imagesTr") if (path / name).is_dir()), None)
    if inner:
        raise BadCaseError(f"{_wanted(path)} is a whole data set: give {path / inner}")
    files = list(files_below(path))
    scans = find_folder_scans(path, files)
    if any(map(is_dicom, files)):
        from ingest.dicom.cases import find_dicom_cases

        scans += find_dicom_cases(path)
    if not scans:
        advice = next(filter(None, map(how_to_convert, files)), "check the path")
        raise BadCaseError(f"{_wanted(path)} holds none: {advice}")
    return _one_each(scans)


def _wanted(path: Path) -> str:
    return f"need a scan, {IN_WORDS}, or a folder of them or of DICOM series: {path}"


def _single(path: Path) -> Case:
    if is_dicom(path):
        raise BadCaseError(
            f"{path} is one file of a DICOM series: give its folder, {path.absolute().parent}"
        )
    if not is_volume(path):
        advice = how_to_convert(path) or "convert it first"
        raise BadCaseError(f"{_wanted(path)} is neither: {advice}")
    name = case_name(path)
    return Case(name=name, image=path, label=None, patient=name)


def _one_each(scans: list[Case]) -> list[Case]:
    by_name: dict[str, Case] = {}
    for scan in scans:
        twin = by_name.setdefault(scan.name, scan)
        if twin is not scan:
            raise BadCaseError(
                f"{twin.image} and {scan.image} would have the same result: move one of them away"
            )
    return [by_name[name] for name in sorted(by_name)]
