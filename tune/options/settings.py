"""The options of a search and the values of a trial -> the options of a training."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.gang import Shape
from lungseg.options.fit import FitOptions, TrainingOptions
from lungseg.options.run import RunOptions
from shards.console.groups import grouped_values, replaced
from tune.options.config import SearchOptions

_GROUPS = [
    field.name
    for field in dataclasses.fields(TrainingOptions)
    if field.name not in ("config", "json")
]


def trial_folder(out: Path, number: int) -> Path:
    """Where a trial's attempts lie."""
    return out / "trials" / f"{number:03d}"


def fit_options(
    search: SearchOptions,
    values: Mapping[str, Any],
    *,
    out: Path,
    shape: Shape,
    resume: bool,
) -> FitOptions:
    """What a trial trains with.

    Args:
        search: The options of the search.
        values: Those of the trial.
        out: Folder of the attempt.
        shape: Its ranks, and what each of them may use.
        resume: Whether the folder holds a checkpoint to go on from.
    """
    changes = dict(values)
    changes["accelerator"] = "gpu" if shape.rank.gpus else "cpu"
    if search.data.num_workers == "auto":
        changes["num_workers"] = shape.rank.cpus - 1
    trial = replaced(search, **changes)
    groups = {name: getattr(trial, name) for name in _GROUPS}
    return FitOptions(**groups, run=RunOptions(out=out, devices=shape.per_node, resume=resume))


def best_config(search: SearchOptions, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a trial as plain data for `lungseg.fit --config`; `--out` is left to say."""
    trial = grouped_values(replaced(search, **values))
    return {name: trial[name] for name in _GROUPS}
