"""One trial: a training by `lungseg.training.run.fit` that reports each epoch to Ray Tune.

It runs in a Ray worker on any node. Heavy libraries are imported inside, after the environment is
put right for them.
"""

import csv
import json
import os
from pathlib import Path
from typing import Any

import ray
import ray.tune

from cluster.resources import Resources
from shards.console.errors import KnownError
from tune.history.memory import EPOCH, SCORE
from tune.options.config import SearchOptions
from tune.options.settings import fit_options, trial_folder
from tune.trials.attempts import claim

Reached = dict[str, Any]

FAILED = "failed"
POOR = "poor"
REPORTED = (EPOCH, "dice_case_mean", SCORE, "best_epoch", "node")


def run_trial(config: dict[str, Any], *, search: SearchOptions, resources: Resources) -> None:
    """Train with the values of a trial and report every epoch.

    A training that cannot go on for a known reason (its loss is no number any more, its shards are
    damaged) is reported with the reason, as trying again would not help, and whether the values
    were to blame; whatever else goes wrong is Tune's to try again.

    Args:
        config: `number`, `loss`, `lr` and `oversample` of the trial.
        search: The options of the search.
        resources: What the trial may use.
    """
    _prepare_environment(resources)
    from lungseg.errors import DivergedError
    from lungseg.training.callbacks.after_epoch import AfterEpoch
    from lungseg.training.run import fit

    attempt = claim(trial_folder(search.out, config["number"]))
    options = fit_options(
        search, config, out=attempt.folder, resources=resources, resume=attempt.resumes
    )

    def tell() -> None:
        attempt.assert_newest()
        ray.tune.report(reached(attempt.folder) | {"node": _node()})

    if attempt.resumes and reached(attempt.folder)[EPOCH]:
        tell()
    try:
        fit(options, callbacks=[AfterEpoch(tell)])
    except KnownError as error:
        known = {FAILED: str(error), POOR: isinstance(error, DivergedError)}
        ray.tune.report(reached(attempt.folder) | known | {"node": _node()})


def reached(folder: Path) -> Reached:
    """How far a training is, by the files that it leaves.

    Args:
        folder: `--out` of the training.

    Returns:
        `epoch` (number of finished ones), `dice_case_mean` of the last, `best_dice_case_mean` and
        `best_epoch` (1-based).
    """
    table = folder / "metrics.csv"
    if not table.exists():
        return {EPOCH: 0, "dice_case_mean": 0.0, SCORE: 0.0, "best_epoch": 0}
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    best = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return {
        EPOCH: len(rows),
        "dice_case_mean": float(rows[-1]["val/dice_case_mean"]),
        SCORE: best["dice_case_mean"],
        "best_epoch": best["epoch"] - int(rows[0]["epoch"]) + 1,
    }


def _prepare_environment(resources: Resources) -> None:
    """Take from Lightning what tells it of Slurm's ranks, and limit the threads of torch."""
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        del os.environ[name]
    os.environ["OMP_NUM_THREADS"] = str(resources.cpus)


def _node() -> str:
    """The node of this process, for people and apart from others on the same machine."""
    return f"{ray.util.get_node_ip_address()}/{ray.get_runtime_context().get_node_id()[:8]}"
