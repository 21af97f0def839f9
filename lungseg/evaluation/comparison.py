"""Two evaluations of the same cases -> which one is better, if that can be said."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lungseg.scores.lesions import SIZE_CLASSES, Lesion
from lungseg.scores.paired import DEFINITION, Comparison, compare_pairs
from shards.console.errors import KnownError
from shards.console.words import some

SCORES = ("dice", "nsd")
_SAME_ML = 1e-3

Cases = Mapping[str, Mapping[str, Any]]


class ComparisonError(KnownError):
    """Two evaluations cannot be compared."""


def compare(first: Path, second: Path) -> dict[str, Any]:
    """Compare two evaluations over the cases with tumor that both have.

    Args:
        first: Folder of `python -m lungseg.evaluate`.
        second: Another one.

    Returns:
        Plain data: per score a comparison of all cases, and per size class of the labeled tumor one
        of its Dice; the Dice of each case by both; the cases missed by each, and those that only
        one has.

    Raises:
        ComparisonError: If a folder holds no evaluation, they share no case with tumor, or a case
            was scored by another label.
    """
    one, other = _cases_of(first), _cases_of(second)
    shared = [name for name in one if name in other]
    _refuse_other_labels(one, other, shared)
    tumors = [name for name in shared if one[name]["truth_ml"] > 0]
    if not tumors:
        raise ComparisonError(f"{first} and {second} share no case with tumor: nothing to compare")
    return {
        "first": str(first),
        "second": str(second),
        **{score: _said(_compared(one, other, tumors, score)) for score in SCORES},
        "cases": [_both(one[name], other[name]) for name in tumors],
        "by_size": _by_size(one, other, tumors),
        "missed": [
            sum(cases[name]["verdict"] == "missed" for name in tumors) for cases in (one, other)
        ],
        "only_first": sorted(set(one) - set(other)),
        "only_second": sorted(set(other) - set(one)),
        "definition": DEFINITION,
    }


def _both(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Dice of a case by both."""
    pair = [float(case["dice"] or 0) for case in (first, second)]
    return {
        "case": first["case"],
        "truth_ml": first["truth_ml"],
        "first": pair[0],
        "second": pair[1],
        "difference": pair[1] - pair[0],
    }


def _cases_of(folder: Path) -> Cases:
    path = folder / "metrics.json"
    try:
        cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
        return {case["case"]: case for case in cases if {"truth_ml", *SCORES} <= case.keys()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = "is damaged or of another program" if path.exists() else "does not exist"
        raise ComparisonError(
            f"{folder} holds no evaluation, {path} {what}: give the --out of "
            "`python -m lungseg.evaluate`"
        ) from error


def _refuse_other_labels(one: Cases, other: Cases, shared: list[str]) -> None:
    apart = [
        name for name in shared if abs(one[name]["truth_ml"] - other[name]["truth_ml"]) > _SAME_ML
    ]
    if apart:
        raise ComparisonError(
            f"both evaluations must be by the same labels, the volume differs in {some(apart)}: "
            "evaluate both on one source"
        )


def _compared(one: Cases, other: Cases, names: list[str], score: str) -> Comparison:
    pairs = ([float(cases[name][score] or 0) for name in names] for cases in (one, other))
    return compare_pairs(*pairs)


def _by_size(one: Cases, other: Cases, tumors: list[str]) -> list[dict[str, Any]]:
    """Dice by the diameter of a ball of the labeled volume."""
    classes = {name: _size_class(one[name]["truth_ml"]) for name in tumors}
    return [
        {"size": size, **_said(_compared(one, other, names, "dice"))}
        for size in SIZE_CLASSES
        if (names := [name for name in tumors if classes[name] == size])
    ]


def _size_class(volume_ml: float) -> str:
    return Lesion(kind="found", volume_ml=volume_ml).size_class


def _said(comparison: Comparison) -> dict[str, Any]:
    return asdict(comparison) | {"verdict": comparison.verdict}
