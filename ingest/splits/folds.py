"""Cases -> folds: by patient, balanced by tumor volume, decided by a seed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

NUM_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the split needs to know of a case.

    Attributes:
        patient: Whose scan it is; all scans of a patient share a fold.
        tumor_volume_ml: Tumor in the whole scan, in mL.
    """

    patient: str
    tumor_volume_ml: float


def assign_folds(
    subjects: Mapping[str, Subject], *, num_folds: int = NUM_FOLDS, seed: int = 0
) -> dict[str, int]:
    """Spread cases over folds.

    Patients are sorted by their largest tumor and dealt out `num_folds` at a time, each time in a
    new random order: every fold gets one patient of every range of volumes, and sizes differ by
    at most one patient.

    Args:
        subjects: The cases by name.
        num_folds: Folds wanted; fewer patients make fewer folds.
        seed: Decides the random orders.

    Returns:
        Fold of each case, 0-based, by name, sorted.
    """
    volumes: dict[str, float] = {}
    for subject in subjects.values():
        known = volumes.get(subject.patient, 0.0)
        volumes[subject.patient] = max(known, subject.tumor_volume_ml)
    patients = sorted(volumes, key=lambda patient: (volumes[patient], patient))
    width = min(num_folds, len(patients))
    rng = np.random.default_rng(seed)
    fold_of: dict[str, int] = {}
    for start in range(0, len(patients), max(width, 1)):
        order = rng.permutation(width).tolist()
        fold_of.update(zip(patients[start : start + width], order, strict=False))
    return {name: fold_of[subject.patient] for name, subject in sorted(subjects.items())}
