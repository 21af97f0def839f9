"""The same predictions by every definition of Dice, beside predictions that know nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lungseg.explanation.case_sums import CaseSums, Values
from lungseg.explanation.definitions import DEFINITIONS, Sums, parts_by_definition
from lungseg.scores.intervals import share, share_interval

COLUMNS = {
    "model": "the predictions; on the model's grid before rules for lesions",
    "nothing": "no voxel is called tumor",
    "everything": "every voxel is called tumor",
    "shuffled": "each case is given the prediction of the next one, slices at the same height; on "
    "the model's grid alone",
    "ceiling": "the label itself, as the recipe shows it to the model",
}


def explain(cases: Sequence[CaseSums], dice: Sequence[float | None]) -> dict[str, Any]:
    """Score predictions and controls by each definition.

    Args:
        cases: The sums of each case, at least one.
        dice: Its Dice on the scan's own grid; None for those without tumor.

    Returns:
        Plain data: `scores` by definition and column (None where one says nothing), `ci95` of the
        model's by definition, over cases, and what the `definitions` and `columns` are.
    """
    predictions = _predictions(cases, dice)
    by_column = {name: parts_by_definition(sums) for name, sums in predictions.items()}
    return {
        "scores": {
            definition: {name: share(parts[definition]) for name, parts in by_column.items()}
            for definition in DEFINITIONS
        },
        "ci95": {name: share_interval(parts) for name, parts in by_column["model"].items()},
        "n": len(cases),
        "definitions": DEFINITIONS,
        "columns": {name: COLUMNS[name] for name in by_column},
    }


def _predictions(cases: Sequence[CaseSums], dice: Sequence[float | None]) -> Mapping[str, Sums]:
    labels = [case.hard[:, 2] for case in cases]
    known = [value if case.num_tumor else None for case, value in zip(cases, dice, strict=True)]
    nothing = [0.0 if case.num_tumor else None for case in cases]
    predictions = {
        "model": Sums(slices=[c.soft for c in cases], hard=[c.hard for c in cases], native=known),
        "nothing": _sums([_rows(0, 0, label) for label in labels], nothing),
        "everything": _sums(
            [_rows(c.hard[:, 2], c.pixels, c.hard[:, 2]) for c in cases],
            [case.everything for case in cases],
        ),
    }
    if len(cases) > 1:
        others = [*cases[1:], cases[0]]
        shuffled = [case.of_other(other) for case, other in zip(cases, others, strict=True)]
        predictions["shuffled"] = _sums(shuffled, None)
    ceiling = [_rows(label, label, label) for label in labels]
    predictions["ceiling"] = _sums(ceiling, [case.ceiling for case in cases])
    return predictions


def _sums(hard: Sequence[Values], native: Sequence[float | None] | None) -> Sums:
    return Sums(slices=hard, hard=hard, native=native)


def _rows(overlap: Values | int, called: Values | int, labeled: Values) -> Values:
    return np.stack(np.broadcast_arrays(overlap, called, labeled), axis=1).astype(np.float64)
