"""The header of a NIfTI file -> grid, number type and scaling, as nibabel reads them."""

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.scans.geometry import Affine, Grid, as_affine

# Number types that can hold HU or labels (https://nifti.nimh.nih.gov, `datatype`)
_DTYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8",
    1280: "u8",
}  # fmt: skip

# Where each field lies: (offset, struct format) by version
_FIELDS: dict[int, dict[str, tuple[int, str]]] = {
    348: {
        "dim": (40, "8h"), "datatype": (70, "h"), "pixdim": (76, "8f"), "vox_offset": (108, "f"),
        "scaling": (112, "2f"), "codes": (252, "2h"), "quatern": (256, "3f"),
        "qoffset": (268, "3f"), "srow": (280, "12f"), "magic": (344, "4s"),
    },
    540: {
        "dim": (16, "8q"), "datatype": (12, "h"), "pixdim": (104, "8d"), "vox_offset": (168, "q"),
        "scaling": (176, "2d"), "codes": (344, "2i"), "quatern": (352, "3d"),
        "qoffset": (376, "3d"), "srow": (400, "12d"), "magic": (4, "4s"),
    },
}  # fmt: skip
LONGEST_BYTES = 540
_MAGIC = {348: b"n+1\0", 540: b"n+2\0"}
_UNIT_QUATERNION_TOLERANCE = 3 * float(np.finfo(np.float32).eps)


@dataclass(frozen=True, kw_only=True)
class NiftiHeader:
    """What is needed to read a NIfTI file.

    Attributes:
        grid: Where the voxels lie.
        dtype: Number type in the file, with its byte order.
        slope: Factor from stored number to value; None when the file has no scaling.
        inter: Offset added after it.
        offset: Byte at which the voxels start.
    """

    grid: Grid
    dtype: np.dtype[Any]
    slope: float | None
    inter: float
    offset: int

    @property
    def volume_bytes(self) -> int:
        """Bytes of header and voxels together, when inflated."""
        return self.offset + math.prod(self.grid.shape) * self.dtype.itemsize


def parse_header(data: bytes, *, where: str) -> NiftiHeader:
    """Read the first bytes of a (decompressed) NIfTI file.

    Args:
        data: At least `LONGEST_BYTES` bytes, or all there are.
        where: Path of the file, for messages.

    Returns:
        The header.

    Raises:
        BadCaseError: If it is no NIfTI file, or one that holds no single 3D scan of plain numbers.
    """
    fields = _fields(data, where)
    try:
        grid = Grid(shape=_shape(fields["dim"], where), affine=_affine(fields, where))
        _ = grid.axes
    except ValueError as error:
        raise BadCaseError(f"{where}: {error}") from error
    code = fields["datatype"][0]
    if code not in _DTYPES:
        raise BadCaseError(
            f"{where}: voxels must be plain integers or floats, found NIfTI datatype {code}"
        )
    slope, inter = _scaling(fields["scaling"], where)
    return NiftiHeader(
        grid=grid,
        dtype=np.dtype(fields["order"] + _DTYPES[code]),
        slope=slope,
        inter=inter,
        offset=_offset(fields, where),
    )


def _offset(fields: dict[str, Any], where: str) -> int:
    """First byte of the voxels; 0 stands for the one after the header and its 4 extension bytes."""
    stored = fields["vox_offset"][0]
    first = 352 if fields["magic"][0] == _MAGIC[348] else 544
    if stored and not first <= stored < math.inf:
        raise BadCaseError(
            f"{where}: vox_offset must be 0 or at least {first}, found {stored:g}: the header is "
            "damaged, copy or download the file again"
        )
    return int(stored) or first


def _fields(data: bytes, where: str) -> dict[str, Any]:
    for order in "<>":
        size = struct.unpack_from(order + "i", data)[0] if len(data) >= 4 else 0
        if size in _FIELDS and len(data) >= size:
            fields: dict[str, Any] = {
                name: struct.unpack_from(order + form, data, start)
                for name, (start, form) in _FIELDS[size].items()
            }
            if fields["magic"][0] == _MAGIC[size]:
                return fields | {"order": order}
    raise BadCaseError(
        f"{where} is no NIfTI file (.nii, .nii.gz): replace it, or convert it, for example with "
        "dcm2niix"
    )


def _shape(dim: tuple[int, ...], where: str) -> tuple[int, int, int]:
    """The 3D shape; further axes must have length 1."""
    sizes = dim[1 : dim[0] + 1]
    if not 3 <= dim[0] <= 7 or min(sizes) < 1 or math.prod(sizes[3:]) != 1:
        raise BadCaseError(
            f"{where}: a scan has three axes (more only of length 1), found shape {sizes}: split "
            "it, one file per volume"
        )
    return sizes[0], sizes[1], sizes[2]


def _scaling(stored: tuple[float, float], where: str) -> tuple[float | None, float]:
    slope, inter = stored
    if slope == 0 or not math.isfinite(slope):
        return None, 0.0
    if not math.isfinite(inter):
        raise BadCaseError(f"{where}: the intercept must be finite, found {inter}")
    return (None if slope == 1 and inter == 0 else slope), inter


def _affine(fields: dict[str, Any], where: str) -> Affine:
    """The sform where it is set, else the qform, else spacing alone (NIfTI-1 methods 3, 2, 1)."""
    qform_code, sform_code = fields["codes"]
    if sform_code != 0:
        return as_affine(np.vstack([np.reshape(fields["srow"], (3, 4)), [0, 0, 0, 1]]))
    pixdim = np.array(fields["pixdim"])
    matrix = np.eye(4)
    if qform_code != 0:
        if pixdim[0] not in (-1, 1) or (pixdim[1:4] < 0).any():
            raise BadCaseError(
                f"{where}: qform needs qfac 1 or -1 and spacing >= 0, found {pixdim}"
            )
        matrix[:3, :3] = _rotation(fields["quatern"], where) @ np.diag(
            pixdim[1:4] * [1, 1, pixdim[0]]
        )
        matrix[:3, 3] = fields["qoffset"]
    else:
        # As nibabel: x runs to the left, the origin is the center of the volume
        steps = pixdim[1:4] * [-1, 1, 1]
        matrix[:3, :3] = np.diag(steps)
        matrix[:3, 3] = -steps * (np.array(fields["dim"][1:4]) - 1) / 2
    return as_affine(matrix)


def _rotation(quatern: tuple[float, float, float], where: str) -> npt.NDArray[np.float64]:
    """Rotation matrix of a unit quaternion given by its last three parts."""
    x, y, z = quatern
    square = 1 - (x * x + y * y + z * z)
    if square < -_UNIT_QUATERNION_TOLERANCE:
        raise BadCaseError(f"{where}: the qform's quaternion has a length over 1: {quatern}")
    w = 0.0 if square < _UNIT_QUATERNION_TOLERANCE else math.sqrt(square)
    s = 2 / (w * w + x * x + y * y + z * z)
    return np.array(
        [
            [1 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)],
            [s * (x * y + w * z), 1 - s * (x * x + z * z), s * (y * z - w * x)],
            [s * (x * z - w * y), s * (y * z + w * x), 1 - s * (x * x + y * y)],
        ]
    )
