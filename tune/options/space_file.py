"""`--space FILE.yaml`: which options of the training a search varies, and over what."""

import dataclasses
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from lungseg.options.fit import FitOptions, TrainingOptions
from shards.console.command import parse
from shards.console.groups import flat_values, names_of
from shards.console.usage import UsageError
from tune.options.errors import SearchError
from tune.options.space import ONLY_WITH

_FIXED = {
    "preset": "it stands for other options",
    "epochs": "trials are compared epoch by epoch",
    "seed": "a seed is no setting",
    "checkpoint_minutes": "it changes no score",
    "accelerator": "it changes no score",
}
_FIXED_GROUPS = {"data": "it changes no score", "validation": "trials share their validation"}
_RANGES = ("int", "uniform", "log")
_POINTS = "first"


def read_space(path: Path) -> tuple[dict[str, BaseDistribution], list[dict[str, Any]]]:
    """Read a file and hold all that it says against the options.

    Args:
        path: YAML: by an option's name `{choice: [..]}`, `{uniform: [LOW, HIGH]}`,
            `{log: [LOW, HIGH]}` or `{int: [LOW, HIGH]}`; and under `first`, if given, a list of
            known good points, each a mapping from names to values.

    Returns:
        Where each option is searched, those that others depend on first; and the points.

    Raises:
        SearchError: If the file cannot be read or says what cannot be searched.
    """
    said = _content(path)
    points = said.pop(_POINTS, [])
    searched = {name: _distribution(path, name, over) for name, over in said.items()}
    first = [other for other, _ in ONLY_WITH.values() if other in searched]
    ordered = {name: searched[name] for name in [*dict.fromkeys(first), *searched]}
    return ordered, _checked_points(path, points, ordered)


def _content(path: Path) -> dict[str, Any]:
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SearchError(f"--space {path} cannot be read as YAML: {error}") from error
    if not isinstance(said, dict) or not said.keys() - {_POINTS}:
        raise SearchError(
            f"--space {path} must map options to where they are searched, as `lr: {{log: [1e-4, "
            "1e-2]}`; it holds none"
        )
    return {str(name).replace("-", "_"): over for name, over in said.items()}


def _distribution(path: Path, name: str, over: Any) -> BaseDistribution:
    _check_name(path, name)
    kind, values = _said(over)
    held = [_held(path, name, value) for value in values]
    if kind == "choice" and held and all(map(_is_scalar, held)):
        return CategoricalDistribution(held)
    if kind in _RANGES and len(held) == 2 and _is_range(kind, *held):
        return _range(kind, *held)
    raise SearchError(
        f"--space {path}: {name} must be {{choice: [A, B]}} of single values, {{int: [LOW, HIGH]}} "
        "of an option that takes whole numbers, or {uniform: [LOW, HIGH]} or {log: [LOW, HIGH]} of "
        f"one that takes others, log above 0; got {over}"
    )


def _said(over: Any) -> tuple[str, list[Any]]:
    """The kind and the values of `{kind: [values]}`; nothing of anything else."""
    if not (isinstance(over, dict) and len(over) == 1):
        return "", []
    ((kind, values),) = over.items()
    return str(kind), values if isinstance(values, list) else []


def _check_name(path: Path, name: str) -> None:
    groups = {
        option: field.name
        for field in dataclasses.fields(TrainingOptions)
        if dataclasses.is_dataclass(field.type)
        for option in names_of(field.type)
    }
    known = [option for option in names_of(TrainingOptions) if option not in ("config", "json")]
    reason = _FIXED.get(name) or _FIXED_GROUPS.get(groups.get(name, ""))
    if reason:
        raise SearchError(f"--space {path}: {name} cannot be searched, as {reason}: take it out")
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f", perhaps you meant {near[0]}" if near else " (see --help)"
        raise SearchError(f"--space {path}: {name} is no option of the training{hint}")


def _checked_points(path: Path, points: Any, searched: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not (isinstance(points, list) and all(isinstance(point, dict) for point in points)):
        raise SearchError(f"--space {path}: first must be a list of points, got {points}")
    for point in points:
        unknown = sorted(point.keys() - searched.keys())
        if unknown:
            raise SearchError(
                f"--space {path}: a point of first has {unknown[0]}, which is not searched"
            )
    return [{name: _held(path, name, point[name]) for name in point} for point in points]


def _held(path: Path, name: str, value: Any) -> Any:
    """A value as the option holds it, which refuses what it cannot."""
    flag = "--" + name.replace("_", "-")
    if isinstance(value, bool):
        words = [flag if value else flag.replace("--", "--no-", 1)]
    else:
        words = [flag, str(value)]
    try:
        made = parse(FitOptions, ["--shards", "x", "--out", "x", *words], prog="", description="")
    except UsageError as error:
        raise SearchError(f"--space {path}: {' '.join(str(error).lstrip(': ').split())}") from error
    return flat_values(made)[name]


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _is_range(kind: str, low: Any, high: Any) -> bool:
    wanted = int if kind == "int" else float
    return type(low) is type(high) is wanted and low <= high and (kind != "log" or low > 0)


def _range(kind: str, low: Any, high: Any) -> BaseDistribution:
    if kind == "int":
        return IntDistribution(low, high)
    return FloatDistribution(low, high, log=kind == "log")
