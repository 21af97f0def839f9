"""A slice <-> the bytes of its members in a tar."""

import functools
import io
import json
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from shards.record import Slice

IMAGE, IMAGE_COMPRESSED, MASK, TAGS = "ct.npy", "ct.npy.gz", "mask.npy.gz", "json"

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS
_HU = np.dtype("<i2")


Pieces = tuple[bytes | memoryview, ...]
"""The bytes of one member, in pieces that need not be copied together."""


def encode(record: Slice, tumor_pixels: int, *, compress: bool = False) -> dict[str, Pieces]:
    """Turn a slice into its tar members.

    Args:
        record: The slice; its pixels are not copied.
        tumor_pixels: `record.tumor_pixels`, which the caller needs too.
        compress: Store the image as `.ct.npy.gz` instead of `.ct.npy`.

    Returns:
        Extension -> bytes in pieces, in the order in which they lie in the tar.
    """
    pixels = np.ascontiguousarray(record.image, _HU).reshape(-1).view(np.uint8).data
    image: Pieces = (npy_header(record.image.shape, "<i2"), pixels)
    tags = {
        "case": record.case,
        "z": record.z,
        "tumor": tumor_pixels > 0,
        "tumor_pixels": tumor_pixels,
        "spacing_mm": list(record.spacing_mm),
    }
    return {
        (IMAGE_COMPRESSED if compress else IMAGE): (_gzip_fast(image),) if compress else image,
        MASK: (encode_mask(record.mask) if tumor_pixels else empty_mask(record.mask.shape),),
        TAGS: (json.dumps(tags).encode(),),
    }


def decode(members: dict[str, bytes]) -> Slice:
    """Turn tar members back into their slice: the inverse of `encode`."""
    tags = json.loads(members[TAGS])
    return Slice(
        case=tags["case"],
        z=tags["z"],
        image=decode_array(image_member(members)),
        mask=decode_array(members[MASK]),
        spacing_mm=tuple(tags["spacing_mm"]),
    )


def image_member(members: dict[str, bytes]) -> bytes:
    """The image among a slice's members, gzipped or not."""
    return members[IMAGE_COMPRESSED] if IMAGE_COMPRESSED in members else members[IMAGE]


def decode_array(member: bytes) -> npt.NDArray[Any]:
    """The array of an image's or a mask's member, gzipped or not."""
    data = gunzip(member) if member.startswith(_GZIP_MAGIC) else member
    array: npt.NDArray[Any] = np.load(io.BytesIO(data))  # numpy refuses pickles by itself
    return array


def encode_mask(mask: npt.NDArray[np.uint8]) -> bytes:
    """A (height, width) uint8 mask as gzipped npy; equal masks give equal bytes."""
    return _gzip_fast((npy_header(mask.shape, "|u1"), mask.tobytes()))


@functools.lru_cache
def empty_mask(shape: tuple[int, int]) -> bytes:
    """The member that says: no tumor on this slice."""
    return encode_mask(np.zeros(shape, np.uint8))


@functools.lru_cache
def npy_header(shape: tuple[int, ...], dtype: str) -> bytes:
    """The bytes that `numpy.save` writes before the data of a C-ordered array."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


def gunzip(data: bytes | memoryview) -> bytes:
    """Inflate a gzipped member."""
    return bytes(isal_zlib.decompress(data, wbits=_GZIP))


def _gzip_fast(pieces: Pieces) -> bytes:
    deflate = isal_zlib.compressobj(1, isal_zlib.DEFLATED, _GZIP)
    return b"".join((*map(deflate.compress, pieces), deflate.flush()))
