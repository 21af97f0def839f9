"""Who goes on: asynchronous successive halving (Li et al. 2020), by plain numbers."""

import numpy as np

_REDUCTION = 3


class Rungs:
    """Rungs at the grace period times 1, 3, 9, ... epochs; at each the best third goes on.

    A trial is compared with those that reached its rung before it, so that nobody waits.

    Args:
        epochs: Of a training that is not ended early.
        folds: Trainings of a trial, each on another fold, one after the other.
        ends_early: Whether any is.

    Attributes:
        ends_early: The same.
    """

    def __init__(self, epochs: int, *, folds: int = 1, ends_early: bool = True) -> None:
        self.ends_early = ends_early
        rungs = rung_epochs(epochs, folds) if ends_early else []
        self._reached: dict[int, dict[int, float]] = {rung: {} for rung in rungs}

    def goes_on(self, trial: int, *, epoch: int, score: float) -> bool:
        """Whether a trial goes on after an epoch; asking counts it as having reached its rung.

        Args:
            trial: Its number.
            epoch: Number of its finished epochs.
            score: The best so far; higher is better.

        Returns:
            False if the score is below the best third of those that reached the rung before.
        """
        below = [rung for rung in self._reached if rung <= epoch]
        if not below or trial in self._reached[max(below)]:
            return True
        others = self._reached[max(below)]
        cutoff = np.percentile(list(others.values()), 100 - 100 / _REDUCTION) if others else score
        others[trial] = score
        return bool(score >= cutoff)


def rung_epochs(epochs: int, folds: int = 1) -> list[int]:
    """The epochs at which it is decided who goes on, counted over all folds.

    After the first fold they are at the ends of folds, so that scores of equal cases are compared.
    """
    found, rung = [], grace_epochs(epochs)
    while rung <= epochs * folds:
        found.append(rung if rung < epochs else epochs * -(-rung // epochs))
        rung *= _REDUCTION
    return found


def grace_epochs(epochs: int) -> int:
    """Epochs that every trial may run, as Dice is near 0 in the first ones.

    Returns:
        A quarter, at least three where there are as many.
    """
    return min(epochs, max(3, -(-epochs // 4)))
