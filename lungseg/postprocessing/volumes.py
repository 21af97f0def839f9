"""The volume of tumor that each member of an ensemble finds: how far the truth could lie off."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lungseg.postprocessing.components import Components
from lungseg.postprocessing.kept import kept_components
from lungseg.postprocessing.rules import Rules

LEAST_MEMBERS = 2


class MemberVolumes:
    """Gathers them slice by slice.

    Args:
        rules: Which lesions are kept.
        threshold: Probability from which a voxel is tumor.
        voxel_mm3: Volume of a voxel.
    """

    def __init__(self, rules: Rules, *, threshold: float, voxel_mm3: float) -> None:
        self._rules = rules
        self._threshold = threshold
        self._voxel_mm3 = voxel_mm3
        self._members: list[Components] = []

    def add(
        self,
        z: int,
        probabilities: Sequence[npt.NDArray[np.float32]],
        hull: npt.NDArray[np.uint8] | None,
    ) -> None:
        """Add a slice, a neighbor of the one before.

        Args:
            z: Its number.
            probabilities: (height, width) of each member.
            hull: (height, width), 1 within the hull of a lung; None where no rule asks for it.
        """
        if not self._members:
            self._members = [Components() for _ in probabilities]
        for components, probability in zip(self._members, probabilities, strict=True):
            mask = (probability >= self._threshold).astype(np.uint8)
            components.add(z, mask, [mask if hull is None else hull])

    def interval_ml(self) -> tuple[float, float] | None:
        """The smallest and the largest volume, in mL; None of one member alone."""
        if len(self._members) < LEAST_MEMBERS:
            return None
        volumes = [self._volume_ml(components) for components in self._members]
        return min(volumes), max(volumes)

    def _volume_ml(self, components: Components) -> float:
        counts = components.counts()
        kept = kept_components(components, self._rules, voxel_mm3=self._voxel_mm3)
        return sum(int(counts[component][0]) for component in kept) * self._voxel_mm3 / 1000
