"""DICOM files -> series of CT slices in the order of the body, with their grid."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.cases import BadCaseError
from ingest.geometry import Grid, as_affine
from ingest.volume import is_dicom

try:
    import pydicom
    import pydicom.pixels
except ModuleNotFoundError as missing:
    raise BadCaseError("reading DICOM needs pydicom: pip install 'lungseg[dicom]'") from missing

# https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_B.5.html
_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_MULTI_FRAME_CT = {_CT_IMAGE + ".1", _CT_IMAGE + ".2"}
CT_CLASSES = {_CT_IMAGE} | _MULTI_FRAME_CT

_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")
HEADER_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesDescription", "PatientID",
    "FrameOfReferenceUID", "ImageType", *_GEOMETRY,
]  # fmt: skip

_SAME_DIRECTION = 1e-3  # of the six direction cosines, between slices of one series
_SAME_PIXEL = 1e-4  # of the pixel spacing, relative
_SAME_PLACE = 0.01  # two slices nearer than this part of a step are duplicates
_GAP = 1.5  # a step longer than this many usual steps leaves slices out
_UNEVEN = 0.1  # farthest a slice may lie from its even place, in steps (positions are rounded)
_TILT = 0.5  # farthest the last slice may lie beside the first, in pixels

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class Header:
    """The header of a DICOM file: its path and the elements of `HEADER_TAGS`."""

    path: Path
    values: Any

    @property
    def series(self) -> str:
        """Its series, by UID."""
        return str(self.values.get("SeriesInstanceUID", ""))


def read_headers(
    folder: Path, tags: list[str] = HEADER_TAGS, *, files: Sequence[Path] = ()
) -> list[Header]:
    """Read the headers of all DICOM files below a folder, or of some of them, ordered by path.

    Raises:
        BadCaseError: If a file is named as DICOM, or starts as DICOM does, and is none.
    """
    headers = []
    for path in files or sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.name.startswith("._") or path.name == "DICOMDIR":
            continue
        header = Header(path=path, values=read_file(path, tags)) if is_dicom(path) else None
        if header and header.series:
            headers.append(header)
        elif header or path.suffix == ".dcm":
            raise BadCaseError(f"{path} is no DICOM file, or damaged: copy or download it again")
    return headers


def ct_series(headers: Iterable[Header]) -> dict[str, list[Header]]:
    """Group the headers of CT images by series; scout images (localizers) belong to no scan."""
    groups: dict[str, list[Header]] = {}
    for header in headers:
        is_scout = "LOCALIZER" in (header.values.get("ImageType") or ())
        if header.values.get("SOPClassUID") in CT_CLASSES and not is_scout:
            groups.setdefault(header.series, []).append(header)
    return groups


def arrange(headers: list[Header]) -> tuple[Grid, list[Header]]:
    """Sort the slices of a series along their normal and say where the voxels lie.

    Args:
        headers: All slices of the series, in any order.

    Returns:
        The grid, with stored axes (column, row, slice), and the headers in slice order.

    Raises:
        BadCaseError: If slices are missing, double or unevenly spaced, the gantry was tilted,
            or the compression cannot be read here.
    """
    where = f"DICOM series {headers[0].series} ({headers[0].path.parent})"
    _refuse_unreadable(headers, where)
    directions, pixel_mm, (rows, columns) = _common_plane(headers, where)
    normal = np.cross(directions[0], directions[1])
    positions = np.array([header.values.ImagePositionPatient for header in headers], float)
    order = np.argsort(positions @ normal, kind="stable")
    ordered, positions = [headers[place] for place in order], positions[order]
    _refuse_uneven(positions @ normal, ordered, where)
    step = (positions[-1] - positions[0]) / (len(headers) - 1)
    _refuse_tilt(step, normal, len(headers) * float(1 / pixel_mm.min()), where)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1] = directions[0] * pixel_mm[1], directions[1] * pixel_mm[0]
    matrix[:3, 2], matrix[:3, 3] = step, positions[0]
    shape = (columns, rows, len(headers))
    return Grid(shape=shape, affine=as_affine(_LPS_TO_RAS @ matrix)), ordered


def read_file(path: Path, tags: list[str] | None = None) -> Any:
    """Read a DICOM file: the named elements without the pixels, or all of it."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return pydicom.dcmread(path, specific_tags=tags, stop_before_pixels=tags is not None)
    except (pydicom.errors.InvalidDicomError, OSError, EOFError, ValueError) as error:
        raise BadCaseError(f"{path} is damaged ({error}): copy or download it again") from error


