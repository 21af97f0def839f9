"""How far two masks' surfaces lie apart, in mm."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree

from lungseg.scores.surface_area import CORNERS, areas_mm2

TOLERANCE_MM = 2.0
_NOISE_MM = 1e-4  # of affines in 32 bits: surfaces two pixels of 1 mm apart are within 2 mm
DEFINITION = (
    f"nsd: share of both surfaces (in mm², marching cubes) within {TOLERANCE_MM:g} mm of the other "
    "one, as in the Medical Segmentation Decathlon; hd95_mm: 95th percentile of the distances of "
    "one mask's border voxels to the other's, the larger of both ways; assd_mm: mean of all these "
    "distances. Where nothing is found there is no distance: NSD is 0, and the scan's diagonal "
    "stands in for both distances; tumor-free cases have none"
)

Mask = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SurfaceScore:
    """How two surfaces agree.

    Attributes:
        nsd: Normalized surface Dice at 2 mm (Nikolov et al., arXiv:1809.04430), 0 to 1.
        hd95_mm: 95th percentile of the Hausdorff distance.
        assd_mm: Average symmetric surface distance.
    """

    nsd: float
    hd95_mm: float
    assd_mm: float


def surface_score(truth: Mask, prediction: Mask, *, axes_mm: Points) -> SurfaceScore | None:
    """Compare the surfaces of two masks.

    Args:
        truth: (i, j, k) label, 0 is background.
        prediction: (i, j, k), likewise.
        axes_mm: (3, 3), its columns the steps from voxel to voxel along the three axes, which need
            not stand at right angles.

    Returns:
        The scores; those of a missed tumor are the worst there are: 0, and the scan's diagonal,
        which stands in for a distance that there is not. None where the truth is empty.
    """
    if not truth.any():
        return None
    if not prediction.any():
        diagonal_mm = float(np.linalg.norm(axes_mm @ truth.shape))
        return SurfaceScore(nsd=0.0, hd95_mm=diagonal_mm, assd_mm=diagonal_mm)
    there, back = _distances_mm(*(_border_mm(mask, axes_mm) for mask in (truth, prediction)))
    return SurfaceScore(
        nsd=_nsd(truth, prediction, axes_mm),
        hd95_mm=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        assd_mm=float(np.concatenate((there, back)).mean()),
    )


def _nsd(truth: Mask, prediction: Mask, axes_mm: Points) -> float:
    surfaces = [_surface(mask, axes_mm) for mask in (truth, prediction)]
    distances = _distances_mm(*(points for points, _ in surfaces))
    areas = [area for _, area in surfaces]
    near = sum(
        area[distance <= TOLERANCE_MM + _NOISE_MM].sum()
        for distance, area in zip(distances, areas, strict=True)
    )
    return float(near / sum(area.sum() for area in areas))


def _distances_mm(one: Points, other: Points) -> tuple[Points, Points]:
    """From each point of either set to the nearest of the other one."""
    return cKDTree(other).query(one)[0], cKDTree(one).query(other)[0]


def _border_mm(mask: Mask, axes_mm: Points) -> Points:
    """(n, 3) places of the voxels that have a background voxel, or the scan's end, beside them."""
    start, cut = cropped(mask)
    border = cut & ~binary_erosion(cut)
    return np.asarray((np.argwhere(border) + start) @ axes_mm.T)


def _surface(mask: Mask, axes_mm: Points) -> tuple[Points, npt.NDArray[np.float64]]:
    """Places (n, 3) in mm between eight voxels where the surface passes, and its areas in mm²."""
    start, cut = cropped(mask)
    codes = _codes(np.pad(cut, 1))
    places = np.argwhere((codes > 0) & (codes < 255))
    areas = areas_mm2(axes_mm)[codes[tuple(places.T)]]
    return np.asarray((places + start - 0.5) @ axes_mm.T), areas


def _codes(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """For each point between eight voxels, which of them are filled: bits as in `CORNERS`."""
    codes = np.zeros([size - 1 for size in mask.shape], np.uint8)
    for number, corner in enumerate(CORNERS):
        x, y, z = corner
        part = mask[x:, y:, z:][: codes.shape[0], : codes.shape[1], : codes.shape[2]]
        codes |= part.astype(np.uint8) << np.uint8(number)
    return codes


def cropped(mask: Mask) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The box around a mask's foreground: where it starts, and the mask in it."""
    bounds = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(mask.any(axis=others))
        bounds.append((int(filled[0]), int(filled[-1]) + 1))
    box = tuple(slice(*bound) for bound in bounds)
    return np.array([bound[0] for bound in bounds]), np.ascontiguousarray(mask[box] != 0)
