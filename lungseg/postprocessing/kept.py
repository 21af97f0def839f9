"""Which of a scan's lesions rules keep."""

import numpy as np
import numpy.typing as npt

from lungseg.postprocessing.components import Components
from lungseg.postprocessing.rules import Rules

Numbers = npt.NDArray[np.int64]
_NOISE = 1e-6  # of the volume of a voxel, by an affine in 32 bits


def kept(
    rules: Rules, voxels: Numbers, in_hull: Numbers, *, voxel_mm3: float
) -> npt.NDArray[np.bool_]:
    """Which of a scan's lesions are kept.

    Args:
        rules: The rules.
        voxels: (n,) voxels of each lesion.
        in_hull: (n,) those of them in the hull of a lung.
        voxel_mm3: Volume of a voxel.

    Returns:
        (n,); lesions as large as the last one that is kept are kept with it.
    """
    keeps = voxels * voxel_mm3 >= rules.smallest_mm3 * (1 - _NOISE)
    if rules.lung_hull:
        keeps &= in_hull > 0
    if rules.keep_largest:
        largest = np.sort(voxels[keeps])[-rules.keep_largest :]
        keeps &= voxels >= largest.min(initial=np.iinfo(np.int64).max)
    return keeps


def kept_components(components: Components, rules: Rules, *, voxel_mm3: float) -> set[int]:
    """The components that are kept.

    Args:
        components: Their first layer is the hull of the lungs.
        rules: The rules.
        voxel_mm3: Volume of a voxel.
    """
    counts = components.counts()
    voxels, in_hull = np.array([row[:2] for row in counts.values()], np.int64).reshape(-1, 2).T
    keeps = kept(rules, voxels, in_hull, voxel_mm3=voxel_mm3)
    return {component for component, keep in zip(counts, keeps, strict=True) if keep}
