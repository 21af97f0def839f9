"""What the values of a scan say, seen plane by plane as it is read: HU or not, padded, known."""

import cv2
import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from ingest.findings.finding import Finding

_AIR_HU = -1024
_NO_AIR_HU = -200  # a chest has lungs: some voxel must lie below
_BONE_OFFSET_HU = 2000  # above it with nothing below 0: stored numbers without their intercept


class VoxelChecks:
    """Sees the planes of one case as they are read, and judges at the end.

    Args:
        case: Name of the case.
        any_values: Accept values that look like no HU.
    """

    def __init__(self, case: str, *, any_values: bool = False) -> None:
        self._case = case
        self._any_values = any_values
        self._lowest, self._highest = 32767, -32768
        self._voxels = self._below_air = 0
        self._crcs: dict[int, int] = {}

    def see(self, z: int, plane: npt.NDArray[np.int16]) -> None:
        """Look at one plane of the scan: its canonical number and (height, width) HU, unclipped."""
        lowest, highest, *_ = cv2.minMaxLoc(plane)
        self._lowest = min(self._lowest, int(lowest))
        self._highest = max(self._highest, int(highest))
        self._voxels += plane.size
        if lowest < _AIR_HU:
            self._below_air += int(np.count_nonzero(plane < _AIR_HU))
        rows = len(plane)
        self._crcs[z] = isal_zlib.crc32(plane[rows * 3 // 8 : rows // 2 + 1])

    def findings(self) -> list[Finding]:
        """Judge the values, once all planes were seen."""
        spread = f"values lie in {self._lowest} to {self._highest}"
        if self._lowest >= 0 and self._highest > _BONE_OFFSET_HU and not self._any_values:
            return [
                Finding(
                    case=self._case,
                    level="fatal",
                    rule="values",
                    message=f"{spread}, not HU? Air must lie at -1000 HU: subtract the offset "
                    "(often 1024), or say --any-values",
                )
            ]
        if self._lowest > _NO_AIR_HU:
            message = f"{spread}, no HU of a chest? Lungs lie below {_NO_AIR_HU} HU"
            return [Finding(case=self._case, level="warning", rule="values", message=message)]
        return []

    def measures(self) -> dict[str, float]:
        """Numbers for the manifest."""
        return {
            "lowest_hu": self._lowest,
            "highest_hu": self._highest,
            "share_below_-1024_hu": round(self._below_air / max(self._voxels, 1), 6),
        }

    @property
    def content(self) -> int:
        """A key that scans with equal voxels share, however stored: of an eighth of all rows."""
        ordered = np.array([self._crcs[z] for z in sorted(self._crcs)], np.uint32)
        return isal_zlib.crc32(ordered.tobytes())
