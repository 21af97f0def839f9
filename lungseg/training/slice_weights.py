"""A file of weights -> how many times as often each slice of a set is drawn."""

import hashlib
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.splits.table import read_table
from lungseg.errors import TrainingError
from shards.index import ShardIndex

_OPTION = "--slice-weights"
_MOST = 1e6

Weights = npt.NDArray[np.float64]


def weights_of(index: ShardIndex, file: Path | None) -> Weights | None:
    """Read the weights of slices.

    Args:
        index: The slices of a set.
        file: A table with the columns case, z (from the feet, as in the index) and weight. Slices
            that the set left out may be named.

    Returns:
        (n,) weights, 1 where the file says nothing; None without a file.

    Raises:
        BadCaseError: If it is no such table.
        TrainingError: If it names a case that the set does not have, or a slice twice, or if a z
            or a weight is none.
    """
    if file is None:
        return None
    named: dict[tuple[int, int], float] = {}
    number_of = {case: number for number, case in enumerate(index.cases)}
    for row in read_table(file, ("case", "z", "weight"), option=_OPTION):
        if row["case"] not in number_of:
            raise TrainingError(f"{_OPTION}: {file} names {row['case']}, which is no case here")
        at = (number_of[row["case"]], int(_number(row, "z", file)))
        if at in named:
            raise TrainingError(f"{_OPTION}: {file} names slice {at[1]} of {row['case']} twice")
        named[at] = _number(row, "weight", file)
        if not 0 < named[at] <= _MOST:
            raise TrainingError(f"{_OPTION} needs weights above 0 and at most {_MOST:g}: {row}")
    places = zip(index.case.tolist(), index.z.tolist(), strict=True)
    return np.array([named.get(place, 1.0) for place in places])


def fingerprint(weights: Weights | None) -> str | None:
    """What tells weights from others, to go on with the same; None of none."""
    return None if weights is None else hashlib.sha256(weights.tobytes()).hexdigest()


def _number(row: dict[str, str], name: str, file: Path) -> float:
    try:
        number = float(row[name])
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (name == "z" and number % 1):
        what = "whole number" if name == "z" else "number"
        raise TrainingError(f"{_OPTION}: {file} has a {name} that is no {what}: {row[name]!r}")
    return number
