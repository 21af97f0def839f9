"""How far a mean over cases could lie elsewhere, with other cases of the same kind."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

DRAWS = 10_000


def bootstrap_interval(values: Sequence[float | None]) -> list[float] | None:
    """Percentile bootstrap interval (95 %) of a mean; None for fewer than three values.

    Efron, "Bootstrap methods: another look at the jackknife", Ann. Statist. 7 (1979); seeded, so
    that the same values give the same interval.
    """
    known = np.array([value for value in values if value is not None], np.float64)
    if len(known) < 3:
        return None
    rows = np.random.default_rng(0).integers(0, len(known), (DRAWS, len(known)))
    low, high = np.percentile(known[rows].mean(axis=1), (2.5, 97.5))
    return [float(low), float(high)]


def share(parts: npt.NDArray[np.float64]) -> float | None:
    """Sum of the first column of (n, 2) by that of the second; None where that is 0."""
    part, whole = parts.sum(axis=0).tolist()
    return part / whole if whole > 0 else None


def share_interval(parts: npt.NDArray[np.float64]) -> list[float] | None:
    """As `bootstrap_interval`, of the `share` of rows (n, 2) with a second value above 0."""
    known = parts[parts[:, 1] > 0]
    if len(known) < 3:
        return None
    rows = np.random.default_rng(0).integers(0, len(known), (DRAWS, len(known)))
    part, whole = known[rows].sum(axis=1).T
    low, high = np.percentile(part / whole, (2.5, 97.5))
    return [float(low), float(high)]


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Student's t interval (95 %) of a mean of a few trainings, two at least."""
    from scipy import stats  # heavy

    mean, reach = float(np.mean(values)), float(stats.sem(values))
    reach *= float(stats.t.ppf(0.975, len(values) - 1))
    return mean - reach, mean + reach
