"""A scan -> the slices a model sees, and masks of slices -> the scan's own grid."""

import dataclasses
import gzip
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ingest.cases import BadCaseError, Case
from ingest.geometry import Grid, to_canonical
from ingest.planes import axial_planes, mask_planes, stored_downwards
from ingest.recipe import Recipe, prepare_image, prepare_mask
from ingest.volume import Volume, open_image, open_label, whole
from shards.record import Slice

Image = npt.NDArray[np.int16]
Mask = npt.NDArray[np.uint8]


@dataclasses.dataclass(kw_only=True)
class Tally:
    """What was seen while a case was read; complete after its last slice.

    Attributes:
        lowest: Lowest HU of the kept slices, before clipping.
        highest: Highest HU of them.
        tumor_voxels: Tumor voxels of the source in kept slices.
        tumor_voxels_dropped: Tumor voxels of the source in dropped slices.
        slices_dropped: Slices that the recipe left out.
    """

    lowest: int = 32767
    highest: int = -32768
    tumor_voxels: int = 0
    tumor_voxels_dropped: int = 0
    slices_dropped: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ScanSlices:
    """A scan as the model sees it.

    Attributes:
        grid: The scan's own grid, as stored.
        z: Canonical numbers of the kept slices, from the feet.
        images: (n, size, size) int16 HU, clipped.
        num_slices: Axial slices of the scan.
    """

    grid: Grid
    z: list[int]
    images: Image
    num_slices: int

    @property
    def dropped(self) -> int:
        """Slices that the recipe left out."""
        return self.num_slices - len(self.z)


def read_slices(case: Case, recipe: Recipe, *, tally: Tally | None = None) -> Iterator[Slice]:
    """Read a case as preprocessed slices, from the feet up, in constant memory.

    Args:
        case: The case; without a label, masks are empty.
        recipe: The recipe.
        tally: Filled with what was seen on the way.

    Yields:
        The kept slices.

    Raises:
        BadCaseError: If a file is damaged, image and label lie on grids of different shape, or
            the recipe drops every slice.
    """
    image = open_image(case.image, case.files)
    label = open_label(case.label, on=image.grid, roi=case.roi) if case.label else None
    canonical = image.grid.canonical()
    if label and label.grid.canonical().shape != canonical.shape:
        raise BadCaseError(
            f"image and label must have one shape, {case.image} has {image.grid.shape} and "
            f"{case.label} has {label.grid.shape}: use the label that was drawn on this scan"
        )
    spacing_mm = _pitch_of_slices(canonical, recipe)
    seen = tally or Tally()
    seen.slices_dropped = _num_dropped(canonical, recipe, case.image)
    prepared = _prepared(image, label, recipe, seen)
    if stored_downwards(image.grid):
        prepared = _reversed(prepared, recipe.size)
    for z, pixels, mask in prepared:
        yield Slice(case=case.name, z=z, image=pixels, mask=mask, spacing_mm=spacing_mm)


def load_scan(path: Path, recipe: Recipe) -> ScanSlices:
    """Read a scan for prediction, exactly as `read_slices` reads it for training.

    Raises:
        BadCaseError: As in `read_slices`.
    """
    case = Case(name="scan", image=path, label=None, patient="scan")
    slices = list(read_slices(case, recipe))
    grid = open_image(path).grid
    return ScanSlices(
        grid=grid,
        z=[record.z for record in slices],
        images=np.stack([record.image for record in slices]),
        num_slices=grid.canonical().shape[2],
    )


