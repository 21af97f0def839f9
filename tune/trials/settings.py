"""The options of a search and the values of a trial -> the options of a training."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.resources import Resources
from lungseg.training.options import FitOptions, TrainingOptions
from shards.console.command import flat_values
from tune.config import SearchOptions

SEARCHED = ("loss", "lr", "oversample")


def settled(options: SearchOptions) -> SearchOptions:
    """The same options with absolute paths: trials run elsewhere."""
    shards = options.shards
    if "://" not in shards:
        shards = str(Path(shards).resolve())
    cache = options.cache and options.cache.resolve()
    return dataclasses.replace(options, shards=shards, out=options.out.resolve(), cache=cache)


def trial_folder(out: Path, number: int) -> Path:
    """Where a trial's attempts lie."""
    return out / "trials" / f"{number:03d}"


def fit_options(
    search: SearchOptions,
    values: Mapping[str, Any],
    *,
    out: Path,
    resources: Resources,
    resume: bool,
) -> FitOptions:
    """What a trial trains with.

    Args:
        search: The options of the search.
        values: Those of the trial.
        out: Folder of the attempt.
        resources: What the trial may use.
        resume: Whether the folder holds a checkpoint to go on from.

    Returns:
        The options; on one device.
    """
    shared = _shared(search)
    if not resources.gpus:
        shared["accelerator"] = "cpu"
    if search.num_workers == "auto":
        shared["num_workers"] = resources.cpus - 1
    searched = {name: values[name] for name in SEARCHED}
    return FitOptions(**shared, **searched, out=out, devices=1, resume=resume)


def best_config(search: SearchOptions, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a trial as plain data for `lungseg.fit --config`; `--out` is left to say."""
    given = FitOptions(**_shared(search), **{name: values[name] for name in SEARCHED}, out=Path())
    left_out = ("out", "devices", "resume", "validate")
    return {name: value for name, value in flat_values(given).items() if name not in left_out}


def _shared(search: SearchOptions) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(TrainingOptions)]
    return {name: getattr(search, name) for name in names if name not in ("config", "json")}
