"""A MetaImage, NRRD or MINC file, read by SimpleITK, slab by slab."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError
from ingest.scans.detached import data_files
from ingest.scans.geometry import Grid, as_affine
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
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    with _errors_name(path):
        reader.ReadImageInformation()
    if reader.GetDimension() != 3 or reader.GetNumberOfComponents() != 1:
        raise BadCaseError(
            f"{path}: a volume has 3 axes and one number in each voxel, found "
            f"{reader.GetDimension()} axes and {reader.GetNumberOfComponents()} numbers: write it "
            "as one plain volume (from 3D Slicer: export the segmentation as a labelmap)"
        )
    if path.suffix in (".nrrd", ".nhdr") and "NRRD_space" not in reader.GetMetaDataKeys():
        raise BadCaseError(
            f"{path} does not say which way its axes run (it has no field `space`): write it anew "
            "with `space` and `space directions`, or convert it to NIfTI"
        )
    return reader


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
    if path.suffix not in (".mha", ".mhd"):
        return False
    data = next(iter(data_files(path)), path)
    pixel = SimpleITK.Image(1, 1, reader.GetPixelID()).GetSizeOfPixelComponent()
    return data.is_file() and data.stat().st_size >= int(np.prod(grid.shape)) * pixel


@contextlib.contextmanager
def _errors_name(path: Path) -> Iterator[None]:
    """Turn failures of ITK into one line with the file's name."""
    try:
        yield
    except RuntimeError as error:
        said = _ADDRESS.sub("", str(error).rpartition("ERROR: ")[2]).partition("Reason: ")[0]
        what = " ".join(said.split()).rstrip(".")
        raise BadCaseError(f"{path} is damaged ({what}): copy or download it again") from error
