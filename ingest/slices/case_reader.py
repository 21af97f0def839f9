"""One pass over a case: its slices by the recipe, and counts of what was seen on the way."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from typing import IO

import cv2
import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError, Case
from ingest.findings.rules import (
    VoxelChecks,
    filled_findings,
    header_findings,
    refuse,
    remark_findings,
    skew_degrees,
)
from ingest.recipe import Recipe
from ingest.scans.geometry import Grid
from ingest.scans.open import open_image, open_label
from ingest.scans.planes import axial_planes, mask_planes, stored_downwards
from ingest.scans.volume import Volume
from ingest.slices.lung import LungExtent
from ingest.slices.prepare import prepare_image, prepare_mask
from ingest.slices.tumor_count import TumorCount
from shards.errors import StoreError
from shards.record import Slice

Image = npt.NDArray[np.int16]
Mask = npt.NDArray[np.uint8]
VOXELS_CRC32 = "voxels_crc32"
"""Name of the measure that scans with equal voxels share."""

Watcher = Callable[[int, Image], None]


class CaseReader:
    """Reads a case once, as preprocessed slices from the feet up, in constant memory.

    Args:
        case: The case; without a label, masks are empty.
        recipe: The recipe.

    Attributes:
        grid: The scan's own grid.
        findings: What there is to say about the case: of the headers, and after `checked_slices`
            of all.
        measures: Numbers for the manifest; filled by `checked_slices`.
        kept: Canonical numbers of the slices that the recipe keeps.
        tumor: Tumor voxels of the source seen so far, by what became of them.

    Raises:
        BadCaseError: If the case has a problem, a header is damaged, image and label differ in
            shape or place, or the recipe drops every slice.
    """

    def __init__(self, case: Case, recipe: Recipe) -> None:
        if case.problem and case.label:
            raise BadCaseError(case.problem)
        self._case, self._recipe = case, recipe
        self._image = open_image(case.image, case.files, fill_nan=recipe.fill_nan)
        self._label: Volume | None = None
        self.grid = self._image.grid
        if case.label:
            self._label = open_label(
                case.label, on=self.grid, roi=case.roi, tumor_labels=recipe.tumor_labels
            )
        label_grid = self._label.grid if self._label else None
        self.findings = header_findings(case.name, self.grid, label_grid)
        refuse(self.findings)
        self.measures: dict[str, float] = {}
        self.kept = self._kept()
        self.tumor = TumorCount()

    @property
    def tumor_voxels(self) -> int:
        """Tumor voxels of the source in kept slices seen so far."""
        return self.tumor.kept

    @property
    def tumor_voxels_dropped(self) -> int:
        """The same in dropped slices."""
        return self.tumor.dropped

    @property
    def num_dropped(self) -> int:
        """Slices that the recipe leaves out."""
        return self.grid.canonical().shape[2] - len(self.kept)

    def checked_slices(self) -> Iterator[Slice]:
        """Yield the kept slices, and judge the case behind the last one.

        Raises:
            BadCaseError: If a file turns out to be damaged, or a finding is fatal.
        """
        name = self._case.name
        checks = VoxelChecks(name, any_values=self._recipe.any_values)
        yield from self.slices(watch=checks.see)
        filled = filled_findings(name, filled=self._image.filled, hu=self._recipe.fill_nan)
        self.findings += checks.findings() + filled
        self.findings += remark_findings(name, self._image, self._label)
        if self._label:
            self.findings += self.tumor.findings(name, self._recipe)
        self.measures = (
            checks.measures()
            | self.tumor.measures()
            | self._image.measures
            | (self._label.measures if self._label else {})
            | {
                "axes_off_degrees": round(skew_degrees(self.grid), 4),
                VOXELS_CRC32: checks.content,
            }
        )
        refuse(self.findings)

    def slices(self, watch: Watcher | None = None) -> Iterator[Slice]:
        """Yield the kept slices.

        Args:
            watch: Called with the canonical number and the unclipped (height, width) HU of every
                plane, dropped ones too.

        Raises:
            BadCaseError: If a file turns out to be damaged.
        """
        size = self._recipe.size
        (width, height, _), pitch = self.grid.canonical().shape, self.grid.canonical().spacing_mm
        spacing_mm = (pitch[0] * width / size, pitch[1] * height / size, pitch[2])
        prepared = self._prepared(watch)
        if stored_downwards(self.grid):
            prepared = _reversed(prepared, size)
        for z, image, mask in prepared:
            yield Slice(case=self._case.name, z=z, image=image, mask=mask, spacing_mm=spacing_mm)

    def _prepared(self, watch: Watcher | None) -> Iterator[tuple[int, Image, Mask]]:
        """Yield (z, image, mask) of the kept slices, in the order in which the image has them."""
        recipe = self._recipe
        nothing = np.zeros((recipe.size, recipe.size), np.uint8)
        for z, plane, mask in self._planes():
            if watch:
                watch(z, plane)
            voxels = 0 if mask is None else cv2.countNonZero(mask)
            if z not in self.kept:
                self.tumor.dropped += voxels
                continue
            self.tumor.kept += voxels
            small = nothing if mask is None else prepare_mask(mask, recipe)
            if voxels and not cv2.hasNonZero(small):
                self.tumor.lose(voxels)
            yield z, prepare_image(plane, recipe), small

    def _planes(self) -> Iterator[tuple[int, Image, Mask | None]]:
        """Yield (z, HU, mask or None for an empty one) of every axial plane."""
        downwards = stored_downwards(self.grid)
        numbers = _numbers(self.grid)
        planes = axial_planes(self._image, downwards=downwards)
        if self._label is None:
            for z, plane in zip(numbers, planes, strict=True):
                yield z, plane, None
        else:
            masks = mask_planes(self._label, downwards=downwards)
            for z, mask, plane in zip(numbers, masks, planes, strict=True):  # the plane is hot last
                yield z, plane, mask

    def _kept(self) -> range:
        """Canonical numbers of the slices that the drop rule leaves.

        A number of millimeters drops the slices whose whole thickness lies within it.
        """
        recipe, canonical = self._recipe, self.grid.canonical()
        num_slices = canonical.shape[2]
        if recipe.drop_outside_lungs:
            return self._lungs()
        dropped = recipe.drop_slices
        if recipe.drop_mm is not None:
            dropped = int(recipe.drop_mm / canonical.spacing_mm[2] + 1e-6)
        if dropped >= num_slices:
            raise BadCaseError(
                f"the recipe drops {recipe.drop_rule}, {self._case.image} has {num_slices} slices "
                f"of {canonical.spacing_mm[2]:g} mm: lower --drop-slices or --drop-mm"
            )
        return range(dropped, num_slices)

    def _lungs(self) -> range:
        lungs = LungExtent(self.grid.canonical().spacing_mm)
        planes = axial_planes(self._image, downwards=stored_downwards(self.grid))
        for z, plane in zip(_numbers(self.grid), planes, strict=True):
            lungs.see(z, plane)
        extent = lungs.extent()
        if extent is None:
            raise BadCaseError(
                f"the recipe drops slices outside the lungs, {self._case.image} shows no lung: "
                "take the case out, or drop by --drop-slices"
            )
        return range(extent[0], extent[1] + 1)


def _numbers(grid: Grid) -> range:
    """Canonical numbers of the axial planes, in the order in which the scan is read."""
    upwards = range(grid.canonical().shape[2])
    return upwards[::-1] if stored_downwards(grid) else upwards


def _reversed(
    slices: Iterator[tuple[int, Image, Mask]], size: int
) -> Iterator[tuple[int, Image, Mask]]:
    """Yield slices last to first, by way of a file, so that memory stays constant."""
    numbers: list[int] = []
    pixels = size * size
    with _spool() as spool:
        for z, image, mask in slices:
            numbers.append(z)
            spool.write(image.tobytes() + mask.tobytes())
        for place in range(len(numbers) - 1, -1, -1):
            spool.seek(place * 3 * pixels)
            data = spool.read(3 * pixels)
            image = np.frombuffer(data, np.int16, pixels).reshape(size, size)
            mask = np.frombuffer(data, np.uint8, pixels, 2 * pixels).reshape(size, size)
            yield numbers[place], image, mask


@contextlib.contextmanager
def _spool() -> Iterator[IO[bytes]]:
    try:
        with tempfile.TemporaryFile() as file:
            yield file
    except OSError as error:  # readers turn theirs into BadCaseError
        raise StoreError(
            f"the temporary folder {tempfile.gettempdir()} cannot be used ({error.strerror}): make "
            "room there, or set TMPDIR to another one"
        ) from error
