"""Cross-validation: each fold is trained in turn, and what has ended is not trained again."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lungseg.crossval.one_fold import train_fold
from lungseg.crossval.pooled import FoldScores, has_ended, pooled
from lungseg.errors import TrainingError
from lungseg.options.fit import FitOptions
from lungseg.report.folds import render
from lungseg.training.log.case_table import COLUMNS, row_of, write_rows
from lungseg.training.process.world import check_not_launched
from lungseg.training.resume import checkpoint_to_resume
from lungseg.training.run import open_training
from lungseg.training.split import folds_of, split_cases
from shards.console.command import save_config
from shards.console.groups import replaced
from shards.console.whole import write_json, write_whole
from shards.storage.store import ShardSet

FOLDS = "folds.csv"

logger = logging.getLogger(__name__)


def cross_validate(options: FitOptions) -> dict[str, Any]:
    """Train the folds that `--folds` names, one after the other, and pool their scores.

    Args:
        options: The options; each fold lies in `fold_<n>` of the folder.

    Returns:
        What result.json holds: the mean Dice over all cases of all folds with its interval, and a
        row per fold.

    Raises:
        TrainingError: If a fold cannot be trained or go on; before the first is, if that is known.
        shards.errors.ShardError: If the shards cannot be read.
    """
    check_not_launched("--folds")
    shards, without_secret = open_training(options)
    out = options.run.out
    folds = _chosen(options, shards)
    trainings = {fold: _of_fold(options, fold) for fold in folds}
    _check_begins_or_goes_on(options)
    for training in trainings.values():  # before the first of them takes its hours
        split_cases(shards, training.validation)
        checkpoint_to_resume(training, shards)
    told = sorted(folds_of(shards, options.validation).items())
    write_rows(out / FOLDS, ("case", "fold"), [{"case": case, "fold": k} for case, k in told])
    save_config(replaced(without_secret, resume=False), out / "config.yaml")
    scores: list[FoldScores] = []
    for fold, training in trainings.items():
        if not has_ended(training.run.out, epochs=options.step.epochs):
            logger.info("fold %d, %d of %d:", fold, len(scores) + 1, len(folds))
            train_fold(training)
        scores.append(FoldScores.read(fold, training.run.out))
        _say(scores[-1])
        result = _leave(out, scores, missing=folds[len(scores) :])
    return result


def _chosen(options: FitOptions, shards: ShardSet) -> list[int]:
    """The folds to train, in the order in which they are named."""
    named = options.run.folds
    known = sorted(set(folds_of(shards, options.validation).values()))
    return known if "all" in named else [int(fold) for fold in named]


def _of_fold(options: FitOptions, fold: int) -> FitOptions:
    run = options.run
    return replaced(
        options,
        fold=fold,
        folds=(),
        out=run.out / f"fold_{fold}",
        resume="auto" if run.resume else False,
    )


def _check_begins_or_goes_on(options: FitOptions) -> None:
    out = options.run.out
    if not options.run.resume and (out / FOLDS).exists():
        raise TrainingError(
            f"{out} holds a cross-validation already: go on with it by --resume, or choose another "
            "--out"
        )
    if options.run.resume is True and not (out / FOLDS).exists():
        raise TrainingError(
            f"--resume needs {out / FOLDS}, which does not exist: leave --resume out to begin, or "
            "give --resume auto"
        )


def _say(fold: FoldScores) -> None:
    result = fold.result
    logger.info(
        "fold %d: Dice per case %.4f (n = %d, %d missed), of epoch %d",
        *(fold.fold, result["dice_case_mean"], result["n"], result["missed"]),
        result["epoch"],
    )


def _leave(out: Path, scores: Sequence[FoldScores], *, missing: Sequence[int]) -> dict[str, Any]:
    """Write what is known by now."""
    rows = [{"fold": fold.fold, **row_of(case)} for fold in scores for case in fold.cases]
    write_rows(out / "cases.csv", ("case", "fold", *COLUMNS[1:]), rows)
    result = pooled(scores) | {"folds_missing": list(missing)}
    write_json(out / "result.json", result)
    write_whole(out / "report.html", render(scores, result))
    return result
