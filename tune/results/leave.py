"""What a finished search leaves: trials.csv, best.yaml, best.ckpt, report.html, result.json."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from shards.console.whole import whole_or_nothing, write_json, write_whole
from tune.config import SearchOptions
from tune.errors import SearchError
from tune.results.page import render
from tune.trials.attempts import BEST
from tune.trials.outcome import TrialOutcome
from tune.trials.settings import best_config

COLUMNS = (
    *("trial", "status", "loss", "lr", "oversample", "dice_case_mean", "best_epoch", "epochs"),
    *("seconds", "attempts", "node", "reason"),
)

_RESULT = "result.json"
_SCORE = ("dice_case_mean", "n", "missed", "definition", "grid", "threshold", "fold")


def finished_result(out: Path) -> dict[str, Any] | None:
    """The result of a search that ended before; None while there is something left to do."""
    path = out / _RESULT
    if not path.exists():
        return None
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def leave_results(options: SearchOptions, trials: list[TrialOutcome]) -> dict[str, Any]:
    """Write the files of a finished search and remove the checkpoints of all but the best trial.

    Args:
        options: The options of the search.
        trials: The outcomes, the best first.

    Returns:
        The content of result.json, which is written last.

    Raises:
        SearchError: If every trial failed.
    """
    out, best = options.out, trials[0]
    _write_table(trials, out / "trials.csv")
    if best.dice is None:
        raise SearchError(_all_failed(trials, out))
    with whole_or_nothing(out / BEST) as unfinished:
        shutil.copyfile(best.checkpoint, unfinished)
    values = best_config(options, best.values)
    write_whole(out / "best.yaml", yaml.safe_dump(values, sort_keys=False))
    result = _result(options, trials)
    write_whole(out / "report.html", render(options, trials, result))
    write_json(out / _RESULT, result)
    remove_checkpoints(out)
    return result


def remove_checkpoints(out: Path) -> None:
    """Remove the checkpoints of all trials; the best one was copied."""
    for path in (out / "trials").glob("*/*/*.ckpt"):
        path.unlink()


def _result(options: SearchOptions, trials: list[TrialOutcome]) -> dict[str, Any]:
    """The best trial's score as its training told it, its values, and where everything is."""
    out, best = options.out, trials[0]
    scores = json.loads((best.checkpoint.parent / "result.json").read_text(encoding="utf-8"))
    return {
        **{name: scores[name] for name in _SCORE},
        "trial": best.number,
        "best_epoch": best.best_epoch,
        **best.values,
        "trials": len(trials),
        "failed": sum(trial.status == "failed" for trial in trials),
        "best_config": str(out / "best.yaml"),
        "checkpoint": str(out / BEST),
        "trials_csv": str(out / "trials.csv"),
        "report": str(out / "report.html"),
    }


def _write_table(trials: list[TrialOutcome], path: Path) -> None:
    """One row per trial, in the order of their numbers."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(_row(trial) for trial in sorted(trials, key=lambda trial: trial.number))


def _row(trial: TrialOutcome) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "status": trial.status,
        **trial.values,
        "dice_case_mean": trial.dice,
        "best_epoch": trial.best_epoch,
        "epochs": len(trial.curve),
        "seconds": f"{trial.seconds:.1f}",
        "attempts": trial.attempts,
        "node": trial.node,
        "reason": trial.reason,
    }


def _all_failed(trials: list[TrialOutcome], out: Path) -> str:
    first = min(trials, key=lambda trial: trial.number)
    return (
        f"all {len(trials)} trials failed, trial {first.number} because: "
        f"{first.reason.rstrip('.')}; {out / 'trials.csv'} has the other reasons; mend it, and the "
        "same command starts anew"
    )
