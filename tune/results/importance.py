"""How much each searched option mattered, by the trials of a search."""

from collections.abc import Hashable, Sequence

import numpy as np

from tune.trials.outcome import TrialOutcome, searched_names

_BINS = 3


def importances(trials: Sequence[TrialOutcome]) -> dict[str, float | None]:
    """Share of the variance of Dice that each option explains by itself.

    Epsilon squared (Kelley, "An unbiased correlation ratio measure", PNAS 21, 1935) of the trials
    grouped by the option's value, numbers by thirds: what chance alone would explain is taken off.
    A search looks more where Dice is high, so this is a hint and no experiment.

    Args:
        trials: The trials; failed ones are left out.

    Returns:
        By option, the largest first; None where the trials are too few to say.
    """
    found = {name: _importance(trials, name) for name in searched_names(trials)}
    return dict(sorted(found.items(), key=lambda item: -1.0 if item[1] is None else -item[1]))


def _importance(trials: Sequence[TrialOutcome], name: str) -> float | None:
    known = [t for t in trials if t.dice is not None and name in t.values]
    groups = _grouped([t.values[name] for t in known])
    dice = np.array([t.dice for t in known], np.float64)
    kinds = sorted(set(groups), key=str)
    if len(kinds) < 2 or len(dice) < len(kinds) + 2:
        return None
    parts = [dice[[group == kind for group in groups]] for kind in kinds]
    within = sum(float(((part - part.mean()) ** 2).sum()) for part in parts)
    total = float(((dice - dice.mean()) ** 2).sum())
    by_chance = (len(kinds) - 1) * within / (len(dice) - len(kinds))
    return max(0.0, (total - within - by_chance) / total) if total else 0.0


def _grouped(values: Sequence[Hashable]) -> list[Hashable]:
    """Numbers by their thirds, other values as they are."""
    if not all(type(value) in (int, float) for value in values) or len(set(values)) <= _BINS:
        return list(values)
    ranks = np.argsort(np.argsort(np.array(values, np.float64), kind="stable"), kind="stable")
    return [int(rank * _BINS // len(values)) for rank in ranks]