def _refuse_unreadable(headers: list[Header], where: str) -> None:
    """Refuse what can be known to fail before any pixel is read."""
    if any(header.values.get("SOPClassUID") in _MULTI_FRAME_CT for header in headers):
        raise BadCaseError(
            f"{where}: a slice must be one file, found multi-frame CT: convert it to single "
            "frames, or to NIfTI, for example with dcm2niix"
        )
    if len(headers) < 2:
        raise BadCaseError(f"{where}: a scan needs at least 2 slices, found {len(headers)}")
    for header in headers:
        absent = [name for name in _GEOMETRY if not header.values.get(name)]
        if absent:
            raise BadCaseError(f"{where}: {header.path.name} has no {', '.join(absent)}")
    for uid in {header.values.file_meta.TransferSyntaxUID for header in headers}:
        _refuse_without_decoder(uid, where)


def _refuse_without_decoder(uid: Any, where: str) -> None:
    try:
        available = not uid.is_compressed or pydicom.pixels.get_decoder(uid).is_available
    except (NotImplementedError, ValueError):
        available = False
    if not available:
        raise BadCaseError(
            f"{where} is compressed as {uid.name}, which pydicom cannot read here: pip install "
            "pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"
        )


def _common_plane(
    headers: list[Header], where: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], tuple[int, int]]:
    """Directions (2, 3) of a row and a column, spacing (rows, columns) in mm and shape."""
    directions = np.array([header.values.ImageOrientationPatient for header in headers], float)
    pixel_mm = np.array([header.values.PixelSpacing for header in headers], float)
    shapes = {(int(header.values.Rows), int(header.values.Columns)) for header in headers}
    if len(shapes) > 1:
        raise BadCaseError(f"{where}: slices must have one shape, found {sorted(shapes)}")
    for name, values, tolerance in (
        ("orientation", directions, _SAME_DIRECTION),
        ("pixel spacing", pixel_mm, _SAME_PIXEL * float(pixel_mm[0].min())),
    ):
        far = np.abs(values - values[0]).max(axis=1)
        if far.max() > tolerance:
            raise BadCaseError(
                f"{where}: slices must have one {name}, found {values[0].tolist()} in "
                f"{headers[0].path.name} and {values[far.argmax()].tolist()} in "
                f"{headers[far.argmax()].path.name}"
            )
    return directions[0].reshape(2, 3), pixel_mm[0], shapes.pop()


def _refuse_uneven(places: npt.NDArray[np.float64], ordered: list[Header], where: str) -> None:
    """Refuse double, missing and unevenly spaced slices; `places` in mm along the normal."""
    steps = np.diff(places)
    usual = float(np.median(steps))
    first = int(np.argmin(steps))
    if steps[first] <= _SAME_PLACE * usual or usual <= 0:
        raise BadCaseError(
            f"{where}: two slices lie at {places[first]:.2f} mm, {ordered[first].path.name} and "
            f"{ordered[first + 1].path.name}: keep one of them"
        )
    widest = int(np.argmax(steps))
    between = f"between {places[widest]:.2f} and {places[widest + 1]:.2f} mm"
    if steps[widest] > _GAP * usual:
        missing = max(1, round(steps[widest] / usual) - 1)
        raise BadCaseError(
            f"{where}: slices lie {usual:.2f} mm apart, but {steps[widest]:.2f} mm {between}: "
            f"{missing} missing, download the series again"
        )
    even = np.linspace(places[0], places[-1], len(places))
    if np.abs(places - even).max() > _UNEVEN * usual:
        raise BadCaseError(
            f"{where}: slices must lie evenly, found steps of {steps.min():.2f} to "
            f"{steps[widest]:.2f} mm (the widest {between}): resample the scan first"
        )


def _refuse_tilt(
    step: npt.NDArray[np.float64], normal: npt.NDArray[np.float64], pixels: float, where: str
) -> None:
    """Refuse a scan whose slices shift sideways; `pixels` turns a step's mm into the total."""
    along = float(step @ normal)
    aside = float(np.linalg.norm(step - along * normal))
    if aside * pixels > _TILT:
        raise BadCaseError(
            f"{where}: the gantry was tilted by {np.degrees(np.arctan2(aside, along)):.2f} "
            f"degrees, each slice lies {aside:.2f} mm beside the last: resample the scan first"
        )
