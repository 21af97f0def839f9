"""How far a trial is, is read from what its training left."""

import json
import os

from cluster.resources import Resources
from tune.trials.trial import _prepare_environment, reached


def leave(folder, *, first_epoch, dice, best):
    rows = [f"{first_epoch + n},{value}" for n, value in enumerate(dice)]
    (folder / "metrics.csv").write_text("\n".join(["epoch,val/dice_case_mean", *rows]) + "\n")
    result = {"epoch": first_epoch + best, "dice_case_mean": dice[best]}
    (folder / "result.json").write_text(json.dumps(result))


def test_a_training_before_its_first_epoch_has_reached_none(tmp_path):
    assert reached(tmp_path)["epoch"] == 0


def test_epochs_are_counted_from_one_however_the_table_counts_them(tmp_path):
    for first_epoch in (0, 1):
        leave(tmp_path, first_epoch=first_epoch, dice=[0.2, 0.5, 0.4], best=1)
        assert reached(tmp_path) == {
            "epoch": 3,
            "dice_case_mean": 0.4,
            "best_dice_case_mean": 0.5,
            "best_epoch": 2,
        }


def test_a_trial_knows_nothing_of_slurm(monkeypatch):
    monkeypatch.setenv("SLURM_PROCID", "1")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    _prepare_environment(Resources(cpus=3))
    assert not [name for name in os.environ if name.startswith("SLURM_")]
    assert os.environ["OMP_NUM_THREADS"] == "3"
