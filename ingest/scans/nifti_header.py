"""The header of a NIfTI file -> grid, number type and scaling, as nibabel reads them."""

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.case import BadCaseError
from ingest.scans.geometry import Grid
from ingest.scans.nifti_forms import Form, place

# Number types that can hold HU or labels (https://nifti.nimh.nih.gov, `datatype`)
_DTYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8",
    1280: "u8",
}  # fmt: skip

# Where each field lies: (offset, struct format) by version
_FIELDS: dict[int, dict[str, tuple[int, str]]] = {
    348: {
        "dim": (40, "8h"), "datatype": (70, "h"), "pixdim": (76, "8f"), "vox_offset": (108, "f"),
        "scaling": (112, "2f"), "xyzt_units": (123, "B"), "qform_code": (252, "h"),
        "sform_code": (254, "h"), "quatern": (256, "3f"),
        "qoffset": (268, "3f"), "srow": (280, "12f"), "magic": (344, "4s"),
    },
    540: {
        "dim": (16, "8q"), "datatype": (12, "h"), "pixdim": (104, "8d"), "vox_offset": (168, "q"),
        "scaling": (176, "2d"), "xyzt_units": (500, "i"), "qform_code": (344, "i"),
        "sform_code": (348, "i"), "quatern": (352, "3d"),
        "qoffset": (376, "3d"), "srow": (400, "12d"), "magic": (4, "4s"),
    },
}  # fmt: skip
LONGEST_BYTES = 540
_MAGIC = {348: b"n+1\0", 540: b"n+2\0"}


@dataclass(frozen=True, kw_only=True)
class NiftiHeader:
    """What is needed to read a NIfTI file.

    Attributes:
        grid: Where the voxels lie.
        dtype: Number type in the file, with its byte order.
        slope: Factor from stored number to value; None when the file has no scaling.
        inter: Offset added after it.
        offset: Byte at which the voxels start.
        remarks: What other readers read otherwise.
    """

    grid: Grid
    dtype: np.dtype[Any]
    slope: float | None
    inter: float
    offset: int
    remarks: tuple[str, ...] = ()

    @property
    def volume_bytes(self) -> int:
        """Bytes of header and voxels together, when inflated."""
        return self.offset + math.prod(self.grid.shape) * self.dtype.itemsize


def parse_header(data: bytes, *, where: str, form: Form | None = None) -> NiftiHeader:
    """Read the first bytes of a (decompressed) NIfTI file.

    Args:
        data: At least `LONGEST_BYTES` bytes, or all there are.
        where: Path of the file, for messages.
        form: As in `place`.

    Returns:
        The header.

    Raises:
        BadCaseError: If it is no NIfTI file, holds no single 3D scan of plain numbers, or its two
            forms place it differently and `form` does not choose.
    """
    fields = _fields(data, where)
    try:
        grid, remarks = place(fields, _shape(fields["dim"], where), form=form)
    except ValueError as error:
        raise BadCaseError(f"{where}: {error}") from error
    code = fields["datatype"][0]
    if code not in _DTYPES:
        raise BadCaseError(
            f"{where}: voxels must be plain integers or floats, found NIfTI datatype {code}"
        )
    slope, inter = _scaling(fields["scaling"], where)
    remarks += _of_reading(fields)
    return NiftiHeader(
        grid=grid,
        dtype=np.dtype(fields["order"] + _DTYPES[code]),
        slope=slope,
        inter=inter,
        offset=_offset(fields, where),
        remarks=tuple(f"{where}: {remark}" for remark in remarks),
    )


def first_voxel_byte(data: bytes, *, where: str) -> int:
    """Where the voxels of a file start, by its first bytes as in `parse_header`.

    Raises:
        BadCaseError: If it is no NIfTI file, or says no such place.
    """
    return _offset(_fields(data, where), where)


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


def _of_reading(fields: dict[str, Any]) -> list[str]:
    """What other readers make of the numbers that is not made of them here."""
    remarks = []
    slope, inter = fields["scaling"]
    if inter and math.isfinite(inter) and (slope == 0 or not math.isfinite(slope)):
        remarks.append(f"scl_inter {inter:g} does not count, because scl_slope is {slope:g}")
    if not fields["vox_offset"][0]:
        remarks.append("vox_offset 0 is taken for the end of the header")
    return remarks
