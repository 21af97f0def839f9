"""Folds that the user or the source brings along: a table, nnU-Net's splits, or `dataset.json`."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.case import BadCaseError, Case, case_name
from ingest.splits.table import read_table, read_text
from shards.console.words import counted, some

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class OwnFolds:
    """Folds that are not ours to decide.

    Attributes:
        folds: Fold of each case, 0-based, by name.
        told_by: Name of the file that says so.
    """

    folds: dict[str, int]
    told_by: str


def own_folds(cases: Sequence[Case], file: Path | None) -> OwnFolds | None:
    """The folds of a file, or else those of the source; None where neither has any.

    Args:
        cases: The training cases, with their patients; `fold` is what `dataset.json` says.
        file: A table with the columns `case` or `patient`, and `fold`; or `splits_final.json` of
            nnU-Net, in which the fold of a case is the place of the split that validates on it.

    Raises:
        BadCaseError: If the file cannot be understood, or tells no fold of a usable case.
    """
    if file is None:
        return _of_source(cases)
    folds = folds_of_file(file, {case.name: case.patient for case in cases})
    untold = [case.name for case in _usable(cases) if case.name not in folds]
    if untold:
        raise BadCaseError(f"--folds-file {file} tells no fold of {some(untold)}: add them")
    return OwnFolds(folds=folds, told_by=file.name)


def folds_of_file(file: Path, patients: Mapping[str, str]) -> dict[str, int]:
    """The fold of each case that a file tells one of, by name.

    Args:
        file: As that of `own_folds`.
        patients: Whose scan each case is, by name.

    Raises:
        BadCaseError: If the file cannot be understood.
    """
    told = _of_splits(file) if file.suffix == ".json" else _of_table(file)
    found = {name: told.get(name, told.get(_patient(who))) for name, who in patients.items()}
    return {name: fold for name, fold in found.items() if fold is not None}


def _of_source(cases: Sequence[Case]) -> OwnFolds | None:
    folds = {case.name: case.fold for case in cases if case.fold is not None}
    missing = [case.name for case in _usable(cases) if case.name not in folds]
    if not folds:
        return None
    if missing:
        _log.warning(
            "dataset.json tells a fold of %s but not of %s: its folds are not used",
            counted(len(folds), "case"), some(missing),
        )  # fmt: skip
        return None
    return OwnFolds(folds=folds, told_by="dataset.json")


def _usable(cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if case.label and not case.problem]


def _of_table(file: Path) -> dict[str, int]:
    """Fold by the name of a case, or by `_patient`."""
    heads = read_text(file, option="--folds-file").partition("\n")[0].lower()
    column = "case" if "case" in heads or "patient" not in heads else "patient"
    told: dict[str, int] = {}
    for row in read_table(file, (column, "fold"), option="--folds-file"):
        who = case_name(Path(row["case"])) if column == "case" else _patient(row["patient"])
        fold = _number(row["fold"], f"{column} {row[column]} in {file}")
        if told.setdefault(who, fold) != fold:
            raise BadCaseError(
                f"--folds-file: {column} {row[column]} has two folds in {file}, {told[who]} and "
                f"{fold}: keep one line"
            )
    return told


def _patient(name: str) -> str:
    """A patient's name as a key that is no case's."""
    return f"/{name}"


def _of_splits(file: Path) -> dict[str, int]:
    rule = f"--folds-file needs splits_final.json of nnU-Net, a list of {{train, val}}; {file}"
    try:
        splits = json.loads(read_text(file, option="--folds-file"))
        parts = [(_names(split["train"]), _names(split["val"])) for split in splits]
    except (ValueError, KeyError, TypeError) as error:
        raise BadCaseError(f"{rule} is none ({type(error).__name__}: {error})") from error
    told: dict[str, int] = {}
    for fold, (_, validation) in enumerate(parts):
        for name in validation:
            if told.setdefault(name, fold) != fold:
                raise BadCaseError(f"{rule} validates on {name} twice, in {told[name]} and {fold}")
    for fold, (training, _) in enumerate(parts):
        apart = {name for name, of in told.items() if of != fold} - set(training)
        if apart:
            raise BadCaseError(
                f"{rule} leaves {some(sorted(apart))} out of the training of split {fold}, and a "
                "fold here trains on all cases of the others: delete them from the other splits too"
            )
    return told


def _names(files: Iterable[str]) -> list[str]:
    return [case_name(Path(name)) for name in files]


def _number(text: str, where: str) -> int:
    if not text.isdecimal():
        raise BadCaseError(f"a fold is a whole number from 0, {where} has {text!r}: correct it")
    return int(text)
