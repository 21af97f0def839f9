"""How far a trial is, is read from what its training left."""

import json
import os

import pytest
import ray.tune

from cluster.resources import Resources
from lungseg.errors import DivergedError, TrainingError
from lungseg.training import run
from tune.options.config import SearchOptions
from tune.trials import trial
from tune.trials.trial import _prepare_environment, reached, run_trial

CONFIG = {"number": 0, "loss": "dice", "lr": 0.001, "oversample": 2.0}


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


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Function: an error that ends the training -> what is reported of the trial."""
    monkeypatch.setattr(trial, "_node", lambda: "here")
    monkeypatch.setattr(trial, "_prepare_environment", lambda _: None)
    reports = []
    monkeypatch.setattr(ray.tune, "report", reports.append)
    search = SearchOptions.of(shards=str(tmp_path), out=tmp_path)

    def tell(error):
        def fit(*_, **__):
            raise error

        monkeypatch.setattr(run, "fit", fit)
        run_trial(CONFIG, search=search, resources=Resources(cpus=1))
        (report,) = reports
        return report

    return tell


def test_a_loss_that_is_no_number_is_one_attempt_and_its_settings_fault(told):
    report = told(DivergedError("the loss is nan"))
    assert (report["failed"], report["poor"], report["epoch"]) == ("the loss is nan", True, 0)


def test_damaged_shards_are_not_the_settings_fault(told):
    report = told(TrainingError("lung_001.tar is damaged"))
    assert (report["failed"], report["poor"]) == ("lung_001.tar is damaged", False)


def test_what_is_not_known_is_tunes_to_try_again(told):
    with pytest.raises(OSError, match="full"):
        told(OSError("the disk is full"))
