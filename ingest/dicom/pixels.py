"""The stored numbers of a CT slice -> HU, without padding and bits that are not the image's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.pixels import pixel_array

from ingest.case import BadCaseError
from ingest.dicom.files import read_file
from ingest.dicom.values import numbers, reading

AIR_HU = -1000

Stored = npt.NDArray[np.integer[Any]]
Where = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pixels:
    """A slice.

    Attributes:
        hu: (rows, columns) int16; padding is air.
        padded: Pixels of padding.
        padding_hu: The highest HU that padding would have been; the lowest of int16 without any.
        masked: Pixels with bits beyond those of the image, as overlays have them.
    """

    hu: npt.NDArray[np.int16]
    padded: int
    padding_hu: int
    masked: int


def read_pixels(path: Path, shape: tuple[int, int]) -> Pixels:
    """Read a slice.

    Args:
        path: The file.
        shape: (rows, columns) that it must have.

    Raises:
        BadCaseError: If the file is damaged or its pixels have another shape.
    """
    values = read_file(path)
    with reading(path, "PixelData"):
        raw = pixel_array(values, raw=True, correct_unused_bits=False)
    if raw.shape != shape:
        raise BadCaseError(f"{path}: the slice must have shape {shape}, found {raw.shape}")
    stored, foreign = _of_image(values, raw, path)
    hu = _rescaled(values, stored, path)
    padding_hu, padded = -32768, 0
    padding = _padding(values, raw, stored, path)
    if padding is not None:
        padding_hu = int(_rescaled(values, raw[padding], path).max(initial=-32768))
        padded = int(np.count_nonzero(padding))
        foreign = foreign & ~padding
        hu[padding] = AIR_HU
    masked = int(np.count_nonzero(foreign))
    return Pixels(hu=hu, padded=padded, padding_hu=padding_hu, masked=masked)


def _padding(values: Any, raw: Stored, stored: Stored, path: Path) -> Where | None:
    """Where numbers are the padding value, or within its range (PS3.3, C.7.5.1.1.2).

    The value is compared by its bits, because some files tell it without its sign, and with the
    numbers as they are in the file and as the image's, because some pad beyond its bits.
    """
    first = _number(values, "PixelPaddingValue", None, path)
    if first is None:
        return None
    last = _number(values, "PixelPaddingRangeLimit", first, path)
    low, high = sorted(_as_stored(limit, stored.dtype) for limit in (first, last))
    return np.asarray(((raw >= low) & (raw <= high)) | ((stored >= low) & (stored <= high)))


def _as_stored(value: float | None, dtype: np.dtype[Any]) -> int:
    """A number as the one of this type with the same bits."""
    bits = int(value or 0) % (1 << 8 * dtype.itemsize)
    return int(np.array(bits, f"u{dtype.itemsize}").view(dtype.newbyteorder("=")))


def _of_image(values: Any, raw: Stored, path: Path) -> tuple[Stored, Where]:
    """The numbers in the bits of the image, with their sign, and where there were other bits."""
    allocated = 8 * raw.dtype.itemsize
    bits = int(_number(values, "BitsStored", allocated, path) or allocated)
    highest = int(_number(values, "HighBit", bits - 1, path) or bits - 1)
    if not 0 < bits <= highest + 1 <= allocated:
        raise BadCaseError(
            f"{path}: BitsStored {bits} and HighBit {highest} do not fit {allocated} bits: export "
            "the file again"
        )
    if bits == allocated:
        return raw, np.zeros((), np.bool_)
    stored = np.asarray((raw << (allocated - 1 - highest)) >> (allocated - bits))
    beyond = raw.astype(f"u{raw.dtype.itemsize}") >> (highest + 1)
    return stored, (stored != raw) & (beyond != 0)


def _rescaled(values: Any, stored: Stored, path: Path) -> npt.NDArray[np.int16]:
    """HU of stored numbers, rounded and held within int16."""
    slope = _number(values, "RescaleSlope", 1, path) or 0.0
    inter = _number(values, "RescaleIntercept", 0, path) or 0.0
    fits = stored.dtype.itemsize <= 2 and abs(inter) < 2**30
    if slope == 1 and inter.is_integer() and fits:
        hu = stored.astype(np.int32) + int(inter)
    else:
        hu = np.rint(stored * slope + inter)
    return np.asarray(np.clip(hu, -32768, 32767), np.int16)


def _number(values: Any, keyword: str, default: float | None, path: Path) -> float | None:
    """An element that may be absent or empty."""
    with reading(path, keyword):
        value = values.get(keyword)
    if value in (None, ""):
        return default if default is None else float(default)
    return float(numbers(values, keyword, 1, path)[0])
