"""A path -> the scans to predict."""

from pathlib import Path

from ingest.case import Case, case_name
from ingest.dicom.signature import is_dicom
from lungseg.inference.errors import PredictError

_SUFFIXES = (".nii.gz", ".nii")


def find_scans(path: Path) -> list[Case]:
    """The scans to predict.

    Args:
        path: A NIfTI file, a folder of them, or a folder with DICOM series; hidden files (`._*` of
            macOS) are no scans.

    Returns:
        The scans as cases by name.

    Raises:
        BadCaseError: If a DICOM file is damaged.
        PredictError: If there is none, or two would have the same result.
    """
    wanted = f"--input must be a NIfTI file (.nii.gz, .nii) or a folder of scans, {path}"
    if path.is_file():
        if not path.name.endswith(_SUFFIXES):
            raise PredictError(f"{wanted} is neither: convert it first")
        return [_as_case(path)]
    if not path.is_dir():
        raise PredictError(f"{wanted} does not exist: check the path")
    scans = [_as_case(file) for file in sorted(path.iterdir()) if _is_scan(file)]
    if not scans and any(is_dicom(file) for file in path.rglob("*")):
        from ingest.dicom.cases import find_dicom_cases

        scans = find_dicom_cases(path)
    if not scans:
        inner = next((name for name in ("imagesTs", "imagesTr") if (path / name).is_dir()), None)
        advice = f"give {path / inner}" if inner else "check the path"
        raise PredictError(f"{wanted} holds none: {advice}")
    by_name: dict[str, Case] = {}
    for scan in scans:
        twin = by_name.setdefault(scan.name, scan)
        if twin is not scan:
            raise PredictError(
                f"{twin.image} and {scan.image} would have the same result: move one of them away"
            )
    return sorted(scans, key=lambda scan: scan.name)


def _is_scan(path: Path) -> bool:
    return path.name.endswith(_SUFFIXES) and not path.name.startswith(".") and path.is_file()


def _as_case(path: Path) -> Case:
    name = case_name(path)
    return Case(name=name, image=path, label=None, patient=name)
