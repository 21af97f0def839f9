"""What a finished search leaves: trials.csv, best.yaml, best.ckpt, report.html, result.json."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from shards.console.whole import whole_or_nothing, write_json, write_whole
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.options.settings import best_config, trial_folder
from tune.results.page import render
from tune.results.worth import Worth
from tune.trials.attempts import BEST
from tune.trials.outcome import TrialOutcome, hours, searched_names

_BEFORE_VALUES = ("trial", "status")
_AFTER_VALUES = (
    *("dice_case_mean", "missed", "best_epoch", "epochs", "seconds", "attempts", "node", "reason"),
)

_RESULT = "result.json"
_SCORE = ("dice_case_mean", "n", "missed", "definition", "grid", "threshold", "fold")


def finished_result(out: Path, *, refit: int | str | None = None) -> dict[str, Any] | None:
    """The result of a search that ended before; None where it was not written, or not so refit."""
    path = out / _RESULT
    if not path.exists():
        return None
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    had = result.get("refit") or {}
    return result if refit in (None, had.get("asked")) else None


def leave_so_far(
    options: SearchOptions, trials: list[TrialOutcome], worth: Worth | None = None
) -> dict[str, Any] | None:
    """Write trials.csv, and best.ckpt, best.yaml and report.html where a trial found tumor.

    Checkpoints of trials that are over go, but for those of failed ones, which may be tried again.

    Args:
        options: The options of the search.
        trials: The outcomes so far, the best first.
        worth: Of the best settings, trained again.

    Returns:
        The best trial's values and score; None where there is no such trial.
    """
    out = options.out
    (out / _RESULT).unlink(missing_ok=True)  # of a search that is extended
    _write_table(trials, out / "trials.csv", folds=options.folds is not None)
    best = next((trial for trial in trials if trial.dice), None)
    if best:
        _keep(best, options)
    scored = [trial for trial in trials if trial.dice is not None]
    result = _scores(options, trials) if scored else None
    if result is not None and worth is not None:
        result = {"worth": worth.headline, **result, "refit": worth.plain()}
    if result is not None:
        write_whole(out / "report.html", render(options, trials, result, worth))
    for trial in scored:
        _remove_checkpoints(trial, out)
    return result if best else None


def leave_result(
    options: SearchOptions, trials: list[TrialOutcome], worth: Worth | None = None
) -> dict[str, Any]:
    """Write what a finished search leaves; result.json is written last.

    Args:
        options: The options of the search.
        trials: The outcomes, the best first.
        worth: Of the best settings, trained again.

    Returns:
        The content of result.json.

    Raises:
        SearchError: If no trial ended well, or none found any tumor.
    """
    result = leave_so_far(options, trials, worth)
    if result is None:
        raise SearchError(_no_best(trials, options.out))
    write_json(options.out / _RESULT, result)
    return result


def _keep(best: TrialOutcome, options: SearchOptions) -> None:
    """Copy the best trial's checkpoint and scores, unless they were copied before."""
    if best.checkpoint.exists():
        with whole_or_nothing(options.out / BEST) as unfinished:
            shutil.copyfile(best.checkpoint, unfinished)
    values = best_config(options, best.values)
    write_whole(options.out / "best.yaml", yaml.safe_dump(values, sort_keys=False))


def _remove_checkpoints(trial: TrialOutcome, out: Path) -> None:
    for path in trial_folder(out, trial.number).rglob("*.ckpt"):
        path.unlink()


def _scores(options: SearchOptions, trials: list[TrialOutcome]) -> dict[str, Any]:
    """The best trial's score as its training told it, its values, and where everything is."""
    out, best = options.out, trials[0]
    scores = json.loads(best.scores.read_text(encoding="utf-8"))
    return {
        **{name: scores[name] for name in _SCORE},
        "trial": best.number,
        "best_epoch": best.best_epoch,
        **best.values,
        "trials": len(trials),
        "cpu_hours": round(hours(trials, "cpus"), 3),
        "gpu_hours": round(hours(trials, "gpus"), 3),
        "failed": sum(trial.status == "failed" for trial in trials),
        "best_config": str(out / "best.yaml"),
        "checkpoint": str(out / BEST),
        "trials_csv": str(out / "trials.csv"),
        "report": str(out / "report.html"),
    }


def _write_table(trials: list[TrialOutcome], path: Path, *, folds: bool) -> None:
    """One row per trial, in the order of their numbers; on how many folds, where it is on some."""
    with path.open("w", newline="", encoding="utf-8") as file:
        after = ("folds", *_AFTER_VALUES) if folds else _AFTER_VALUES
        columns = (*_BEFORE_VALUES, *searched_names(trials), *after)
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(_row(trial) for trial in sorted(trials, key=lambda trial: trial.number))


def _row(trial: TrialOutcome) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "status": trial.status,
        **trial.values,
        "folds": trial.folds,
        "dice_case_mean": trial.dice,
        "missed": trial.missed,
        "best_epoch": trial.best_epoch,
        "epochs": len(trial.curve),
        "seconds": f"{trial.seconds:.1f}",
        "attempts": trial.attempts,
        "node": trial.node,
        "reason": trial.reason,
    }


def _no_best(trials: list[TrialOutcome], out: Path) -> str:
    if not trials:
        return "no trial has ended yet: the same command goes on with the search"
    if any(trial.dice is not None for trial in trials):
        return (
            f"none of {len(trials)} trials found any tumor (Dice 0), so none is best: give them "
            f"more --epochs or other ranges in another --out; {out / 'trials.csv'} tells of each"
        )
    first = min(trials, key=lambda trial: trial.number)
    return (
        f"all {len(trials)} trials failed, trial {first.number} because: "
        f"{first.reason.rstrip('.')}; {out / 'trials.csv'} has the other reasons; mend it, and the "
        "same command tries them again"
    )
