"""The mask that the contours of an RTSTRUCT enclose, slab by slab, held against their volume."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.dicom.masks.drawing import drawing_of
from ingest.dicom.masks.outlines import Filled, fill_outlines
from ingest.scans.geometry import Grid
from shards.console.words import some

Mask = npt.NDArray[np.uint8]

CONTOUR_VOLUME = "contour_volume_ml"
"""Name of the measure that says what the polygons themselves enclose."""

_SAME_VOLUME = 0.05  # relative difference between polygons and pixels that is not said

_SAID = {
    "twins": "outlines that are there twice, counted once",
    "overlaps": "outlines that cross others of their region, counted as a union",
    "empty": "outlines that enclose no pixel center, lost",
}


class ContourMask:
    """The mask that contours of an RTSTRUCT enclose: pixels whose centers lie inside.

    Args:
        path: The file, for messages.
        values: Its content.
        on: Grid of the scan.
        roi: As in `open_mask`.

    Raises:
        BadCaseError: As in `open_mask`.
    """

    def __init__(self, path: Path, values: Any, *, on: Grid, roi: Sequence[str]) -> None:
        self.path = path
        self.grid = on
        self._drawing = drawing_of(path, values, on=on, roi=roi)
        self.remarks = list(self._drawing.remarks)
        self.measures: dict[str, float] = {}

    def slabs(self) -> Iterator[Mask]:
        """Yield (shape[1], shape[0]) uint8 (0, 1) per slice of the scan."""
        columns, rows, slices = self.grid.shape
        seen = _Seen()
        for k in range(slices):
            mask = np.zeros((rows, columns), np.uint8)
            for region, outlines in self._drawing.outlines.get(k, {}).items():
                xor = (k, region) in self._drawing.xor
                filled = fill_outlines(outlines, (rows, columns), xor=xor)
                seen.add(k, filled)
                mask |= filled.mask
            yield mask
        self._judge(seen)

    def _judge(self, seen: "_Seen") -> None:
        voxel_ml = self.grid.voxel_mm3 / 1000
        self.measures = {CONTOUR_VOLUME: round(seen.area * voxel_ml, 6)}
        self.remarks = [*self._drawing.remarks, *seen.remarks(voxel_ml)]


class _Seen:
    """Adds up what was filled."""

    def __init__(self) -> None:
        self.area = self._noise = 0.0
        self._pixels = 0
        self._counts: Counter[str] = Counter()
        self._slices: dict[str, list[str]] = {}

    def add(self, k: int, filled: Filled) -> None:
        self.area += filled.area
        self._noise += math.sqrt(filled.length)  # pixel centers that lie in or out by chance
        self._pixels += int(np.count_nonzero(filled.mask))
        for name in _SAID:
            if count := getattr(filled, name):
                self._counts[name] += count
                self._slices.setdefault(name, []).append(str(k))

    def remarks(self, voxel_ml: float) -> list[str]:
        remarks = [
            f"{_SAID[name]}: {count} (slices {some(self._slices[name])})"
            for name, count in self._counts.items()
        ]
        if abs(self._pixels - self.area) > _SAME_VOLUME * self.area + self._noise:
            remarks.append(
                f"contours enclose {self.area * voxel_ml:.3g} mL, the voxels within them hold "
                f"{self._pixels * voxel_ml:.3g} mL: some cross themselves, are tiny or reach "
                "beyond the scan"
            )
        return remarks
