"""A MetaImage, NRRD or MINC file, read by SimpleITK, slab by slab."""

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.names import suffix_of
from ingest.scans.geometry import Grid, as_affine
from ingest.scans.text_header import data_files, field_of
from ingest.scans.values import to_hu, to_mask

try:
    import SimpleITK
except ModuleNotFoundError as missing:
    raise BadCaseError(
        "reading MetaImage, NRRD and MINC needs SimpleITK: pip install SimpleITK, or convert to "
        "NIfTI"
    ) from missing

SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)  # failures are raised, the rest is chatter

_FROM_LPS = np.diag([-1.0, -1.0, 1.0])  # ITK's axes run to the left and to the back
_SLABS_AT_ONCE = 16
_MOST_VOXELS_OF_BYTE = 1032  # what zlib makes of a byte, at most
_OF_META_IMAGE, _OF_NRRD = ("NDims", "DimSize"), ("dimension", "sizes")
_META_IMAGE = (".mha", ".mhd")
_AXES = {".mha": _OF_META_IMAGE, ".mhd": _OF_META_IMAGE, ".nrrd": _OF_NRRD, ".nhdr": _OF_NRRD}
_ADDRESS = re.compile(r"\w+\(0x[0-9a-f]+\): ")


class ItkImage:
    """A scan in a file that SimpleITK reads; as `NiftiImage`.

    Args:
        path: The file.
        fill_nan: HU for voxels that are NaN or infinite; None refuses them.

    Attributes:
        filled: Voxels that were given it, in the reading under way or else the last.

    Raises:
        BadCaseError: If the file is missing, unreadable or no scan.
    """

    def __init__(self, path: Path, *, fill_nan: int | None = None) -> None:
        self.path = path
        self.grid = _grid(path)
        self.remarks: list[str] = []
        self.measures: dict[str, float] = {}
        self.filled = 0
        self._fill_nan = fill_nan

    def slabs(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield (shape[1], shape[0]) int16 HU per index of the last axis; see `Volume.slabs`."""
        self.filled = 0
        for raw in _raw_slabs(self.path, self.grid):
            hu, filled = to_hu(raw, path=self.path, fill_nan=self._fill_nan)
            self.filled += filled
            yield hu


class ItkLabel:
    """A tumor mask in a file that SimpleITK reads; as `NiftiLabel`.

    Args:
        path: The file.
        tumor_labels: Values that are tumor, as in `to_mask`.

    Raises:
        BadCaseError: If the file is missing, unreadable or no mask.
    """

    def __init__(self, path: Path, *, tumor_labels: Sequence[int] = ()) -> None:
        self.path = path
        self.grid = _grid(path)
        self.remarks: list[str] = []
        self.measures: dict[str, float] = {}
        self._tumor_labels = tuple(tumor_labels)

    def slabs(self) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield (shape[1], shape[0]) uint8 (0, 1) per index of the last axis."""
        for raw in _raw_slabs(self.path, self.grid):
            yield to_mask(raw, path=self.path, tumor_labels=self._tumor_labels)


def _opened(path: Path) -> Any:
    """A reader that knows the header.

    Raises:
        BadCaseError: If there is none, or it holds no volume of plain numbers with a place.
    """
    if not path.is_file():
        raise BadCaseError(f"{path} is missing: restore it, or take the case out")
    suffix = suffix_of(path)
    if suffix in _AXES:
        _refuse_claims(path, *_AXES[suffix])
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    if suffix in _META_IMAGE:
        reader.SetImageIO("MetaImageIO")  # which does not know its files by upper case
    with _errors_name(path):
        reader.ReadImageInformation()
    if reader.GetDimension() != 3 or reader.GetNumberOfComponents() != 1:
        raise _no_plain_volume(path, reader.GetDimension(), reader.GetNumberOfComponents())
    if suffix in (".nrrd", ".nhdr") and "NRRD_space" not in reader.GetMetaDataKeys():
        raise BadCaseError(
            f"{path} does not say which way its axes run (it has no field `space`): write it anew "
            "with `space` and `space directions`, or convert it to NIfTI"
        )
    return reader


def _no_plain_volume(path: Path, axes: int, numbers: int) -> BadCaseError:
    return BadCaseError(
        f"{path}: a volume has 3 axes and one number in each voxel, found {axes} axes and "
        f"{numbers} in each: write it as one plain volume (from 3D Slicer: export the segmentation "
        "as a labelmap)"
    )


def _refuse_claims(path: Path, name_of_axes: str, name_of_sizes: str) -> None:
    """Refuse what a header cannot mean, which ITK would take memory for, or trip over."""
    with _errors_name(path):
        axes, sizes = field_of(path, name_of_axes), field_of(path, name_of_sizes).split()
        held = sum(file.stat().st_size for file in data_files(path) or (path,))
    if not (axes.isdecimal() and len(axes) < 3 and all(map(str.isdecimal, sizes))):
        raise BadCaseError(
            f"{path} is damaged (its {name_of_axes} is {axes[:20]!r}, its {name_of_sizes} "
            f"{' '.join(sizes)[:40]!r}): copy or download it again"
        )
    if int(axes) != 3 or len(sizes) != 3:
        raise _no_plain_volume(path, int(axes), 1)
    if math.prod(map(int, sizes)) > _MOST_VOXELS_OF_BYTE * held:
        raise BadCaseError(
            f"{path} is damaged ({' x '.join(sizes)} voxels in {held} bytes): copy or download it "
            "again"
        )


def _grid(path: Path) -> Grid:
    reader = _opened(path)
    matrix = np.eye(4)
    direction = np.reshape(reader.GetDirection(), (3, 3))
    matrix[:3, :3] = _FROM_LPS @ direction * reader.GetSpacing()
    matrix[:3, 3] = _FROM_LPS @ reader.GetOrigin()
    i, j, k = (int(size) for size in reader.GetSize())
    grid = Grid(shape=(i, j, k), affine=as_affine(matrix))
    try:
        grid.orientation  # noqa: B018 (refuses axes that span no space)
    except ValueError as error:
        raise BadCaseError(f"{path}: {error}: repair its header") from error
    return grid


def _raw_slabs(path: Path, grid: Grid) -> Iterator[npt.NDArray[Any]]:
    """Yield slabs as stored; only a compressed file is read whole."""
    reader = _opened(path)
    i, j, num_slabs = grid.shape
    step = _SLABS_AT_ONCE if _is_plain(path, reader, grid) else num_slabs
    for start in range(0, num_slabs, step):
        with _errors_name(path):
            if step < num_slabs:
                reader.SetExtractIndex((0, 0, start))
                reader.SetExtractSize((i, j, min(step, num_slabs - start)))
            block = reader.Execute()
        yield from SimpleITK.GetArrayViewFromImage(block)


def _is_plain(path: Path, reader: Any, grid: Grid) -> bool:
    """Whether parts of the file can be read by themselves: MetaImage that is not compressed."""
    if suffix_of(path) not in _META_IMAGE:
        return False
    data = next(iter(data_files(path)), path)
    pixel = SimpleITK.Image(1, 1, reader.GetPixelID()).GetSizeOfPixelComponent()
    return data.is_file() and data.stat().st_size >= int(np.prod(grid.shape)) * pixel


@contextlib.contextmanager
def _errors_name(path: Path) -> Iterator[None]:
    """Turn failures of ITK into one line with the file's name."""
    try:
        yield
    except OSError as error:
        what = f"{error.filename}: {error.strerror}"
        raise BadCaseError(f"{path} is damaged ({what}): copy or download it again") from error
    except RuntimeError as error:
        said = _ADDRESS.sub("", str(error).rpartition("ERROR: ")[2]).partition("Reason: ")[0]
        what = " ".join(said.split()).rstrip(".")
        raise BadCaseError(f"{path} is damaged ({what}): copy or download it again") from error