def to_source_grid(
    slices: npt.NDArray[Any], z: Sequence[int], grid: Grid, *, threshold: float = 0.5
) -> Mask:
    """Put predicted slices back on the grid of their scan.

    Args:
        slices: (n, size, size), canonical rows and columns: float probabilities, interpolated
            bilinearly and then compared with the threshold, or a uint8 mask, by nearest neighbor.
        z: Canonical slice number of each; all others stay background.
        grid: The scan's own grid.
        threshold: Lowest probability that counts as tumor.

    Returns:
        A mask (0, 1) of shape `grid.shape`, along the stored axes.
    """
    mask = np.zeros(grid.shape[::-1], np.uint8).T
    planes = to_canonical(mask, grid)
    size = planes.shape[:2]
    for number, piece in zip(z, slices, strict=True):
        if piece.dtype == np.uint8:
            plane = cv2.resize(piece, size, interpolation=cv2.INTER_NEAREST) != 0
        else:
            wide = cv2.resize(piece.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
            plane = wide >= threshold
        planes[:, :, number] = plane.T
    return mask


def read_label(path: Path, *, on: Grid | None = None, roi: str = "") -> tuple[Mask, Grid]:
    """Read a tumor mask whole: (0, 1) along its stored axes, with its grid.

    Args:
        path: The file.
        on: Grid of the scan, which a DICOM mask is placed on.
        roi: Name of the regions in a DICOM file that are tumor.

    Raises:
        BadCaseError: If the file is damaged or holds other values.
    """
    label = open_label(path, on=on, roi=roi)
    return whole(label, np.uint8), label.grid


def write_mask(mask: Mask, like: Path, out: Path) -> None:
    """Write a mask as NIfTI uint8 on the exact grid of a scan; equal masks give equal bytes.

    Args:
        mask: Along the stored axes of `like`.
        like: The scan: its shape, affine and their codes are taken over.
        out: `.nii.gz` or `.nii`; appears when it is whole.
    """
    import nibabel

    if like.is_dir():
        image = nibabel.Nifti1Image(mask, open_image(like).grid.matrix)
        image.set_qform(image.affine, code=1)
    else:
        source = nibabel.load(like)
        header = source.header.copy()
        header.set_data_dtype(np.uint8)
        header.set_slope_inter(1, 0)
        header["cal_min"], header["cal_max"] = 0, 1
        image = type(source)(mask.reshape(source.shape), None, header)
    data = image.to_bytes()
    if out.name.endswith(".gz"):
        data = gzip.compress(data, compresslevel=6, mtime=0)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def _prepared(
    image: Volume, label: Volume | None, recipe: Recipe, seen: Tally
) -> Iterator[tuple[int, Image, Mask]]:
    """Yield (z, image, mask) of the kept slices, in the order in which the image stores them."""
    downwards = stored_downwards(image.grid)
    num_slices = image.grid.canonical().shape[2]
    planes = axial_planes(image, downwards=downwards)
    masks = mask_planes(label, downwards=downwards) if label else iter([None] * num_slices)
    empty = np.zeros((recipe.size, recipe.size), np.uint8)
    for step, (plane, mask) in enumerate(zip(planes, masks, strict=True)):
        z = num_slices - 1 - step if downwards else step
        voxels = 0 if mask is None else cv2.countNonZero(mask)
        if z < seen.slices_dropped:
            seen.tumor_voxels_dropped += voxels
            continue
        seen.tumor_voxels += voxels
        lowest, highest, *_ = cv2.minMaxLoc(plane)
        seen.lowest, seen.highest = min(seen.lowest, int(lowest)), max(seen.highest, int(highest))
        yield z, prepare_image(plane, recipe), empty if mask is None else prepare_mask(mask, recipe)


def _reversed(
    slices: Iterator[tuple[int, Image, Mask]], size: int
) -> Iterator[tuple[int, Image, Mask]]:
    """Yield slices last to first, by way of a file, so that memory stays constant."""
    numbers: list[int] = []
    pixels = size * size
    with tempfile.TemporaryFile() as spool:
        for z, image, mask in slices:
            numbers.append(z)
            spool.write(image.tobytes() + mask.tobytes())
        for place in range(len(numbers) - 1, -1, -1):
            spool.seek(place * 3 * pixels)
            data = spool.read(3 * pixels)
            image = np.frombuffer(data, np.int16, pixels).reshape(size, size)
            mask = np.frombuffer(data, np.uint8, pixels, 2 * pixels).reshape(size, size)
            yield numbers[place], image, mask


def _num_dropped(canonical: Grid, recipe: Recipe, path: Path) -> int:
    num_slices = canonical.shape[2]
    if recipe.drop_slices >= num_slices:
        raise BadCaseError(
            f"the recipe drops the lowest {recipe.drop_slices} slices, {path} has {num_slices}: "
            "lower --drop-slices"
        )
    return recipe.drop_slices


def _pitch_of_slices(canonical: Grid, recipe: Recipe) -> tuple[float, float, float]:
    """Pixel pitch of the resized slices along x and y, and slice pitch along z, in mm."""
    (width, height, _), (x, y, z) = canonical.shape, canonical.spacing_mm
    return x * width / recipe.size, y * height / recipe.size, z
