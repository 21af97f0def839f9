"""Who goes on from fold to fold: whoever is not clearly worse, case by case, than the best."""

import statistics
from collections.abc import Mapping

from lungseg.scores.intervals import mean_interval

Dices = Mapping[str, float]


class Pairs:
    """The Dice of each case, of every trial that has come as far.

    A trial is compared with the best of those that came so far before it, as in racing (Maron and
    Moore 1994), so that nobody waits. Cases differ far more than settings do: a difference of
    means that says nothing is often clear, or clearly nothing, between pairs.
    """

    def __init__(self) -> None:
        self._reached: dict[int, dict[int, Dices]] = {}

    def worse(self, trial: int, *, epoch: int, cases: Dices) -> str:
        """In which way a trial is worse; asking counts it as having come so far.

        Args:
            trial: Its number.
            epoch: Number of its finished epochs, over all of its folds.
            cases: Dice of each case of its whole folds; none within a fold.

        Returns:
            The difference for people where its 95 % interval, by Student's t over the cases, lies
            below 0; else empty.
        """
        reached = self._reached.setdefault(epoch, {})
        if not cases or trial in reached:
            return ""
        best = max(reached, key=lambda other: statistics.fmean(reached[other].values()), default=-1)
        reached[trial] = cases
        return _clearly_worse(cases, reached[best], best) if best >= 0 else ""


def _clearly_worse(cases: Dices, bests: Dices, best: int) -> str:
    shared = [case for case in cases if case in bests]
    if len(shared) < 2:
        return ""
    less = [bests[case] - cases[case] for case in shared]
    low, high = mean_interval(less)
    if not low > 0:
        return ""
    return (
        f"worse than trial {best} on the same {len(shared)} cases, by "
        f"{statistics.fmean(less):.3f} ({low:.3f} to {high:.3f})"
    )
