"""Whether a body lies as its header says, told by what no one can choose: spine behind, heart left.

Reports exist of data sets whose scans are mirrored against their headers. A table tells less:
people are scanned lying on their fronts too.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ingest.findings.finding import Finding
from ingest.scans.geometry import Grid

_PLANES = 16  # that are looked at, spread over the scan
_PIXEL_MM = 5.0
_AIR_HU = -350
_BONE_HU = 200
_LUNG_MM2 = 2000.0  # on either side, for a plane to show a chest
_REGION_MM2 = 400.0
_LEAST_PLANES = 4
_CHEST_SHARE = 0.6  # of the widest plane's lungs: below lies the liver, above the shoulders
_MIDDLE_MM = 35.0  # to either side, where spine and breastbone lie
_DEPTH_SHARE = 0.15  # of the lungs' depth, at their front and back, where no heart lies
_BEHIND_MM = 45.0  # beyond the lungs, where spine and breastbone lie
_BONE_WARNED = -0.3  # from 1, all bone behind, to -1, all of it in front
_HEART_WARNED_MM = 2.5  # of the space between the lungs, to the patient's right, at the mean
_HEART_SURE_MM = 7.0  # the same, where it lies farthest


@dataclass(frozen=True, kw_only=True)
class _Chest:
    """What one plane shows.

    Attributes:
        lungs_mm2: Area of both lungs.
        right_mm: How far the space between them lies to the patient's right, at the mean.
        bone_mm2: Area of bone (behind, in front) of the lungs, in the middle.
    """

    lungs_mm2: float
    right_mm: float
    bone_mm2: tuple[float, float]


class PostureChecks:
    """Sees planes of one case as they are read, and tells at the end how the body lies.

    Args:
        case: Name of the case.
        grid: The scan's own grid.
    """

    def __init__(self, case: str, grid: Grid) -> None:
        canonical = grid.canonical()
        self._case = case
        self._step = max(1, canonical.shape[2] // _PLANES)
        self._pixel_mm = canonical.spacing_mm[:2]
        self._chests: list[_Chest] = []

    def see(self, z: int, plane: npt.NDArray[np.int16]) -> None:
        """Look at one plane of the scan: its canonical number and (height, width) HU, unclipped."""
        if z % self._step:
            return
        chest = _chest(_small(plane, self._pixel_mm))
        if chest:
            self._chests.append(chest)

    def findings(self) -> list[Finding]:
        """Judge the body, once all planes were seen; what shows no whole chest is not judged."""
        widest = max((chest.lungs_mm2 for chest in self._chests), default=0.0)
        chests = [c for c in self._chests if c.lungs_mm2 >= _CHEST_SHARE * widest]
        if len(chests) < _LEAST_PLANES:
            return []
        wrong = _front_and_back(chests) + _left_and_right(chests)
        if not wrong:
            return []
        message = (
            f"the body lies the other way round than the header says: {' and '.join(wrong)}; "
            "look at the scan beside its source, and correct its affine"
        )
        return [Finding(case=self._case, level="warning", rule="posture", message=message)]


def _small(plane: npt.NDArray[np.int16], pixel_mm: tuple[float, float]) -> npt.NDArray[np.int16]:
    """A plane in pixels of 5 mm, each the mean of some of those that it covers."""
    shape = [
        max(4, round(n * mm / _PIXEL_MM)) for n, mm in zip(plane.shape, pixel_mm[::-1], strict=True)
    ]
    down, across = (max(1, n // (2 * small)) for n, small in zip(plane.shape, shape, strict=True))
    some = np.ascontiguousarray(plane[::down, ::across])
    return np.asarray(cv2.resize(some, shape[::-1], interpolation=cv2.INTER_AREA))


def _front_and_back(chests: list[_Chest]) -> list[str]:
    behind, before = np.sum([chest.bone_mm2 for chest in chests], axis=0)
    if behind + before == 0 or (behind - before) / (behind + before) > _BONE_WARNED:
        return []
    return ["the spine lies in front"]


def _left_and_right(chests: list[_Chest]) -> list[str]:
    shifts = np.array([chest.right_mm for chest in chests])
    low, high = np.quantile(shifts, [0.1, 0.9])
    is_right = shifts.mean() > _HEART_WARNED_MM and high > max(_HEART_SURE_MM, -low)
    return ["the heart lies on the right"] if is_right else []


def _chest(small: npt.NDArray[np.int16]) -> _Chest | None:
    """Measure a plane; None where it does not show two whole lungs.

    Args:
        small: (height, width) HU in pixels of 5 mm, rows posterior to anterior, columns left to
            right.
    """
    lung = _lungs(small)
    rows, columns = np.flatnonzero(lung.any(axis=1)), np.flatnonzero(lung.any(axis=0))
    if not len(columns):
        return None
    middle = (columns[0] + columns[-1]) / 2
    left, right = lung[:, : int(np.floor(middle)) + 1], lung[:, int(np.ceil(middle)) :]
    areas = [float(np.count_nonzero(side)) * _PIXEL_MM**2 for side in (left, right)]
    if min(areas) < _LUNG_MM2:
        return None
    return _Chest(
        lungs_mm2=sum(areas),
        right_mm=_between(lung, middle) * _PIXEL_MM,
        bone_mm2=_bones(small, rows, middle),
    )


def _lungs(small: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Air that the body encloses."""
    _, regions, stats, _ = cv2.connectedComponentsWithStats(
        (small < _AIR_HU).astype(np.uint8), connectivity=4
    )
    enclosed = stats[:, cv2.CC_STAT_AREA] * _PIXEL_MM**2 >= _REGION_MM2
    enclosed[0] = False
    for edge in (regions[0], regions[-1], regions[:, 0], regions[:, -1]):
        enclosed[edge] = False
    return np.asarray(enclosed[regions])


def _between(lung: npt.NDArray[np.bool_], middle: float) -> float:
    """Where the space between the lungs lies, in pixels to the right of the middle."""
    split = int(np.floor(middle)) + 1
    left, right = lung[:, :split], lung[:, split:]
    both = left.any(axis=1) & right.any(axis=1)
    inner_left = split - 1 - np.argmax(left[both, ::-1], axis=1)
    inner_right = split + np.argmax(right[both], axis=1)
    widths = inner_right - inner_left
    if not widths.sum():
        return 0.0
    return float(np.average((inner_left + inner_right) / 2 - middle, weights=widths))


def _bones(
    small: npt.NDArray[np.int16], rows: npt.NDArray[np.int64], middle: float
) -> tuple[float, float]:
    """Area of bone (behind, in front) of the lungs."""
    reach, depth = round(_MIDDLE_MM / _PIXEL_MM), round(_DEPTH_SHARE * (rows[-1] - rows[0]))
    beyond = round(_BEHIND_MM / _PIXEL_MM)
    across = slice(max(0, round(middle) - reach), round(middle) + reach + 1)
    behind = small[max(0, rows[0] - beyond) : rows[0] + depth + 1, across]
    before = small[rows[-1] - depth : rows[-1] + beyond + 1, across]
    behind_mm2, before_mm2 = (
        float(np.count_nonzero(part > _BONE_HU)) * _PIXEL_MM**2 for part in (behind, before)
    )
    return behind_mm2, before_mm2
