"""Which slices of a scan show lung, by classical means: air of lung density within the body."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

_TISSUE_HU = -400  # between lung and soft tissue; about half way
_PURE_AIR_HU = -960  # medians below it: air around the patient, trachea, gas in the bowel
_LARGEST_SIDE = 128  # pixels are averaged down to this: noise goes, lungs stay
_SMALLEST_MM2 = 150.0  # of a region that may be lung
_OUTSIDE_SHARE = 0.02  # of a plane in pure air at its border: it shows what is around the patient
_LUNG_SHARE = 0.02  # of the widest slice's lung area, for a slice to show lung
_LEAST_MM2 = 400.0  # the same, where little lung is seen at all
_BRIDGED_MM = 15.0  # a stretch without lung that the lungs may have within them


class LungExtent:
    """Sees the planes of one scan as they are read, and tells from where to where the lungs reach.

    Args:
        spacing_mm: Canonical pitch (x, y, z) of the planes, in mm.
    """

    def __init__(self, spacing_mm: tuple[float, float, float]) -> None:
        self._pixel_mm = spacing_mm[:2]
        self._step_mm = spacing_mm[2]
        self._areas: dict[int, float] = {}

    def see(self, z: int, plane: npt.NDArray[np.int16]) -> None:
        """Look at one plane: its canonical number and (height, width) HU, unclipped."""
        self._areas[z] = lung_area_mm2(plane, self._pixel_mm)

    def extent(self) -> tuple[int, int] | None:
        """Canonical numbers of the lowest and the highest slice with lung; None without any."""
        areas = [self._areas[z] for z in sorted(self._areas)]
        return longest_stretch(areas, bridged=round(_BRIDGED_MM / self._step_mm))


def lung_area_mm2(plane: npt.NDArray[np.int16], pixel_mm: tuple[float, float]) -> float:
    """Area of lung on an axial plane, in mm2, as `lung_regions` finds it.

    Args:
        plane: (height, width) HU.
        pixel_mm: Pitch along (x, y), in mm.

    Returns:
        The area; 0 without lung.
    """
    regions = lung_regions(plane, pixel_mm)
    pixel_mm2 = pixel_mm[0] * pixel_mm[1] * _shrink(plane) ** 2
    return float(np.count_nonzero(regions) * pixel_mm2)


def lung_regions(
    plane: npt.NDArray[np.int16], pixel_mm: tuple[float, float]
) -> npt.NDArray[np.int32]:
    """Regions of lung on an axial plane, on coarser pixels where it has many.

    Regions below -400 HU whose median is that of lung, not of pure air. A region that touches the
    border (mattress, clothes) is none where the plane shows the air around the patient; in a crop
    from within the body it is lung that was cut. Stool with gas may count as lung, so that the
    extent errs to too many slices.

    Args:
        plane: (height, width) HU.
        pixel_mm: Pitch along (x, y), in mm.

    Returns:
        (h, w), at most 128 pixels a side over the same field of view: 0, or a region's number.
    """
    shrink = _shrink(plane)
    if shrink > 1:
        plane = cv2.resize(plane, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    airy = (plane < _TISSUE_HU).astype(np.uint8)
    count, regions, stats, _ = cv2.connectedComponentsWithStats(airy, connectivity=4)
    sizes = stats[:, cv2.CC_STAT_AREA]
    at_border = {*regions[0], *regions[-1], *regions[:, 0], *regions[:, -1]}
    pixel_mm2 = pixel_mm[0] * pixel_mm[1] * shrink**2
    large = [region for region in range(1, count) if sizes[region] * pixel_mm2 >= _SMALLEST_MM2]
    lung = {r for r in large if np.median(plane[regions == r]) > _PURE_AIR_HU}
    outside = sum(sizes[region] for region in set(large) - lung if region in at_border)
    if outside > _OUTSIDE_SHARE * plane.size:
        lung -= at_border
    is_lung = np.zeros(count, np.int32)
    is_lung[list(lung)] = 1
    return np.asarray(regions * is_lung[regions], np.int32)


def _shrink(plane: npt.NDArray[np.int16]) -> float:
    """How many times coarser a plane is looked at."""
    return max(1.0, float(max(plane.shape)) / _LARGEST_SIDE)


def longest_stretch(areas: Sequence[float], *, bridged: int) -> tuple[int, int] | None:
    """First and last place of the stretch with most area, of those with more than a trace.

    Args:
        areas: Lung area by slice.
        bridged: Slices below the trace that a stretch may hold within it.
    """
    trace = max(_LEAST_MM2, _LUNG_SHARE * max(areas, default=0.0))
    shown = [z for z, area in enumerate(areas) if area > trace]
    if not shown:
        return None
    stretches = [[shown[0], shown[0]]]
    for z in shown[1:]:
        if z - stretches[-1][1] > bridged + 1:
            stretches.append([z, z])
        stretches[-1][1] = z
    first, last = max(stretches, key=lambda stretch: sum(areas[stretch[0] : stretch[1] + 1]))
    return first, last
