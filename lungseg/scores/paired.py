"""Whether one of two models is better, from the scores of both on the same cases."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

from lungseg.scores.intervals import bootstrap_interval

LEVEL = 0.05
DEFINITION = (
    "the difference is the second less the first, case by case; its 95 % interval is a paired "
    "bootstrap over cases, p the Wilcoxon signed-rank test. There is evidence where the interval "
    f"excludes 0 and p is below {LEVEL:g}; no correction for many comparisons"
)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models on the same cases.

    Attributes:
        n: Cases.
        first: Mean of the first model's scores; None without a case.
        second: Mean of the second's.
        difference: Mean of second less first.
        ci95: Its interval; None for fewer than three cases.
        p: Of the Wilcoxon signed-rank test; None without a case.
    """

    n: int
    first: float | None
    second: float | None
    difference: float | None
    ci95: list[float] | None
    p: float | None

    @property
    def verdict(self) -> str:
        """What may be said, in words."""
        if self.ci95 is None or self.p is None or self.difference is None:
            return "no evidence: too few cases"
        low, high = self.ci95
        if low <= 0 <= high or self.p >= LEVEL:
            least = (high - low) / 2
            return f"no evidence of a difference: it would have to be about {least:.3f} to show"
        better = "second" if self.difference > 0 else "first"
        return f"the {better} is better"


def compare_pairs(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Compare two models by scores of which more is better.

    Args:
        first: A score per case.
        second: The other model's, of the same cases in the same order.
    """
    if not first:
        return Comparison(n=0, first=None, second=None, difference=None, ci95=None, p=None)
    differences = np.subtract(second, first)
    return Comparison(
        n=len(first),
        first=float(np.mean(first)),
        second=float(np.mean(second)),
        difference=float(differences.mean()),
        ci95=bootstrap_interval(differences.tolist()),
        p=float(wilcoxon(differences).pvalue) if differences.any() else 1.0,
    )
