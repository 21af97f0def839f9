"""How far a mean over cases could lie elsewhere, with other cases of the same kind."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

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


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Student's t interval (95 %) of a mean of a few trainings, two at least."""
    mean, reach = float(np.mean(values)), float(stats.sem(values))
    reach *= float(stats.t.ppf(0.975, len(values) - 1))
    return mean - reach, mean + reach
