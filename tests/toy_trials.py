"""Trials of a search as it leaves them, made up in a moment."""

import json

from tune.history.journal import Journal
from tune.history.memory import Memory, Stint
from tune.history.rungs import Rungs
from tune.history.study import Study
from tune.options.space import Space
from tune.trials.outcome import TrialOutcome

SCORES = {
    "dice_case_mean": 0.7,
    "n": 3,
    "missed": 1,
    "definition": "mean over cases",
    "grid": "model",
    "threshold": 0.5,
    "fold": 0,
    "epoch": 4,
}


TOLD = {"dice_case_mean": 0.5, "best_epoch": 1, "missed": 0, "node": "here"}
"""What a trial reports beside its epoch and its score."""


def outcome(out, number, dice, *, reason="", loss="dice", missed=1):
    """A trial as it would have been left in `out`."""
    folder = out / "trials" / f"{number:03d}" / "attempt-1"
    folder.mkdir(parents=True)
    (folder / "best.ckpt").write_text(f"weights of {number}")
    (folder / "last.ckpt").write_text("")
    (folder / "result.json").write_text(json.dumps(SCORES | {"dice_case_mean": dice}))
    return TrialOutcome(
        number=number,
        status="failed" if reason else "finished",
        values={"loss": loss, "lr": 0.001 * (number + 1), "oversample": 2.5},
        dice=dice,
        missed=None if dice is None else missed,
        best_epoch=None if dice is None else 5,
        folds=1,
        curve=(0.1, 0.5),
        seconds=12.0,
        stints=(
            Stint(node="here", cpus=2, gpus=0.5, begun=60.0 * number, until=60.0 * number + 90),
        ),
        attempts=1,
        node="127.0.0.1/abc",
        reason=reason,
        scores=folder / "result.json",
        checkpoint=folder / "best.ckpt",
    )


def toy_space():
    """Two losses, learning rates and oversampling."""
    return Space.of_losses(("bce", "dice"), lr=(1e-4, 1e-2), oversample=(1.0, 30.0), around={})


def new_memory(folder, *, trials, epochs):
    """The memory of a search that begins."""
    first = {"loss": "dice", "lr": 1e-3, "oversample": 7.5}
    study = Study(toy_space(), first=[first], seed=0, at_random=2)
    journal = Journal(folder / "journal.jsonl")
    return Memory(journal, study, Rungs(epochs), trials=trials, epochs=epochs)
