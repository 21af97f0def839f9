"""A NIfTI file, slab by slab, checked down to the last byte."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from isal import isal_zlib
from isal.isal_zlib import _GzipReader  # igzip.open hides its readinto, which saves a copy
from zlib_ng import zlib_ng
from zlib_ng.zlib_ng import _GzipReader as _SparseReader  # 4 x as fast on long runs, slower else

from ingest.case import BadCaseError
from ingest.scans.geometry import Grid
from ingest.scans.nifti_forms import Form
from ingest.scans.nifti_header import LONGEST_BYTES, NiftiHeader, first_voxel_byte, parse_header
from ingest.scans.values import to_hu, to_mask

_GZIP_MAGIC = b"\x1f\x8b"
_READ_BYTES = 1 << 18
_MOST_INFLATED = 1100  # times its size; deflate's limit is 1032

Stream = _GzipReader | _SparseReader


class NiftiImage:
    """A scan in a `.nii` or `.nii.gz` file (the content decides, not the name).

    Slabs are int16 HU: other number types are scaled, rounded to the nearest integer and held
    within int16.

    Args:
        path: The file.
        fill_nan: HU for voxels that are NaN or infinite; None refuses them.
        form: Which of the header's two forms counts where they differ; None refuses that.

    Attributes:
        filled: Voxels that were given it, in the reading under way or else the last.

    Raises:
        BadCaseError: If the file is missing, unreadable or no NIfTI scan.
    """

    def __init__(
        self, path: Path, *, fill_nan: int | None = None, form: Form | None = None
    ) -> None:
        self.path = path
        self.header = read_header(path, form=form)
        self.filled = 0
        self.remarks = list(self.header.remarks)
        self.measures: dict[str, float] = {}
        self._fill_nan = fill_nan

    @property
    def grid(self) -> Grid:
        """Where the voxels lie, along the stored axes."""
        return self.header.grid

    def slabs(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield (shape[1], shape[0]) int16 HU per index of the last axis; see `Volume.slabs`."""
        self.filled = 0
        for raw in _raw_slabs(self.path, self.header):
            yield raw if _is_plain(self.header, np.int16) else self._as_hu(raw)

    def _as_hu(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        values = _scaled(raw, self.header)
        hu, filled = to_hu(values, path=self.path, fill_nan=self._fill_nan)
        self.filled += filled
        return hu


class NiftiLabel:
    """A tumor mask in a `.nii` or `.nii.gz` file; slabs hold 0 background, 1 tumor.

    Args:
        path: The file.
        tumor_labels: Values that are tumor, all other whole numbers are background; empty accepts
            only 0 and 1. All to within 0.001.
        form: As of `NiftiImage`.

    Raises:
        BadCaseError: If the file is missing, unreadable or no NIfTI mask.
    """

    def __init__(
        self, path: Path, *, tumor_labels: Sequence[int] = (), form: Form | None = None
    ) -> None:
        self.path = path
        self.header = read_header(path, form=form)
        self.remarks = list(self.header.remarks)
        self.measures: dict[str, float] = {}
        self._tumor_labels = tuple(tumor_labels)

    @property
    def grid(self) -> Grid:
        """Where the voxels lie, along the stored axes."""
        return self.header.grid

    def slabs(self) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield (shape[1], shape[0]) uint8 (0, 1) per index of the last axis."""
        plain = _is_plain(self.header, np.uint8) and not self._tumor_labels
        for raw in _raw_slabs(self.path, self.header, _SparseReader):
            if plain and (not cv2.hasNonZero(raw) or raw.max() <= 1):
                yield raw
            else:
                yield self._as_mask(raw)

    def _as_mask(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        values = _scaled(raw, self.header)
        return to_mask(values, path=self.path, tumor_labels=self._tumor_labels)


def read_header(path: Path, *, form: Form | None = None) -> NiftiHeader:
    """Read the header of a NIfTI file.

    Args:
        path: The file.
        form: As of `NiftiImage`.

    Raises:
        BadCaseError: If the file is missing, unreadable, no NIfTI file or shorter than its voxels.
    """
    with _errors_name(path), open_stream(path) as stream:
        header = parse_header(_up_to(stream, LONGEST_BYTES), where=str(path), form=form)
        inflates = 1 if isinstance(stream, io.FileIO) else _MOST_INFLATED
        if header.volume_bytes > path.stat().st_size * inflates:  # before memory is asked for
            raise EOFError
        return header


def read_head(path: Path) -> bytes:
    """What lies before the voxels of a NIfTI file, inflated: its header and extensions.

    Raises:
        BadCaseError: As `read_header`.
    """
    with _errors_name(path), open_stream(path) as stream:
        start = _up_to(stream, LONGEST_BYTES)
        size = first_voxel_byte(start, where=str(path))
        return start[:size] + _up_to(stream, size - len(start))


@contextlib.contextmanager
def open_stream(path: Path, inflate: type[Stream] = _GzipReader) -> Iterator[io.FileIO | Stream]:
    """Open a file for reading, inflated where it starts as gzip does."""
    with path.open("rb", buffering=0) as file:
        magic = file.read(2)
        file.seek(0)
        if magic == _GZIP_MAGIC:
            yield inflate(file, _READ_BYTES)
        else:
            yield file


def _raw_slabs(
    path: Path, header: NiftiHeader, inflate: type[Stream] = _GzipReader
) -> Iterator[npt.NDArray[Any]]:
    """Yield slabs as stored, in one reused buffer, then read on to the end of the file.

    The end of a gzip member holds the CRC and the length of its content; both are compared.
    """
    i, j, num_slabs = header.grid.shape
    buffer = bytearray(i * j * header.dtype.itemsize)
    slab = np.frombuffer(buffer, header.dtype).reshape(j, i)
    with _errors_name(path), open_stream(path, inflate) as stream:
        _skip(stream, header.offset)
        for _ in range(num_slabs):
            _fill(buffer, stream)
            yield slab
        while stream.read(_READ_BYTES):
            pass


def _skip(stream: io.FileIO | Stream, count: int) -> None:
    """Pass over the next bytes, piece by piece: a damaged header may ask for any number of them."""
    while count:
        piece = stream.read(min(count, _READ_BYTES))
        if not piece:
            raise EOFError
        count -= len(piece)


def _fill(buffer: bytearray, stream: io.FileIO | Stream) -> None:
    view = memoryview(buffer)
    while view:
        count = stream.readinto(view)
        if not count:
            raise EOFError
        view = view[count:]


def _up_to(stream: io.FileIO | Stream, count: int) -> bytes:
    """The next `count` bytes, fewer only where the stream ends."""
    data = bytearray()
    while len(data) < count and (piece := stream.read(count - len(data))):
        data += piece
    return bytes(data)


@contextlib.contextmanager
def _errors_name(path: Path) -> Iterator[None]:
    """Turn failures of reading into one line with the file's name."""
    try:
        yield
    except FileNotFoundError as error:
        raise BadCaseError(f"{path} is missing: restore it, or take the case out") from error
    except EOFError as error:
        raise BadCaseError(f"{path} is truncated: copy or download it again") from error
    except (OSError, isal_zlib.error, zlib_ng.error) as error:  # type: ignore[misc]  # wrong in its stub
        what = " ".join(str(error).split())
        raise BadCaseError(f"{path} is damaged ({what}): copy or download it again") from error


def _is_plain(header: NiftiHeader, dtype: type[np.generic]) -> bool:
    return header.slope is None and header.dtype == np.dtype(dtype)


def _scaled(raw: npt.NDArray[Any], header: NiftiHeader) -> npt.NDArray[Any]:
    if header.slope is None:
        return raw
    return raw.astype(np.float64) * header.slope + header.inter
