"""Which cases of a shard set train and which validate."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ingest.recipe import Recipe
from ingest.splits.own_folds import folds_of_file
from lungseg.errors import TrainingError
from lungseg.options.validation import ValidationOptions
from shards.console.words import counted, some
from shards.storage.store import ShardSet


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split:
    """Which cases train and which validate.

    Attributes:
        training: Positions of the training cases in the index's `cases`.
        validation: Those of the validation cases.
    """

    training: tuple[int, ...]
    validation: tuple[int, ...]


def split_cases(shards: ShardSet, options: ValidationOptions) -> Split:
    """Validation on the cases of a fold, or on named ones, or on none; training on all others.

    Args:
        shards: The shard set.
        options: Which cases validate.

    Returns:
        The split.

    Raises:
        TrainingError: If there are no such cases, none to train on, or none of either part shows
            tumor.
    """
    cases = shards.index.cases
    chosen = _validation_cases(shards, options)
    split = Split(
        training=tuple(i for i, case in enumerate(cases) if case not in chosen),
        validation=tuple(i for i, case in enumerate(cases) if case in chosen),
    )
    what = "--validation-cases" if options.validation_cases else f"--fold {options.fold}"
    folds = folds_of(shards, options)
    if not split.training or (options.fold != "none" and not split.validation):
        raise TrainingError(
            f"{what} leaves {counted(len(split.training), 'case')} to train on and "
            f"{counted(len(split.validation), 'case')} to validate on, and each needs one at "
            f"least; {shards.url} has {counted(len(cases), 'case')}{_of_one_patient(shards)} in "
            f"the folds {sorted(set(folds.values()))}"
        )
    _check_tumor(shards, split.training, f"training cases of {what}", folds)
    if split.validation:
        _check_tumor(shards, split.validation, f"validation cases of {what}", folds)
    return split


def folds_of(shards: ShardSet, options: ValidationOptions) -> Mapping[str, int]:
    """The fold of each case by name: that of `--folds-file`, or else the one in the manifest.

    Raises:
        BadCaseError: If the file cannot be understood.
        TrainingError: If it tells no fold of a case.
    """
    manifest, file = shards.manifest, options.folds_file
    if file is None:
        return manifest.folds
    folds = folds_of_file(file, {name: entry.patient for name, entry in manifest.cases.items()})
    untold = [case for case in shards.index.cases if case not in folds]
    if untold:
        raise TrainingError(
            f"--folds-file {file} tells no fold of {some(untold)} in {shards.url}: add them, or "
            "name the cases to validate on by --validation-cases"
        )
    return folds


def _validation_cases(shards: ShardSet, options: ValidationOptions) -> set[str]:
    if options.fold == "none":
        return set()
    if not options.validation_cases:
        return {case for case, fold in folds_of(shards, options).items() if fold == options.fold}
    named, known = _named(options.validation_cases), shards.index.cases
    for case in named:
        if case not in known:
            near = difflib.get_close_matches(case, known, n=1)
            hint = f", perhaps you meant {near[0]}" if near else f": its cases are {some(known)}"
            raise TrainingError(f"--validation-cases: {shards.url} has no case {case}{hint}")
    return set(named)


def _named(given: Sequence[str]) -> list[str]:
    """The names that were given, or the lines of the one file that was."""
    if len(given) == 1 and Path(given[0]).is_file():
        lines = Path(given[0]).read_text(encoding="utf-8").splitlines()
        return [line.strip() for line in lines if line.strip()]
    return [name for word in given for name in word.split(",") if name]


def patients_on_both_sides(shards: ShardSet, split: Split) -> list[str]:
    """The patients of whom some scans train and others validate, sorted."""
    training, validation = (
        {shards.manifest.cases[shards.index.cases[case]].patient for case in cases}
        for cases in (split.training, split.validation)
    )
    return sorted(training & validation)


def _check_tumor(
    shards: ShardSet, cases: tuple[int, ...], what: str, folds: Mapping[str, int]
) -> None:
    """Refuse cases none of which shows tumor, and say why, as far as the manifest knows."""
    if shards.index.tumor[np.isin(shards.index.case, cases)].any():
        return
    entries = {shards.index.cases[i]: shards.manifest.cases[shards.index.cases[i]] for i in cases}
    lost = {case: entry.tumor_voxels_dropped for case, entry in entries.items()}
    lost = {case: voxels for case, voxels in lost.items() if voxels}
    if lost:
        rule = Recipe.from_dict(shards.manifest.recipe).drop_rule
        raise TrainingError(
            f"none of the {what} shows tumor, because the recipe drops {rule} and with them all of "
            f"it: in {some(list(lost))}, {sum(lost.values())} voxels together; build the shards "
            "anew with another rule, as --drop-slices 0"
        )
    raise TrainingError(
        f"none of the {what} shows tumor ({some(list(entries))}): {_other_fold(shards, folds)}, or "
        "other --validation-cases"
    )


def _other_fold(shards: ShardSet, folds: Mapping[str, int]) -> str:
    """Which folds can be chosen: those with tumor inside and outside of them."""
    shown = np.unique(shards.index.case[shards.index.tumor])
    known = sorted({folds[shards.index.cases[i]] for i in shown})
    return f"choose another --fold, of {known}" if len(known) > 1 else "choose --fold none"


def _of_one_patient(shards: ShardSet) -> str:
    """Why there is one fold only, where all cases are of one patient."""
    patients = {entry.patient for entry in shards.manifest.cases.values()}
    return f", all of patient {patients.pop()}," if len(patients) == 1 else ""
