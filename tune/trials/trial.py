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
from tune.config import SearchOptions
from tune.trials.attempts import claim
from tune.trials.settings import SEARCHED, fit_options, trial_folder

Reached = dict[str, Any]

METRIC = "best_dice_case_mean"
EPOCH = "epoch"
FAILED = "failed"


def run_trial(config: dict[str, Any], *, search: SearchOptions, resources: Resources) -> None:
    """Train with the values of a trial and report every epoch.

    A training that cannot go on for a known reason (its loss is no number any more, its shards are
    damaged) is reported with the reason and a Dice of 0, as trying again would not help; whatever
    else goes wrong is Tune's to try again.

    Args:
        config: `number`, `loss`, `lr` and `oversample` of the trial.
        search: The options of the search.
        resources: What the trial may use.
    """
    _prepare_environment(resources)
    from lungseg.training.callbacks.after_epoch import AfterEpoch
    from lungseg.training.run import fit

    values = {name: config[name] for name in SEARCHED}
    attempt = claim(trial_folder(search.out, config["number"]), values)
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
        known = reached(attempt.folder) | {METRIC: 0.0, FAILED: str(error)}
        ray.tune.report(known | {"node": _node()})


def reached(folder: Path) -> Reached:
    """How far a training is, by the files that it leaves.

    Args:
        folder: `--out` of the training.

    Returns:
        `epoch` (number of finished ones), `dice_case_mean` of the last, `best_dice_case_mean` and
        `best_epoch` (1-based).
    """
    curve = dice_by_epoch(folder)
    if not curve:
        return {EPOCH: 0, "dice_case_mean": 0.0, METRIC: 0.0, "best_epoch": 0}
    best = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return {
        EPOCH: len(curve),
        "dice_case_mean": curve[-1],
        METRIC: best["dice_case_mean"],
        "best_epoch": best["epoch"] + 1,
    }


def dice_by_epoch(folder: Path) -> list[float]:
    """Validation Dice per case after each epoch of a training, from its metrics.csv."""
    table = folder / "metrics.csv"
    if not table.exists():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        return [float(row["val/dice_case_mean"]) for row in csv.DictReader(file)]


def _prepare_environment(resources: Resources) -> None:
    """Take from Lightning what tells it of Slurm's ranks, and limit the threads of torch."""
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        del os.environ[name]
    os.environ["OMP_NUM_THREADS"] = str(resources.cpus)


def _node() -> str:
    """The node of this process, for people and apart from others on the same machine."""
    return f"{ray.util.get_node_ip_address()}/{ray.get_runtime_context().get_node_id()[:8]}"
