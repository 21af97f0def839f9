"""A mask, or shares in steps, as a NIfTI file on its scan's own grid, written plane by plane."""

import contextlib
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ingest.names import is_itk
from ingest.scans.geometry import to_canonical
from ingest.scans.nifti import read_head
from ingest.scans.planes import stored_slab
from ingest.slices.opened import OpenCase
from shards.console.whole import whole_or_nothing

Plane = npt.NDArray[np.uint8]
Write = Callable[[Any], object]


@contextlib.contextmanager
def mask_file(
    opened: OpenCase, out: Path, *, unit: float = 1
) -> Iterator[Callable[[Plane], object]]:
    """Write a mask in constant memory where the file of its scan has axial slices, else at once.

    Shape, affine and their codes are those of the scan; equal masks give equal bytes.

    Args:
        opened: The scan.
        out: `.nii.gz` or `.nii`; appears when it is whole.
        unit: What a stored 1 stands for, as NIfTI's `scl_slope` says.

    Yields:
        A function that takes the (height, width) uint8 mask of each axial plane, in the order of
        `opened.numbers`.

    Raises:
        OSError: If it cannot be written.
    """
    with (
        whole_or_nothing(out) as unfinished,
        unfinished.open("wb") as file,
        _packed(file, packs=out.name.endswith(".gz")) as write,
    ):
        write(_head(opened, unit))
        with stored_slabs(opened, lambda slab: write(slab.data)) as put:
            yield put


@contextlib.contextmanager
def stored_slabs(
    opened: OpenCase, take: Callable[[Plane], object]
) -> Iterator[Callable[[Plane], object]]:
    """Turn axial planes into the slabs of a scan: at once where it streams, else at the end.

    Args:
        opened: The scan.
        take: Called with each (shape[1], shape[0]) slab, C-contiguous, as `Volume.slabs` has them.

    Yields:
        A function that takes the (height, width) plane of each of `opened.numbers`, in their order.
    """
    if opened.grid.streams:
        yield lambda plane: take(stored_slab(plane, opened.grid))
        return
    slabs = np.zeros(opened.grid.shape[::-1], np.uint8)
    planes = to_canonical(slabs.T, opened.grid)
    numbers = iter(opened.numbers)

    def put(plane: Plane) -> None:
        planes[:, :, next(numbers)] = plane.T

    yield put
    for slab in slabs:
        take(slab)


@contextlib.contextmanager
def _packed(file: IO[bytes], *, packs: bool) -> Iterator[Write]:
    if not packs:
        yield file.write
        return
    packer = zlib.compressobj(6, wbits=31)  # a gzip without name and time
    yield lambda data: file.write(packer.compress(data))
    file.write(packer.flush())


def _head(opened: OpenCase, unit: float) -> bytes:
    """What stands before the voxels."""
    import nibabel

    path = opened.case.image
    if path.is_dir() or is_itk(path):
        nothing = np.broadcast_to(np.uint8(0), opened.grid.shape)
        image = nibabel.Nifti1Image(nothing, opened.grid.matrix)
        image.set_qform(image.affine, code=1)
    else:
        kind, header = _of_scan(path)
        header.set_data_dtype(np.uint8)
        header["cal_min"], header["cal_max"] = 0, 1
        image = kind(np.broadcast_to(np.uint8(0), header.get_data_shape()), None, header)
    image.header.set_slope_inter(unit, 0)
    image.update_header()
    stream = io.BytesIO()
    image.header.write_to(stream)
    return stream.getvalue()


def _of_scan(path: Path) -> tuple[Any, Any]:
    """The kind of image that a NIfTI file holds, whatever its name says, and its header."""
    import nibabel
    from nibabel.spatialimages import HeaderDataError

    data = read_head(path)
    kinds = (nibabel.Nifti1Image, nibabel.Nifti2Image)
    kind: Any = next(each for each in kinds if each.header_class.may_contain_header(data))
    try:
        return kind, kind.header_class.from_fileobj(io.BytesIO(data))
    except HeaderDataError:  # of a damaged extension
        only = data[: kind.header_class.template_dtype.itemsize]
        return kind, kind.header_class(only, check=False)
