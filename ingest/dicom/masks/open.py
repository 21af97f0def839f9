"""A DICOM file -> the tumor mask in it, on the grid of its scan: contours or segments."""

from collections.abc import Sequence
from pathlib import Path

from ingest.case import BadCaseError
from ingest.dicom.files import read_file
from ingest.dicom.masks.contours import ContourMask
from ingest.dicom.masks.segments import SegmentMask
from ingest.dicom.regions import RTSTRUCT, SEGMENTATIONS
from ingest.scans.geometry import Grid
from ingest.scans.volume import Volume


def open_mask(path: Path, *, on: Grid | None, roi: Sequence[str] = ()) -> Volume:
    """Open the tumor mask in a DICOM-SEG or RTSTRUCT file, placed on the grid of its scan.

    Args:
        path: The file.
        on: Grid of the scan.
        roi: Names or patterns of the regions that are tumor, as in `regions.matching`; may be empty
            when the file has one region.

    Raises:
        BadCaseError: If it is no such file, has no such region, or was drawn on another grid.
    """
    if on is None:
        raise BadCaseError(f"a DICOM mask needs the scan it was drawn on, {path} stands alone")
    values = read_file(path)
    kind = str(values.get("SOPClassUID"))
    if kind == RTSTRUCT:
        return ContourMask(path, values, on=on, roi=roi)
    if kind in SEGMENTATIONS:
        return SegmentMask(path, values, on=on, roi=roi)
    raise BadCaseError(f"a DICOM mask is a SEG or RTSTRUCT file, {path} is neither")
