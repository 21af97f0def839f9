"""DICOM files -> series of CT slices in the order of the body, with their grid."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.dicom.files import GEOMETRY, Header
from ingest.scans.geometry import Grid, as_affine

# https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_B.5.html
_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_MULTI_FRAME_CT = {_CT_IMAGE + ".1", _CT_IMAGE + ".2"}
CT_CLASSES = {_CT_IMAGE} | _MULTI_FRAME_CT

_SAME_DIRECTION = 1e-3  # of the six direction cosines, between slices of one series
_SAME_PIXEL = 1e-4  # of the pixel spacing, relative
_SAME_PLACE = 0.01  # two slices nearer than this part of a step are duplicates
_GAP = 1.5  # a step longer than this many usual steps leaves slices out
_UNEVEN = 0.1  # farthest a slice may lie from its even place, in steps (positions are rounded)
_TILT = 0.5  # farthest the last slice may lie beside the first, in pixels
_ASIDE = 0.2  # farthest a slice may lie beside the line of the others, in pixels

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def arrange(headers: list[Header]) -> tuple[Grid, list[Header]]:
    """Sort the slices of a series along their normal and say where the voxels lie.

    Args:
        headers: All slices of the series, in any order.

    Returns:
        The grid, with stored axes (column, row, slice), and the headers in slice order.

    Raises:
        BadCaseError: If a header is damaged, slices are missing, double, unevenly spaced or
            shifted, the gantry was tilted, or the compression cannot be read here.
    """
    where = f"DICOM series {headers[0].series} ({headers[0].path.parent})"
    _refuse_unreadable(headers, where)
    directions, pixel_mm, (rows, columns) = _common_plane(headers, where)
    normal = np.cross(directions[0], directions[1])
    positions = np.array([header.numbers("ImagePositionPatient", 3) for header in headers])
    order = np.argsort(positions @ normal, kind="stable")
    ordered, positions = [headers[place] for place in order], positions[order]
    _refuse_uneven(positions @ normal, ordered, where)
    _refuse_shifted(positions, normal, float(pixel_mm.min()), ordered, where)
    step = (positions[-1] - positions[0]) / (len(headers) - 1)
    _refuse_tilt(step, normal, len(headers) * float(1 / pixel_mm.min()), where)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1] = directions[0] * pixel_mm[1], directions[1] * pixel_mm[0]
    matrix[:3, 2], matrix[:3, 3] = step, positions[0]
    shape = (columns, rows, len(headers))
    return Grid(shape=shape, affine=as_affine(_LPS_TO_RAS @ matrix)), ordered


def _refuse_unreadable(headers: list[Header], where: str) -> None:
    """Refuse what can be known to fail before any pixel is read."""
    for header in headers:
        header.refuse()
    if any(header.text("SOPClassUID") in _MULTI_FRAME_CT for header in headers):
        raise BadCaseError(
            f"{where}: a slice must be one file, found multi-frame CT: convert it to single "
            "frames, or to NIfTI, for example with dcm2niix"
        )
    if len(headers) < 2:
        raise BadCaseError(f"{where}: a scan needs at least 2 slices, found {len(headers)}")
    for header in headers:
        absent = [name for name in GEOMETRY if not header.values.get(name)]
        if absent:
            raise BadCaseError(f"{where}: {header.name} has no {', '.join(absent)}")
    syntaxes = {header.values.file_meta.get("TransferSyntaxUID"): header for header in headers}
    for uid, header in syntaxes.items():
        if uid is None:
            raise BadCaseError(
                f"{header.path} has no TransferSyntaxUID, which says how its pixels are stored: "
                "export the series again"
            )
        _refuse_without_decoder(uid, where)


def _refuse_without_decoder(uid: Any, where: str) -> None:
    from pydicom.pixels import get_decoder

    try:
        available = not uid.is_compressed or get_decoder(uid).is_available
    except (NotImplementedError, ValueError):
        available = False
    if not available:
        raise BadCaseError(
            f"{where} is compressed as {uid.name}, which cannot be read here: pip install "
            "pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg, or decompress it, for example with "
            "dcmdjpeg"
        )


def _common_plane(
    headers: list[Header], where: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], tuple[int, int]]:
    """Directions (2, 3) of a row and a column, spacing (rows, columns) in mm and shape."""
    directions = np.array([header.numbers("ImageOrientationPatient", 6) for header in headers])
    pixel_mm = np.array([header.numbers("PixelSpacing", 2) for header in headers])
    sizes = [(header.numbers("Rows", 1), header.numbers("Columns", 1)) for header in headers]
    shapes = {(int(rows[0]), int(columns[0])) for rows, columns in sizes}
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
                f"{headers[0].name} and {values[far.argmax()].tolist()} in "
                f"{headers[far.argmax()].name}"
            )
    _refuse_plane(directions[0].reshape(2, 3), pixel_mm[0], headers[0])
    return directions[0].reshape(2, 3), pixel_mm[0], shapes.pop()


def _refuse_plane(
    directions: npt.NDArray[np.float64], pixel_mm: npt.NDArray[np.float64], header: Header
) -> None:
    """Refuse what spans no plane: pixels without extent, rows and columns not at a right angle."""
    off = np.abs(directions @ directions.T - np.eye(2)).max()
    if off > _SAME_DIRECTION or pixel_mm.min() <= 0:
        raise BadCaseError(
            f"{header.path}: ImageOrientationPatient must be two directions of length 1 at a right "
            f"angle and PixelSpacing more than 0 mm, found {directions.ravel().tolist()} and "
            f"{pixel_mm.tolist()}: export the series again"
        )


def _refuse_uneven(places: npt.NDArray[np.float64], ordered: list[Header], where: str) -> None:
    """Refuse double, missing and unevenly spaced slices; `places` in mm along the normal."""
    steps = np.diff(places)
    usual = float(np.median(steps))
    first = int(np.argmin(steps))
    if steps[first] <= _SAME_PLACE * usual or usual <= 0:
        raise BadCaseError(
            f"{where}: two slices lie at {places[first]:.2f} mm, {ordered[first].name} and "
            f"{ordered[first + 1].name}: keep one of them"
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


def _refuse_shifted(
    positions: npt.NDArray[np.float64],
    normal: npt.NDArray[np.float64],
    pixel_mm: float,
    ordered: list[Header],
    where: str,
) -> None:
    """Refuse a slice that lies beside the line of all others, though at the right height."""
    if len(ordered) < 3:
        return
    beside = positions - np.outer(positions @ normal, normal)
    everyone = np.arange(len(ordered))
    worst = int(np.linalg.norm(_off_line(beside, everyone), axis=1).argmax())
    others = _off_line(beside, np.delete(everyone, worst))
    off = float(np.linalg.norm(others[worst]))
    if off > _ASIDE * pixel_mm:
        raise BadCaseError(
            f"{where}: slices must lie on one line, {ordered[worst].name} lies {off:.2f} mm "
            "beside the line of the others: export the series again, or resample the scan first"
        )


def _off_line(
    points: npt.NDArray[np.float64], some: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """How far each of (n, 3) points lies off the straight line fitted to some of them, in mm."""
    slope, start = np.polyfit(some, points[some], 1)
    return np.asarray(points - np.outer(np.arange(len(points)), slope) - start)


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
