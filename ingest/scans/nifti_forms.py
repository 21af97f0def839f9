"""The two forms of a NIfTI header -> where its voxels lie, with what readers would not agree on."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ingest.scans.geometry import Grid, as_affine, same_place_voxels

Form = Literal["sform", "qform"]
Fields = Mapping[str, Any]
Matrix = npt.NDArray[np.float64]

_UNIT_QUATERNION_TOLERANCE = 3 * float(np.finfo(np.float32).eps)
_MM = {1: ("meters", 1e3), 3: ("microns", 1e-3)}  # by the three low bits of `xyzt_units`
_LAST_CODE = 5  # of the standard's names for a form's space

_APART_FATAL = 0.5  # voxels between the two forms
_APART_SAID = 0.01
_SAME_SPACING = 1e-3  # relative


def place(
    fields: Fields, shape: tuple[int, int, int], *, form: Form | None
) -> tuple[Grid, list[str]]:
    """Find the grid of a file: by its sform, else its qform, else spacing alone (methods 3, 2, 1).

    Args:
        fields: Of the header, by the standard's names.
        shape: Voxels along the stored axes.
        form: Which form counts where both are set and say different things; None refuses that.

    Returns:
        The grid, in mm, and what else the header says that other readers read otherwise.

    Raises:
        ValueError: If no form can be used, or the forms do not agree.
    """
    remarks: list[str] = []
    found = {
        name: matrix
        for name, matrix_of in (("sform", _sform), ("qform", _qform))
        if (matrix := _usable(name, fields, shape, matrix_of, remarks)) is not None
    }
    if not found:
        if remarks:
            raise ValueError("; ".join(remarks))
        found["spacing"] = _spacing_alone(fields, remarks)
        remarks.append("neither sform nor qform is set: taken to run left, forward and up")
    if len(found) == 2:
        remarks += _apart(_grid(found["sform"], shape), _grid(found["qform"], shape), form)
    name = form if form in found else next(iter(found))
    unit, mm = _MM.get(fields["xyzt_units"][0] & 7, ("", 1.0))
    matrix = np.diag([mm, mm, mm, 1]) @ found[name]
    grid = _grid(matrix, shape)
    if unit:
        spacing = " x ".join(f"{size:.4g}" for size in grid.spacing_mm)
        remarks.append(f"measured in {unit}, which makes voxels of {spacing} mm")
    return grid, remarks + (_of_spacing(found, fields) if name == "sform" else [])


def _grid(matrix: Matrix, shape: tuple[int, int, int]) -> Grid:
    """The grid, once its axes are known to span space."""
    grid = Grid(shape=shape, affine=as_affine(matrix))
    _ = grid.axes
    return grid


def _usable(
    name: str,
    fields: Fields,
    shape: tuple[int, int, int],
    matrix_of: Callable[[Fields, list[str]], Matrix],
    remarks: list[str],
) -> Matrix | None:
    """The matrix of a form; None where it is not set, or means no place: that is a remark."""
    code = fields[f"{name}_code"][0]
    if code <= 0:
        return None
    if code > _LAST_CODE:
        remarks.append(f"{name}_code {code} is none of the standard's")
    own: list[str] = []
    try:
        matrix = matrix_of(fields, own)
        _grid(matrix, shape)
    except ValueError as error:
        remarks.append(f"the {name} cannot be used: {error}")
        return None
    remarks += own
    return matrix


def _sform(fields: Fields, _remarks: list[str]) -> Matrix:
    return np.vstack([np.reshape(fields["srow"], (3, 4)), [0, 0, 0, 1]])


def _qform(fields: Fields, remarks: list[str]) -> Matrix:
    matrix = np.eye(4)
    steps = _steps(fields, remarks) * [1, 1, _qfac(fields["pixdim"][0], remarks)]
    matrix[:3, :3] = _rotation(fields["quatern"]) @ np.diag(steps)
    matrix[:3, 3] = fields["qoffset"]
    return matrix


def _qfac(stored: float, remarks: list[str]) -> int:
    """Whether the third axis is flipped; 0 stands for 1, as the standard has it."""
    if stored not in (-1, 0, 1):
        remarks.append(f"qfac must be 1 or -1, found {stored:g}: its sign counts")
    return -1 if stored < 0 else 1


def _steps(fields: Fields, remarks: list[str]) -> Matrix:
    """(3,) spacing, in the file's units; as nibabel reads what may not be."""
    steps = np.array(fields["pixdim"][1:4], float)
    if not np.isfinite(steps).all():
        raise ValueError(f"spacing must be finite, found {steps.tolist()}")
    if (steps <= 0).any():
        remarks.append(f"spacing must be over 0, found {steps.tolist()}: read without sign, 0 as 1")
    return np.where(steps == 0, 1, np.abs(steps))


def _spacing_alone(fields: Fields, remarks: list[str]) -> Matrix:
    """As nibabel: x runs to the left, the origin is the center of the volume."""
    matrix = np.eye(4)
    steps = _steps(fields, remarks) * [-1, 1, 1]
    matrix[:3, :3] = np.diag(steps)
    matrix[:3, 3] = -steps * (np.array(fields["dim"][1:4]) - 1) / 2
    return matrix


def _rotation(quatern: tuple[float, float, float]) -> Matrix:
    """Rotation matrix of a unit quaternion given by its last three parts."""
    x, y, z = quatern
    square = 1 - (x * x + y * y + z * z)
    if not square >= -_UNIT_QUATERNION_TOLERANCE:
        raise ValueError(f"its quaternion has a length over 1: {quatern}")
    w = 0.0 if square < _UNIT_QUATERNION_TOLERANCE else math.sqrt(square)
    s = 2 / (w * w + x * x + y * y + z * z)
    return np.array(
        [
            [1 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)],
            [s * (x * y + w * z), 1 - s * (x * x + z * z), s * (y * z - w * x)],
            [s * (x * z - w * y), s * (y * z + w * x), 1 - s * (x * x + y * y)],
        ]
    )


def _apart(sform: Grid, qform: Grid, chosen: Form | None) -> list[str]:
    """What to say of two forms that place a scan differently.

    Raises:
        ValueError: If they do, and none was chosen.
    """
    apart = same_place_voxels(sform, qform)
    if apart <= _APART_SAID:
        return []
    what = (
        f"the sform places the scan {apart:.3g} voxels from where its qform does "
        f"({sform.orientation} and {qform.orientation})"
    )
    if chosen:
        return [f"{what}: the {chosen} counts, as told"]
    if apart > _APART_FATAL:
        raise ValueError(f"{what}: say which one counts with --nifti-form, or repair the file")
    return [f"{what}: the sform counts"]


def _of_spacing(found: Mapping[str, Matrix], fields: Fields) -> list[str]:
    """What to say of a spacing that is not the sform's, where no qform says so."""
    own = np.linalg.norm(found["sform"][:3, :3], axis=0)
    stored = np.array(fields["pixdim"][1:4], float)
    if "qform" in found or np.allclose(own, stored, rtol=_SAME_SPACING, atol=0):
        return []
    said, counts = stored.round(4).tolist(), own.round(4).tolist()
    return [f"pixdim says {said}, the sform {counts}: the sform counts"]
