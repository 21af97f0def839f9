"""What the values of a scan say, seen plane by plane as it is read: HU or not, padded, known."""

import cv2
import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from ingest.findings.finding import Finding

_AIR_HU = -1024
_LUNG_HU = (-1100, -200)  # a chest has lungs: some of its middle must lie here; below is padding
_LUNG_SHARE = 0.0005
_BONE_OFFSET_HU = 2000  # above it with nothing below 0: stored numbers without their intercept
_OFFSET_HU = (800, 1300)  # where muscle and fat lie without it; in HU only the densest bone does
_OFFSET_SHARE = 0.15  # real scans have at most 0.013
_SAMPLES = 64  # of the middle of a plane, along each axis


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
        self._samples = self._airy = self._dense = 0
        self._crcs: dict[int, int] = {}

    def see(self, z: int, plane: npt.NDArray[np.int16]) -> None:
        """Look at one plane of the scan: its canonical number and (height, width) HU, unclipped."""
        lowest, highest, *_ = cv2.minMaxLoc(plane)
        self._lowest = min(self._lowest, int(lowest))
        self._highest = max(self._highest, int(highest))
        self._voxels += plane.size
        if lowest < _AIR_HU:
            self._below_air += int(np.count_nonzero(plane < _AIR_HU))
        self._sample(plane)
        rows = len(plane)
        self._crcs[z] = isal_zlib.crc32(plane[rows * 3 // 8 : rows // 2 + 1])

    def _sample(self, plane: npt.NDArray[np.int16]) -> None:
        """Count what the middle of a plane holds: body, whatever the scan is padded with."""
        spans = (slice(n // 4, n - n // 4, max(1, n // (2 * _SAMPLES))) for n in plane.shape)
        middle = np.ascontiguousarray(plane[tuple(spans)])
        self._samples += middle.size
        self._airy += cv2.countNonZero(cv2.inRange(middle, *_LUNG_HU))
        self._dense += cv2.countNonZero(cv2.inRange(middle, *_OFFSET_HU))

    def findings(self) -> list[Finding]:
        """Judge the values, once all planes were seen."""
        spread = f"values lie in {self._lowest} to {self._highest}"
        has_lungs = self._airy > _LUNG_SHARE * self._samples
        is_offset = not has_lungs and self._dense >= _OFFSET_SHARE * self._samples
        is_unsigned = self._lowest >= 0 and self._highest > _BONE_OFFSET_HU
        if (is_offset or is_unsigned) and not self._any_values:
            return [
                Finding(
                    case=self._case,
                    level="fatal",
                    rule="values",
                    message=f"{spread}, not HU? Air must lie at -1000 HU: subtract the offset "
                    "(often 1024), or say --any-values",
                )
            ]
        if not has_lungs:
            message = f"{spread}, no HU of a chest? In its middle nothing lies as low as lungs do"
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
